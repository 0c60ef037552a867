#include "net/http/session.hpp"

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>

#include "net/http/exchange.hpp"
#include "net/http/read_buffer.hpp"
#include "base/log.hpp"

namespace waggle {
namespace asio = boost::asio;
using asio::awaitable;
using error_code = boost::system::error_code;

namespace {
constexpr std::size_t resting_buffer_bytes = 4 * 1024;
constexpr std::size_t body_buffer_bytes = 64 * 1024;
constexpr std::size_t gathered_bytes_max = 64 * 1024;
constexpr std::size_t kept_out_bytes_max = 256 * 1024;

std::optional<ip_address> peer_address(const tcp_socket& socket) {
  error_code gone;
  const auto address = socket.remote_endpoint(gone).address();
  if (gone) return std::nullopt;
  return address.is_v4() ? ip_address::from_v4(address.to_v4().to_bytes()) : ip_address(address.to_v6().to_bytes());
}

template <class Stream>
class session final : public connection,
                      private exchange,
                      private http_body_source,
                      public std::enable_shared_from_this<session<Stream>> {
  static constexpr bool tls = !std::is_same_v<Stream, tcp_socket>;

 public:
  template <class... Args>
  session(std::shared_ptr<shard> home, Args&&... args)
      : exchange(std::move(home), tls), stream_(std::forward<Args>(args)...), in_(resting_buffer_bytes) {}
  ~session() override { home_->gate->open.fetch_sub(1, std::memory_order_relaxed); }

  std::shared_ptr<asio::ssl::context> keep_tls;  ///< the stream refers to it

  static awaitable<void> run(std::shared_ptr<session> self);
  void expire() override;
  void begin_drain() override;
  void abort() override;

 private:
  enum class phase : std::uint8_t { handshake, idle, head, body, handling, writing, closing };

  awaitable<void> serve();
  awaitable<bool> handshake();
  awaitable<outcome> read_request();
  awaitable<outcome> read_body(sender from);
  awaitable<bool> skip_body();
  awaitable<result<void>> read(sender from) override;
  awaitable<std::size_t> read_more();
  awaitable<bool> flush();
  awaitable<void> close_politely();

  outcome read_ended();
  bool flush_at_once();
  void flush_early();
  void finish_early_flush(const error_code& code, std::size_t bytes);

  void enter(phase p, std::int64_t timeout_ms) {
    phase_ = p;
    deadline_us = timeout_ms < 0 ? no_deadline : steady_now_us() + timeout_ms * 1000;
  }
  std::int64_t transfer_ms(std::size_t bytes) const {
    return static_cast<std::int64_t>(bytes * 1000 / options_.bytes_per_second_min);
  }
  auto& socket() {
    if constexpr (tls)
      return stream_.next_layer();
    else
      return stream_;
  }
  std::array<asio::const_buffer, 2> pending() const { return {asio::buffer(out_), asio::buffer(large_body_)}; }

  Stream stream_;
  read_buffer in_;
  std::string early_out_;
  std::optional<asio::steady_timer> early_done_;
  std::int64_t body_began_us_ = 0;
  std::size_t body_received_ = 0;
  phase phase_ = phase::handshake;
  bool expired_ = false, early_active_ = false, broken_ = false;
};

// ---- the shard's side

template <class Stream>
void session<Stream>::expire() {
  deadline_us = no_deadline;
  expired_ = true;
  error_code ignored;
  if (phase_ == phase::head || phase_ == phase::body || phase_ == phase::idle)
    socket().cancel(ignored);
  else
    socket().close(ignored);
}

template <class Stream>
void session<Stream>::begin_drain() {
  error_code ignored;
  if (phase_ == phase::idle) socket().cancel(ignored);
}

template <class Stream>
void session<Stream>::abort() {
  error_code ignored;
  broken_ = true;
  socket().close(ignored);
}

// ---- reading

template <class Stream>
awaitable<std::size_t> session<Stream>::read_more() {
  const std::size_t bytes_max = std::max(options_.header_bytes_max + resting_buffer_bytes, body_buffer_bytes);
  const auto [at, size] = in_.room(bytes_max);
  if (size == 0) co_return 0;
  error_code code;
  const std::size_t n =
      co_await stream_.async_read_some(asio::buffer(at, size), asio::redirect_error(asio::use_awaitable, code));
  in_.received(n);
  home_->bytes_in.add(n);
  co_return code ? 0 : n;
}

/// Why a read gave nothing: the peer left, the deadline passed, or the buffer is full of something that never ends.
template <class Stream>
auto session<Stream>::read_ended() -> outcome {
  if (broken_) return outcome::gone;
  if (expired_ && (phase_ == phase::head || phase_ == phase::body)) return refuse(failure(ec::request_timeout));
  if (in_.unread().size() >= body_buffer_bytes) return refuse(failure(ec::headers_too_large));
  return outcome::gone;
}

template <class Stream>
auto session<Stream>::read_request() -> awaitable<outcome> {
  begin_request();
  bool begun = false;
  std::int64_t head_deadline_us = no_deadline;
  for (;;) {
    // RFC 9112 §2.2: an empty line before a request is ignored.
    while (!begun && in_.unread().starts_with("\r\n")) in_.consume(2);
    if (!in_.empty() && in_.unread() != "\r") {
      in_.consume(reader_.feed(in_.unread()));
      if (!begun) {
        request_.arrived_steady_us = steady_now_us();
        head_deadline_us = request_.arrived_steady_us + std::int64_t{options_.header_read_timeout_ms} * 1000;
      }
      begun = true;
      if (reader_.state() != read_state::head) break;
    }
    if (!out_.empty() && !flush_at_once() && !co_await flush()) co_return outcome::gone;
    if (!begun) {
      if (home_->draining) co_return outcome::gone;
      if (in_.empty()) in_.rest();
      enter(phase::idle, options_.keepalive_ms);
    } else {
      phase_ = phase::head;
      deadline_us = head_deadline_us;
    }
    const std::size_t n = co_await read_more();
    if (n == 0) co_return read_ended();
  }
  const outcome checked = check_head();
  if (checked == outcome::ready && reader_.state() == read_state::body) request_.unread = this;
  co_return checked;
}

/// For the handler.
template <class Stream>
auto session<Stream>::read(sender from) -> awaitable<result<void>> {
  request_.unread = nullptr;
  const outcome came = co_await read_body(from);
  body_ended();
  enter(phase::handling, -1);
  if (came == outcome::ready) co_return result<void>();
  if (came == outcome::refused) co_return refusal_;
  broken_ = true;
  co_return failure(ec::bad_request, "The connection ended before the body did");
}

/// Throws away a body that the handler did not ask for. False when the connection is over.
template <class Stream>
awaitable<bool> session<Stream>::skip_body() {
  request_.unread = nullptr;
  reader_.drop_body();
  co_return co_await read_body(sender::known) == outcome::ready;
}

template <class Stream>
auto session<Stream>::read_body(sender from) -> awaitable<outcome> {
  enter(phase::body, options_.body_stall_timeout_ms);
  body_began_us_ = steady_now_us();
  body_received_ = 0;
  if (reader_.expects_continue() && in_.empty()) {
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    if (!flush_at_once() && !co_await flush()) co_return outcome::gone;
    enter(phase::body, options_.body_stall_timeout_ms);
  }
  for (;;) {
    const std::size_t taken = reader_.feed(in_.unread());
    in_.consume(taken);
    body_received_ += taken;
    if (!count_body(from)) {
      failure busy(ec::not_ready, "Too many request bytes are held in memory");
      busy.retry_after_seconds = 1;
      co_return refuse(std::move(busy));
    }
    if (reader_.state() == read_state::failed) co_return refuse(reader_.error());
    if (reader_.state() == read_state::complete) co_return outcome::ready;
    // Answers that are ready must not wait for the rest of this body.
    if (!out_.empty() && !flush_at_once() && !co_await flush()) co_return outcome::gone;
    in_.widen(body_buffer_bytes);
    enter(phase::body, options_.body_stall_timeout_ms);
    const std::int64_t slowest = body_began_us_ + (options_.body_stall_timeout_ms + transfer_ms(body_received_)) * 1000;
    deadline_us = std::min(deadline_us, slowest);
    const std::size_t n = co_await read_more();
    if (n == 0) co_return read_ended();
  }
}

// ---- answering

/// Writes without waiting. False when something is left, or an earlier write is still under way.
template <class Stream>
bool session<Stream>::flush_at_once() {
  if constexpr (tls)
    return false;
  else {
    if (early_active_ || broken_ || !large_body_.empty()) return false;
    error_code code;
    const std::size_t n = stream_.write_some(asio::buffer(out_), code);
    home_->bytes_out.add(n);
    out_.erase(0, n);
    if (out_.empty()) gathered_ = 0;
    return out_.empty();
  }
}

template <class Stream>
awaitable<bool> session<Stream>::flush() {
  enter(phase::writing,
        options_.write_stall_timeout_ms + transfer_ms(out_.size() + large_body_.size() + early_out_.size()));
  error_code code;
  while (early_active_) co_await early_done_->async_wait(asio::redirect_error(asio::use_awaitable, code));
  if (broken_) co_return false;
  code = {};
  const std::size_t n = co_await asio::async_write(stream_, pending(), asio::redirect_error(asio::use_awaitable, code));
  home_->bytes_out.add(n);
  out_.clear();
  large_body_ = std::string();
  if (out_.capacity() > kept_out_bytes_max) out_ = std::string();
  gathered_ = 0;
  if (code) broken_ = true;
  co_return !code;
}

/// Answers that were held back to be written together must not wait for a handler that takes its time: called from the
/// context's queue while the handler is suspended.
template <class Stream>
void session<Stream>::flush_early() {
  if (phase_ != phase::handling || out_.empty() || early_active_ || broken_) return;
  early_active_ = true;
  early_done_.emplace(home_->context, asio::steady_timer::time_point::max());
  early_out_.swap(out_);
  out_.clear();
  gathered_ = 0;
  auto self = this->shared_from_this();
  asio::async_write(stream_, asio::buffer(early_out_),
                    [self](const error_code& code, std::size_t n) { self->finish_early_flush(code, n); });
}

template <class Stream>
void session<Stream>::finish_early_flush(const error_code& code, std::size_t bytes) {
  home_->bytes_out.add(bytes);
  early_active_ = false;
  early_out_.clear();
  if (code) broken_ = true;
  early_done_->cancel();
}

// ---- life

template <class Stream>
awaitable<bool> session<Stream>::handshake() {
  if constexpr (tls) {
    enter(phase::handshake, options_.header_read_timeout_ms);
    error_code code;
    co_await stream_.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, code));
    if (code) co_return false;
  }
  co_return true;
}

