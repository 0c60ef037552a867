#include "net/http/request_reader.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <vector>

#include "net/http/body_coding.hpp"
#include "net/http/chunk_end_guard.hpp"

namespace waggle {
namespace http = boost::beast::http;
using boost::beast::string_view;

namespace {
/// What a callback sets to make Beast stop; the reason is in `reading::error`.
boost::beast::error_code refused() {
  return boost::system::errc::make_error_code(boost::system::errc::operation_canceled);
}

std::string_view std_view(string_view v) { return {v.data(), v.size()}; }

/// RFC 9112 §5.2: a server must refuse a folded header or unfold it; Beast unfolds.
bool has_folded_line(std::string_view head) {
  return head.find("\r\n ") != head.npos || head.find("\r\n\t") != head.npos;
}

/// State of one request that outlives Beast's one-shot parser.
struct reading {
  struct field_place {
    std::uint32_t name_at, name_size, value_at, value_size;
  };
  explicit reading(const read_limits& l) : limits(l) {}
  const read_limits& limits;
  http_request* request = nullptr;
  std::vector<field_place> fields;
  std::uint32_t method_size = 0;
  failure error;
  bool failed = false;
  bool head_done = false;
  bool http10 = false;
  bool expects_continue = false;
  chunk_end_guard chunk_end;
  bool host_seen = false, length_seen = false, transfer_seen = false;
  body_coding coding = body_coding::identity;
  std::optional<body_inflater> inflater;  ///< made for the first packed body of the connection
  std::size_t announced = 0;
  bool dropping = false;

  void fail(failure why, boost::beast::error_code& ec) {
    if (!failed) error = std::move(why);
    failed = true;
    ec = refused();
  }
  void fail(std::string_view why, boost::beast::error_code& ec) {
    fail(failure(ec::bad_request, std::string(why)), ec);
  }
};

class beast_parser final : public http::basic_parser<true> {
 public:
  explicit beast_parser(reading& r) : r_(r) {
    header_limit(static_cast<std::uint32_t>(r.limits.header_bytes_max));
    body_limit(r.limits.body_bytes_max);
  }

 private:
  using error_code = boost::beast::error_code;

  void on_request_impl(http::verb, string_view method, string_view target, int version, error_code& ec) override {
    if (target.size() > r_.limits.target_bytes_max)
      return r_.fail(failure(ec::headers_too_large, "The request target is too long"), ec);
    r_.request->head_bytes.assign(method.data(), method.size());
    r_.method_size = static_cast<std::uint32_t>(method.size());
    r_.request->target.assign(target.data(), target.size());
    r_.http10 = version < 11;
  }

  void on_field_impl(http::field known, string_view name, string_view value, error_code& ec) override {
    if (r_.head_done) return;  // trailer fields carry nothing that a request here could need
    if (r_.fields.size() == r_.limits.headers_max)
      return r_.fail(failure(ec::headers_too_large, "The request has too many headers"), ec);
    auto& bytes = r_.request->head_bytes;
    const auto at = static_cast<std::uint32_t>(bytes.size());
    bytes.append(name.data(), name.size()).append(value.data(), value.size());
    const auto name_size = static_cast<std::uint32_t>(name.size());
    r_.fields.push_back({at, name_size, at + name_size, static_cast<std::uint32_t>(value.size())});
    switch (known) {
      case http::field::host:
        if (std::exchange(r_.host_seen, true)) r_.fail("More than one Host header", ec);
        break;
      case http::field::content_length:
        if (std::exchange(r_.length_seen, true)) return r_.fail("More than one Content-Length", ec);
        if (r_.transfer_seen) return r_.fail("Content-Length together with Transfer-Encoding", ec);
        if (value.find_first_not_of("0123456789") != string_view::npos) r_.fail("Content-Length is not a number", ec);
        break;
      case http::field::transfer_encoding:
        if (std::exchange(r_.transfer_seen, true)) return r_.fail("More than one Transfer-Encoding", ec);
        if (r_.length_seen) return r_.fail("Content-Length together with Transfer-Encoding", ec);
        if (!equals_ignoring_case(std_view(value), "chunked")) return r_.fail("Transfer-Encoding must be chunked", ec);
        if (r_.http10) r_.fail("Transfer-Encoding in HTTP/1.0", ec);
        break;
      case http::field::content_encoding: {
        if (r_.coding != body_coding::identity)
          return r_.fail(failure(ec::unsupported_media_type, "More than one Content-Encoding"), ec);
        auto coding = parse_content_encoding(std_view(value));
        if (!coding) return r_.fail(coding.error(), ec);
        r_.coding = *coding;
        break;
      }
      case http::field::expect: r_.expects_continue = equals_ignoring_case(std_view(value), "100-continue"); break;
      default: break;
    }
  }

