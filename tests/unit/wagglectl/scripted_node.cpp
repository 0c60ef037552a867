#include "tests/unit/wagglectl/scripted_node.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "tests/unit/wagglectl/wire.hpp"
#include "tools/wagglectl/cli.hpp"

namespace waggle::ctl::test {
namespace {
int listen_on_loopback(int& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket, 64) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no loopback port");
  port = ntohs(address.sin_port);
  return socket;
}
bool fill(wire& socket, std::string& buffer) {
  char piece[65536];
  const auto n = socket.read(piece, sizeof piece);
  if (n <= 0) return false;
  buffer.append(piece, static_cast<std::size_t>(n));
  return true;
}
std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}
bool read_request(wire& socket, std::string& buffer, seen_request& out) {
  std::size_t end;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
    if (!fill(socket, buffer)) return false;
  std::istringstream head(buffer.substr(0, end));
  std::string line;
  head >> out.method >> out.target;
  std::getline(head, line);
  while (std::getline(head, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto colon = line.find(':');
    out.headers[lower(line.substr(0, colon))] = line.substr(line.find_first_not_of(' ', colon + 1));
  }
  const std::size_t length = out.headers.contains("content-length") ? std::stoul(out.headers["content-length"]) : 0;
  while (buffer.size() < end + 4 + length)
    if (!fill(socket, buffer)) return false;
  out.body = buffer.substr(end + 4, length);
  buffer.erase(0, end + 4 + length);
  return true;
}
}  // namespace

scripted_node::scripted_node(handler answer, const tls_identity* identity)
    : answer_(std::move(answer)), identity_(identity), listener_(listen_on_loopback(port_)) {
  acceptor_ = std::thread([this] { accept_loop(); });
}

scripted_node::~scripted_node() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  for (const int socket : sockets_) ::close(socket);
  ::close(listener_);
}

void scripted_node::accept_loop() {
  while (!stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    ++connections_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void scripted_node::serve(int socket) {
  std::string buffer;
  wire connection(socket, identity_);
  for (seen_request request; read_request(connection, buffer, request); request = {}) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const auto answer = answer_(request);
    if (answer.hang_up) break;
    const std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " X\r\nContent-Type: application/json\r\n" +
                             answer.extra_headers + "Content-Length: " + std::to_string(answer.body.size()) +
                             "\r\n\r\n" + answer.body;
    if (!connection.write(text) || answer.close_after) break;
  }
  ::shutdown(socket, SHUT_RDWR);
}

std::vector<seen_request> scripted_node::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::string dead_url() {
  int port = 0;
  ::close(listen_on_loopback(port));
  return "http://127.0.0.1:" + std::to_string(port);
}

cli_result run(const std::string& url, std::vector<std::string> arguments, const cli_input& input) {
  std::istringstream in(input.standard_input);
  std::ostringstream out, err;
  console io{in, out, err, input.terminal, false};
  arguments.insert(arguments.begin(), {"--endpoint", url});
  const environment env = [&input](const char* name) -> std::optional<std::string> {
    const auto found = input.env.find(name);
    return found == input.env.end() ? std::nullopt : std::optional(found->second);
  };
  retry_policy quick;
  quick.first_pause_ms = 1;
  quick.pause_ms_max = 1;
  cli_result result;
  result.code = run_cli(arguments, io, env, quick);
  result.out = out.str();
  result.err = err.str();
  return result;
}

scratch_directory::scratch_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "wagglectl-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch directory");
  path_ = name;
}
scratch_directory::~scratch_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
std::string scratch_directory::write(const std::string& name, const std::string& bytes) const {
  std::ofstream(path(name), std::ios::binary) << bytes;
  return path(name);
}
std::string scratch_directory::read(const std::string& name) const {
  std::ifstream in(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::vector<std::string> scratch_directory::list() const {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) out.push_back(entry.path().filename().string());
  return out;
}

}  // namespace waggle::ctl::test
