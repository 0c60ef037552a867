#pragma once
// A small HTTP/1.1 server on a loopback port that answers as a test tells it to: keep-alive, one thread per connection,
// with TLS if it is given a certificate.
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace waggle::ctl::test {

struct seen_request {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  ///< names in lower case
};

struct canned_answer {
  int status = 200;
  std::string body = "{}";
  std::string extra_headers;  ///< "Name: value\r\n"…
  bool hang_up = false;       ///< close without an answer
  bool close_after = false;   ///< answer, then close without having announced it
};

class tls_identity;

class scripted_node {
 public:
  using handler = std::function<canned_answer(const seen_request&)>;
  explicit scripted_node(handler answer, const tls_identity* identity = nullptr);
  ~scripted_node();
  scripted_node(const scripted_node&) = delete;
  scripted_node& operator=(const scripted_node&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  std::vector<seen_request> requests() const;
  int connections() const { return connections_; }

 private:
  void accept_loop();
  void serve(int socket);
  handler answer_;
  const tls_identity* identity_;
  int port_ = 0;  // before listener_: making that one sets it
  int listener_ = -1;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<seen_request> requests_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// A port on which nobody listens.
std::string dead_url();

/// Runs one whole command line against `url` and keeps what it printed.
struct cli_result {
  int code = -1;
  std::string out, err;
};
struct cli_input {
  std::string standard_input;
  bool terminal = false;
  std::map<std::string, std::string> env;
};
cli_result run(const std::string& url, std::vector<std::string> arguments, const cli_input& input = {});

/// A fresh directory, removed with everything in it.
class scratch_directory {
 public:
  scratch_directory();
  ~scratch_directory();
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& bytes) const;
  std::string read(const std::string& name) const;
  std::vector<std::string> list() const;

 private:
  std::string path_;
};

}  // namespace waggle::ctl::test