  void on_header_impl(error_code& ec) override {
    r_.head_done = true;
    if (const auto length = content_length()) r_.announced = static_cast<std::size_t>(*length);
    if (!r_.http10 && !r_.host_seen) r_.fail("The Host header is missing", ec);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {
    if (r_.dropping) return;
    // A claimed length is no reason to take memory before bytes arrive.
    constexpr std::size_t trusted_bytes = 1 << 20;
    r_.request->body.reserve(std::min(r_.announced, trusted_bytes) + json_parser::padding);
    if (r_.coding == body_coding::identity) return;
    if (!r_.inflater) r_.inflater.emplace();
    r_.inflater->start(r_.coding);
  }

  std::size_t take_body(string_view bytes, error_code& ec) {
    if (r_.dropping) return bytes.size();
    if (r_.coding == body_coding::identity) {
      r_.request->body.append(bytes.data(), bytes.size());
    } else if (auto fed = r_.inflater->feed(std_view(bytes), r_.request->body, r_.limits.body_bytes_max); !fed) {
      r_.fail(fed.error(), ec);
    }
    return bytes.size();
  }
  std::size_t on_body_impl(string_view bytes, error_code& ec) override { return take_body(bytes, ec); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& ec) override {
    return take_body(bytes, ec);
  }

  void on_finish_impl(error_code& ec) override {
    if (r_.dropping || r_.coding == body_coding::identity || !r_.inflater || !got_body()) return;
    if (auto ended = r_.inflater->finish(); !ended) r_.fail(ended.error(), ec);
  }
  bool got_body() const { return chunked() || (content_length() && *content_length() > 0); }

  void on_response_impl(int, string_view, int, error_code&) override {}

  reading& r_;
};
}  // namespace

struct request_reader::parser {
  explicit parser(const read_limits& l) : limits(l), now(limits) {}
  read_limits limits;
  reading now;
  std::optional<beast_parser> beast;

  /// Points the request's views at the bytes that were copied while parsing.
  void publish_head() {
    auto& request = *now.request;
    const std::string_view bytes = request.head_bytes;
    request.method = bytes.substr(0, now.method_size);
    request.head = request.method == "HEAD";
    if (request.head) request.method = "GET";
    request.headers.clear();
    for (const auto& f : now.fields)
      request.headers.push_back({bytes.substr(f.name_at, f.name_size), bytes.substr(f.value_at, f.value_size)});
  }

  void refuse_folded() {
    now.error = failure(ec::bad_request, "A header goes on in a second line");
    now.failed = true;
    publish_head();
  }

  void fail_from(const boost::beast::error_code& code) {
    if (!now.failed) {
      now.error = failure(ec::bad_request, "The request is not well-formed HTTP/1.1");
      if (code == http::error::header_limit)
        now.error = failure(ec::headers_too_large);
      else if (code == http::error::body_limit)
        now.error = failure(ec::payload_too_large);
      now.failed = true;
    }
    publish_head();
  }
};

request_reader::request_reader(const read_limits& limits) : parser_(std::make_unique<parser>(limits)) {}
request_reader::~request_reader() = default;

void request_reader::start(http_request& into) {
  auto& now = parser_->now;
  now.request = &into;
  now.fields.clear();
  now.method_size = 0;
  now.error.code = ec::ok;
  now.failed = now.head_done = now.http10 = now.expects_continue = false;
  now.chunk_end = {};
  now.host_seen = now.length_seen = now.transfer_seen = false;
  now.coding = body_coding::identity;
  now.announced = 0;
  now.dropping = false;
  // A connection that once carried a large body must not keep its memory while idle.
  constexpr std::size_t kept_bytes_max = 256 * 1024;
  if (into.body.capacity() > kept_bytes_max) into.body = std::string();
  into.body.clear();
  into.head_bytes.clear();
  into.target.clear();
  into.headers.clear();
  into.head = false;
  into.method = {};
  parser_->beast.emplace(now);
}

std::size_t request_reader::feed(std::string_view bytes) {
  auto& p = *parser_;
  std::size_t taken = 0;
  const bool had_head = p.now.head_done;
  while (!p.now.failed && !p.beast->is_done() && !p.now.chunk_end.offers_too_little(bytes.size() - taken)) {
    boost::beast::error_code code;
    taken += p.beast->put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), code);
    const bool more_needed = code == http::error::need_more;
    p.now.chunk_end.parsed(more_needed, p.now.head_done && p.beast->chunked());
    if (code && !more_needed) {
      p.fail_from(code);
      break;
    }
    // Beast takes whole fields, folds included, also while the head is not complete.
    if (!had_head && has_folded_line(bytes.substr(0, taken))) {
      p.refuse_folded();
      break;
    }
    if (more_needed || (!had_head && p.now.head_done)) break;
    if (taken == bytes.size()) break;
  }
  if (!had_head && p.now.head_done && !p.now.failed) p.publish_head();
  if (!p.now.failed && p.beast->is_done()) {
    auto& body = p.now.request->body;
    if (!body.empty()) body.reserve(body.size() + json_parser::padding);
  }
  return taken;
}

read_state request_reader::state() const {
  const auto& p = *parser_;
  if (p.now.failed) return read_state::failed;
  if (p.beast->is_done()) return read_state::complete;
  return p.now.head_done ? read_state::body : read_state::head;
}

const failure& request_reader::error() const { return parser_->now.error; }
bool request_reader::keep_alive() const { return parser_->beast->keep_alive(); }
bool request_reader::http10() const { return parser_->now.http10; }
std::size_t request_reader::announced_bytes() const { return parser_->now.announced; }
void request_reader::drop_body() { parser_->now.dropping = true; }
bool request_reader::expects_continue() const { return parser_->now.expects_continue && !parser_->now.http10; }

}  // namespace waggle