template <class Stream>
awaitable<void> session<Stream>::serve() {
  const auto peer = peer_address(socket());
  if (!peer) co_return;
  know_peer(*peer);
  for (;;) {
    const outcome read = co_await read_request();
    if (read == outcome::gone) co_return;
    if (read == outcome::refused) {
      answer_refusal();
      if (flush_at_once() || co_await flush()) co_await close_politely();
      co_return;
    }
    http_response response;
    if (!cors_origin_.empty() && is_preflight(request_)) {
      response = preflight_response();
      home_->handler.answered_by_server(request_, response.status, ec::ok);
    } else {
      enter(phase::handling, -1);
      home_->in_flight.add(1);
      if (!out_.empty()) asio::post(home_->context, [self = this->shared_from_this()] { self->flush_early(); });
      try {
        response = co_await home_->handler.handle(request_);
      } catch (const std::exception& e) {
        response = fault(e.what());
      } catch (...) {
        response = fault("not a std::exception");
      }
      home_->in_flight.subtract(1);
    }
    forget_body();
    const bool keep = may_go_on() && !broken_;
    append_answer(response, keep);
    const bool more_waits = keep && !request_.unread && !in_.empty() && gathered_ < options_.pipelined_requests_max &&
                            out_.size() < gathered_bytes_max && large_body_.empty();
    if (!more_waits && !flush_at_once() && !co_await flush()) co_return;
    if (!keep) {
      request_.body = std::string();  // the connection lingers for a while
      co_await close_politely();
      co_return;
    }
    if (request_.unread && !co_await skip_body()) co_return;
  }
}

