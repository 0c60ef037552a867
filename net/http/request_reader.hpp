#pragma once
// Reads one request from bytes as they arrive: Beast's parser does the grammar (and its door is the .cpp), this class
// adds what keeps two readers of the same bytes from disagreeing (request smuggling) and every limit. No sockets, no
// time: a pure core. One per connection; that connection's thread.
//
//   start() → feed() … head … → (who asks? 100-continue) → feed() … body … → complete | failed
//                                └ drop_body()? ┘
#include <cstddef>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "net/http/types.hpp"

namespace waggle {

struct read_limits {
  std::size_t header_bytes_max = limits::header_bytes_max;
  std::size_t headers_max = 100;
  std::size_t target_bytes_max = limits::target_bytes_max;
  std::size_t body_bytes_max = limits::body_mib_max_default << 20;  ///< before and after decoding
};

enum class read_state : std::uint8_t {
  head,      ///< the head is not complete
  body,      ///< the head is, the body is not
  complete,  ///< the request can be served
  failed,
};

class request_reader {
 public:
  explicit request_reader(const read_limits& limits);
  ~request_reader();
  request_reader(const request_reader&) = delete;
  request_reader& operator=(const request_reader&) = delete;

  /// Begins a new request in `into`, whose memory is reused. `into` must outlive the reader's use of it.
  void start(http_request& into);
  /// Takes what it can from `bytes` and returns how many it took; the rest must be offered again with more behind it.
  /// Stops when the head is done and when the request is complete.
  std::size_t feed(std::string_view bytes);
  read_state state() const;
  /// Valid in state `failed`. The request then holds what was understood, for the correlation id.
  const failure& error() const;

  // From the end of the head on.
  bool keep_alive() const;
  bool http10() const;
  bool expects_continue() const;
  std::size_t announced_bytes() const;  ///< Content-Length; 0 when chunked
  /// The body is parsed and thrown away.
  void drop_body();

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

}  // namespace waggle
