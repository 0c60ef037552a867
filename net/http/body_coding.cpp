#include "net/http/body_coding.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

#include "net/http/types.hpp"

namespace waggle {
namespace {
constexpr int gzip_window = 15 + 16, zlib_window = 15, raw_window = -15;

failure damaged() { return failure(ec::bad_request, "The request body is not valid in its Content-Encoding"); }

Bytef* bytes_of(const char* p) { return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(p)); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}
}  // namespace

result<body_coding> parse_content_encoding(std::string_view value) {
  value = trimmed(value);
  if (value.empty() || equals_ignoring_case(value, "identity")) return body_coding::identity;
  if (equals_ignoring_case(value, "gzip") || equals_ignoring_case(value, "x-gzip")) return body_coding::gzip;
  if (equals_ignoring_case(value, "deflate")) return body_coding::deflate;
  return failure(ec::unsupported_media_type, "Content-Encoding must be gzip, deflate or identity");
}

body_coding choose_response_coding(std::string_view accept) {
  double gzip = -1, deflate = -1, any = -1;
  while (!accept.empty()) {
    const auto end = std::min(accept.find(','), accept.size());
    auto item = trimmed(accept.substr(0, end));
    accept.remove_prefix(std::min(end + 1, accept.size()));
    double weight = 1;
    if (const auto semicolon = item.find(';'); semicolon != std::string_view::npos) {
      const auto parameter = trimmed(item.substr(semicolon + 1));
      item = trimmed(item.substr(0, semicolon));
      if (parameter.starts_with("q=") || parameter.starts_with("Q="))
        weight = std::strtod(std::string(parameter.substr(2)).c_str(), nullptr);
    }
    if (equals_ignoring_case(item, "gzip") || equals_ignoring_case(item, "x-gzip"))
      gzip = weight;
    else if (equals_ignoring_case(item, "deflate"))
      deflate = weight;
    else if (item == "*")
      any = weight;
  }
  if (gzip < 0) gzip = any;
  if (deflate < 0) deflate = any;
  if (gzip > 0 && gzip >= deflate) return body_coding::gzip;
  return deflate > 0 ? body_coding::deflate : body_coding::identity;
}

bool is_compressible(std::string_view type) {
  return type.starts_with("application/json") || type.starts_with("text/") ||
         type.starts_with("application/openmetrics-text");
}

std::string_view to_string(body_coding coding) {
  switch (coding) {
    case body_coding::gzip: return "gzip";
    case body_coding::deflate: return "deflate";
    case body_coding::identity: break;
  }
  return "identity";
}

struct body_inflater::state {
  z_stream stream{};
  body_coding coding = body_coding::identity;
  int window = 0;        ///< what the stream was last set up for; 0 = never
  bool started = false;  ///< the current body's first byte was seen
  bool ended = false;    ///< the end marker was seen
};

body_inflater::body_inflater() : state_(std::make_unique<state>()) {}
body_inflater::~body_inflater() {
  if (state_->window != 0) inflateEnd(&state_->stream);
}

void body_inflater::start(body_coding coding) {
  state_->coding = coding;
  state_->started = state_->ended = false;
}

result<void> body_inflater::begin_stream(char first) {
  // RFC 1950: the low four bits of a zlib header are 8 and the window is at most 32 KiB. Raw deflate can't start so
  // with any encoder in use (block type 00 with a set reserved bit).
  const bool wrapped = (first & 0x0f) == 8 && (static_cast<unsigned char>(first) >> 4) <= 7;
  const int window = state_->coding == body_coding::gzip ? gzip_window : wrapped ? zlib_window : raw_window;
  const int code = state_->window == 0 ? inflateInit2(&state_->stream, window) : inflateReset2(&state_->stream, window);
  if (code == Z_MEM_ERROR) throw std::bad_alloc();
  if (code != Z_OK) return failure::internal("zlib: inflateInit failed");
  state_->window = window;
  state_->started = true;
  return {};
}

result<void> body_inflater::feed(std::string_view bytes, std::string& out, std::size_t bytes_max) {
  if (bytes.empty()) return {};
  if (!state_->started)
    if (auto begun = begin_stream(bytes[0]); !begun) return begun;
  auto& z = state_->stream;
  std::array<char, 32 * 1024> block;
  z.next_in = bytes_of(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  for (;;) {
    if (state_->ended) {
      if (z.avail_in == 0) return {};
      // RFC 1952 §2.2: a gzip body may consist of several members.
      if (state_->coding != body_coding::gzip || inflateReset(&z) != Z_OK) return damaged();
      state_->ended = false;
    }
    z.next_out = reinterpret_cast<Bytef*>(block.data());
    z.avail_out = block.size();
    const int code = inflate(&z, Z_NO_FLUSH);
    const std::size_t made = block.size() - z.avail_out;
    if (out.size() + made > bytes_max) return failure(ec::payload_too_large);
    out.append(block.data(), made);
    if (code == Z_STREAM_END)
      state_->ended = true;
    else if (code == Z_MEM_ERROR)
      throw std::bad_alloc();
    else if (code == Z_BUF_ERROR && z.avail_in == 0)
      return {};
    else if (code != Z_OK)
      return damaged();
    else if (z.avail_in == 0 && z.avail_out != 0)
      return {};
  }
}

result<void> body_inflater::finish() {
  if (state_->started && state_->ended) return {};
  return damaged();
}

struct body_deflater::state {
  z_stream stream{};
  int window = 0;
};

body_deflater::body_deflater() : state_(std::make_unique<state>()) {}
body_deflater::~body_deflater() {
  if (state_->window != 0) deflateEnd(&state_->stream);
}

bool body_deflater::pack(std::string_view body, body_coding coding, std::string& out) {
  auto& z = state_->stream;
  const int window = coding == body_coding::gzip ? gzip_window : zlib_window;
  if (state_->window != window) {
    if (state_->window != 0) deflateEnd(&z);
    state_->window = 0;
    if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    state_->window = window;
  } else if (deflateReset(&z) != Z_OK) {
    return false;
  }
  out.resize(body.size());  // anything that does not fit is not worth sending
  z.next_in = bytes_of(body.data());
  z.avail_in = static_cast<uInt>(body.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) return false;
  out.resize(out.size() - z.avail_out);
  return true;
}

}  // namespace waggle