/// RFC 9112 §9.6: closing while the peer still sends would reset the connection and could destroy the answer on its
/// way. So: say that we are done, then throw away what comes until the peer is done too.
template <class Stream>
awaitable<void> session<Stream>::close_politely() {
  enter(phase::closing, options_.linger_ms);
  error_code code;
  if constexpr (tls) co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, code));
  socket().shutdown(tcp_socket::shutdown_send, code);
  in_.consume(in_.unread().size());
  in_.rest();
  code = {};
  while (!code && phase_ == phase::closing)
    co_await socket().async_read_some(asio::buffer(home_->thrown_away),
                                      asio::redirect_error(asio::use_awaitable, code));
}

template <class Stream>
awaitable<void> session<Stream>::run(std::shared_ptr<session> self) {
  struct registration {
    session& s;
    explicit registration(session& x) : s(x) { s.home_->add(s); }
    ~registration() {
      s.home_->remove(s);
      s.body_ended();
      s.forget_body();
      error_code ignored;
      s.socket().close(ignored);
    }
  };
  if (self->home_->stopped) co_return;
  const registration registered(*self);
  try {
    error_code ignored;
    self->socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    self->socket().non_blocking(true, ignored);
    if (co_await self->handshake()) co_await self->serve();
  } catch (const std::exception& e) {
    // Out of memory, most likely: this connection ends, the others go on.
    log_event(log_level::error, "http", "a connection failed", {{"what", e.what()}});
  }
}
}  // namespace

void start_session(std::shared_ptr<shard> home, tcp_socket socket) {
  auto& context = home->context;
  auto made = std::make_shared<session<tcp_socket>>(std::move(home), std::move(socket));
  asio::co_spawn(context, session<tcp_socket>::run(std::move(made)), asio::detached);
}

void start_tls_session(std::shared_ptr<shard> home, tcp_socket socket, std::shared_ptr<asio::ssl::context> tls) {
  using tls_session = session<asio::ssl::stream<tcp_socket>>;
  auto& context = home->context;
  auto made = std::make_shared<tls_session>(std::move(home), std::move(socket), *tls);
  made->keep_tls = std::move(tls);
  asio::co_spawn(context, tls_session::run(std::move(made)), asio::detached);
}

}  // namespace waggle
