#pragma once
// The request that a connection is busy with and the answers it has not written yet: everything of a session that needs
// no socket. Base of `session`, used on its shard's thread.
#include <memory>
#include <string>
#include <string_view>

#include "net/http/request_reader.hpp"
#include "net/http/shard.hpp"

namespace waggle {

class exchange {
 protected:
  enum class outcome : std::uint8_t {
    ready,    ///< the request can be served
    refused,  ///< `refusal_` says why; answer it, then close
    gone,     ///< the connection is over
  };

  exchange(std::shared_ptr<shard> home, bool tls);
  ~exchange() = default;

  void know_peer(const ip_address& peer);
  void begin_request();
  outcome check_head();
  outcome refuse(failure why);
  bool count_body(sender from);
  void body_ended();
  void forget_body();
  bool may_go_on() const;
  /// 500, and a line in the log.
  http_response fault(std::string_view what);
  /// Appends head and body to what is to be written; a large body is moved to `large_body_`, after which the caller
  /// must write.
  void append_answer(http_response& response, bool keep_alive);
  void answer_refusal();

  const std::shared_ptr<shard> home_;
  const http_options& options_;
  const bool tls_;
  http_request request_;
  request_reader reader_;
  std::string out_;           ///< answers not yet written
  std::string large_body_;    ///< of the last answer in `out_`
  std::size_t gathered_ = 0;  ///< answers in `out_`
  failure refusal_;
  std::string_view cors_origin_;  ///< the request's Origin when it is an allowed foreign one

 private:
  outcome check_address();

  std::string packed_;
  std::size_t body_counted_ = 0;      ///< bytes of this body in the server's account
  std::size_t unproven_counted_ = 0;  ///< and in that of unproven senders
};

}  // namespace waggle
