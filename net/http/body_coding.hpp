#pragma once
// gzip and deflate, both ways. The door to zlib. Objects belong to one thread; their memory is reused.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace waggle {

enum class body_coding : std::uint8_t { identity, gzip, deflate };

/// The coding of a request body. 415 for anything but (x-)gzip, deflate, identity, and for several codings.
result<body_coding> parse_content_encoding(std::string_view value);

/// The coding an answer should use by `Accept-Encoding`: gzip before deflate where the client likes both the same.
body_coding choose_response_coding(std::string_view accept_encoding);
/// JSON and text.
bool is_compressible(std::string_view content_type);
std::string_view to_string(body_coding coding);

/// Unpacks a request body while it arrives; stops as soon as the output would pass `bytes_max`, so a bomb costs no more
/// than the limit. "deflate" may be zlib-wrapped (RFC 9110) or raw, as some clients send it.
class body_inflater {
 public:
  body_inflater();
  ~body_inflater();
  body_inflater(const body_inflater&) = delete;
  body_inflater& operator=(const body_inflater&) = delete;
  void start(body_coding coding);
  /// Appends what `bytes` unpack to. 413 beyond `bytes_max`, 400 when damaged or when bytes follow the end.
  result<void> feed(std::string_view bytes, std::string& out, std::size_t bytes_max);
  /// 400 when the body ended early.
  result<void> finish();

 private:
  struct state;
  result<void> begin_stream(char first);
  std::unique_ptr<state> state_;
};

/// Packs an answer in one go, at the fastest level: answers are sent once.
class body_deflater {
 public:
  body_deflater();
  ~body_deflater();
  body_deflater(const body_deflater&) = delete;
  body_deflater& operator=(const body_deflater&) = delete;
  /// False, with `out` undefined, when zlib fails or the result is not smaller.
  bool pack(std::string_view body, body_coding coding, std::string& out);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace waggle
