#include "http_support.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "base/text_out.hpp"
#include "net/http/error_body.hpp"

namespace waggle::test {
namespace asio = boost::asio;

std::string reply::header(const std::string& name) const {
  for (const auto& [n, v] : headers)
    if (equals_ignoring_case(n, name)) return v;
  return "";
}
int reply::count(const std::string& name) const {
  int n = 0;
  for (const auto& h : headers) n += equals_ignoring_case(h.first, name);
  return n;
}

raw_client::raw_client(std::uint16_t port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval wait{wait_seconds, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
}
raw_client::~raw_client() { ::close(fd_); }

bool raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

long raw_client::receive(char* to, std::size_t size) { return ::recv(fd_, to, size, 0); }

reply raw_client::read(bool head) {
  reply r;
  char block[65536];
  const auto more = [&] {
    const auto n = receive(block, sizeof block);
    if (n > 0) buffer_.append(block, static_cast<std::size_t>(n));
    return n > 0;
  };
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!more()) return r;
  std::string top = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  const int status = std::stoi(top.substr(9, 3));
  std::size_t at = top.find("\r\n") + 2;
  while (at < top.size()) {
    const auto line_end = top.find("\r\n", at);
    const auto line = top.substr(at, line_end - at);
    const auto colon = line.find(": ");
    REQUIRE(colon != std::string::npos);
    r.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    at = line_end + 2;
  }
  const auto length = r.header("Content-Length");
  const std::size_t size = head || length.empty() ? 0 : std::stoul(length);
  while (buffer_.size() < size)
    if (!more()) return r;
  r.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  r.status = status;
  return r;
}

bool raw_client::closed() {
  char byte;
  return buffer_.empty() && receive(&byte, 1) <= 0 && errno != EAGAIN;
}
bool raw_client::silent(int ms) {
  pollfd p{fd_, POLLIN, 0};
  return buffer_.empty() && ::poll(&p, 1, ms) == 0;
}
void raw_client::finish_sending() { ::shutdown(fd_, SHUT_WR); }

std::string get(const std::string& path, const std::vector<std::string>& lines) {
  std::string out = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n";
  for (const auto& l : lines) out += l + "\r\n";
  return out + "\r\n";
}
std::string post(const std::string& path, const std::string& body, const std::vector<std::string>& lines) {
  std::string out =
      "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  for (const auto& l : lines) out += l + "\r\n";
  return out + "\r\n" + body;
}

// /big/N       N bytes of text that packs well       /bin/N     N bytes of application/octet-stream
// /wait        answers after release()               /throw, /throw_int, /throw_late
// /fail        the contract's 404                    /inject    header values with line breaks
// /none        204                                   else       what the request was, as JSON
asio::awaitable<http_response> test_handler::handle(http_request& request) {
  http_response r;
  const std::string first = request.segments.empty() ? "" : request.segments[0];
  if (first == "unread") co_return error_response(failure(ec::auth_missing_key), request.correlation_id);
  if (request.unread) {
    const auto came = co_await request.unread->read(first == "unproven" ? sender::unproven : sender::known);
    if (!came) co_return error_response(came.error(), request.correlation_id);
  }
  if (first == "big" || first == "bin") {
    const auto n = std::stoul(request.segments.at(1));
    for (std::size_t i = 0; r.body.size() < n; ++i) r.body += "line " + std::to_string(i % 1000) + " of text\n";
    r.body.resize(n);
    r.content_type = first == "big" ? "text/plain" : "application/octet-stream";
  } else if (first == "wait") {
    ++waiting_;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    boost::system::error_code ignored;
    while (!released_) {
      timer.expires_after(std::chrono::milliseconds(2));
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    --waiting_;
    r.body = "\"waited\"";
  } else if (first == "throw") {
    throw std::runtime_error("secret detail");
  } else if (first == "throw_int") {
    throw 5;
  } else if (first == "throw_late") {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
    throw std::runtime_error("secret detail");
  } else if (first == "fail") {
    r = error_response(failure(ec::collection_not_found, "Collection 'docs' not found"), request.correlation_id);
  } else if (first == "inject") {
    r.headers = {{"X-A", "one\r\nX-Evil: 1"}, {"X-B\r\nX-Evil", "2"}};
    r.no_store = true;
  } else if (first == "none") {
    r.status = 204;
  } else {
    json_writer w(r.body);
    w.begin_object().member("method", request.method).member("head", request.head).key("segments").begin_array();
    for (const auto& s : request.segments) w.value(s);
    w.end_array().key("parameters").begin_object();
    for (const auto& p : request.parameters) w.member(p.name, p.value);
    w.end_object().member("raw_path", request.raw_path).member("raw_query", request.raw_query);
    w.member("bytes", request.body.size()).member("body", request.body.substr(0, 100)).member("tls", request.tls);
    w.member("client", request.client_address).member("id", request.correlation_id);
    w.member("timeout_ms", (request.deadline_steady_us - request.arrived_steady_us) / 1000).end_object();
  }
  co_return r;
}

void test_handler::release() { released_ = true; }

void test_handler::answered_by_server(const http_request& request, int status, ec why) {
  const std::lock_guard lock(mutex_);
  refusals_.push_back(std::to_string(status) + " " + std::string(info(why).name) + " " + std::string(request.method));
}

std::vector<std::string> test_handler::refusals() {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

test_server::test_server(std::function<void(http_options&)> change, int threads) {
  if (change) change(options);
  std::vector<asio::io_context*> pointers;
  for (int i = 0; i < threads; ++i) {
    contexts.push_back(std::make_unique<asio::io_context>(1));
    pointers.push_back(contexts.back().get());
  }
  server = std::make_unique<http_server>(options, pointers, handler);
  const auto started = server->start();
  INFO((started ? "" : started.error().message));
  REQUIRE(started.has_value());
  for (auto* context : pointers) threads_.emplace_back([context] { context->run(); });
}
test_server::~test_server() {
  handler.release();
  server->stop();
  join();
}
/// The contexts run out of work once every connection has ended: a leaked one would hang here.
void test_server::join() {
  for (auto& t : threads_)
    if (t.joinable()) t.join();
}

bool eventually(const std::function<bool()>& done) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(raw_client::wait_seconds);
  while (!done()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

namespace {
std::string pack(const std::string& text, int window) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
}  // namespace
std::string gzip(const std::string& text) { return pack(text, 31); }
std::string deflate(const std::string& text, bool raw) { return pack(text, raw ? -15 : 15); }
std::string gunzip(const std::string& bytes) {
  z_stream z{};
  inflateInit2(&z, 47);
  std::string out(1 << 22, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(inflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

}  // namespace waggle::test
