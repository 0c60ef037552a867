#include "net/http/server.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <mutex>

#include "base/log.hpp"
#include "base/uuid.hpp"
#include "net/http/error_body.hpp"
#include "net/http/session.hpp"
#include "net/http/shard.hpp"

namespace waggle {
namespace asio = boost::asio;
using asio::ip::tcp;
using error_code = boost::system::error_code;

namespace {
constexpr auto tick_every = std::chrono::milliseconds(50);
constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr auto cut_off_grace = std::chrono::seconds(1);  ///< what a drain waits after it cut connections off
constexpr int backlog = 4096;

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Looks at every connection's deadline. The list may shrink while a connection is told, so walk a copy.
void expire_overdue(shard& s) {
  const auto now = steady_now_us();
  std::vector<connection*> overdue;
  for (auto* c : s.connections)
    if (now >= c->deadline_us) overdue.push_back(c);
  for (auto* c : overdue) c->expire();
}

void tick(const std::shared_ptr<shard>& s) {
  s->ticker.expires_after(tick_every);
  s->ticker.async_wait([s](const error_code& code) {
    if (code || s->stopped) return;
    s->writer.set_time(unix_seconds());
    expire_overdue(*s);
    tick(s);
  });
}

void stop_shard(shard& s) {
  s.stopped = true;
  s.ticker.cancel();
  const auto all = s.connections;
  for (auto* c : all) c->abort();
}

result<tcp::endpoint> find_endpoint(const http_options& options, asio::io_context& context) {
  error_code code;
  const auto literal = asio::ip::make_address(options.host, code);
  if (!code) return tcp::endpoint(literal, options.port);
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(options.host, "", tcp::resolver::passive, code);
  if (code || found.empty())
    return failure(ec::io_error, "server.host '" + options.host + "' can't be resolved: " + code.message());
  return tcp::endpoint(found.begin()->endpoint().address(), options.port);
}
}  // namespace

struct http_server::core : std::enable_shared_from_this<core> {
  using acceptor_type = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
  using timer_type = decltype(shard::ticker);

  core(http_options o, std::vector<asio::io_context*> c, http_handler& handler)
      : options(std::move(o)), contexts(std::move(c)), acceptor(*contexts.front()), timer(*contexts.front()) {
    for (auto* context : contexts) shards.push_back(std::make_shared<shard>(*context, handler, options, gate));
  }

  result<void> bind();
  void accept_next();
  void admit(tcp_socket socket, const std::shared_ptr<shard>& home);
  void turn_away(tcp_socket& socket);
  void watch_drain();
  void stop_all();
  template <class F>
  void on_first(F f) {
    asio::post(*contexts.front(), std::move(f));
  }
  std::shared_ptr<asio::ssl::context> current_tls() {
    const std::lock_guard lock(tls_mutex);
    return tls;
  }

  const http_options options;
  const std::vector<asio::io_context*> contexts;
  std::shared_ptr<connection_gate> gate = std::make_shared<connection_gate>();
  std::vector<std::shared_ptr<shard>> shards;
  std::mutex tls_mutex;
  std::shared_ptr<asio::ssl::context> tls;  ///< of connections accepted from now on; null = plain
  std::uint16_t bound_port = 0;

  // On the first context's thread from here on.
  acceptor_type acceptor;
  timer_type timer;  ///< pause after a failed accept; then the drain's watch
  std::size_t next_shard = 0;
  bool accepting = true;
  std::chrono::steady_clock::time_point drain_until;
  bool drain_cut = false;
  std::function<void()> on_drained;
};

result<void> http_server::core::bind() {
  const auto endpoint = find_endpoint(options, *contexts.front());
  if (!endpoint) return endpoint.error();
  if (options.site.check_host && !endpoint->address().is_loopback())
    return failure(ec::io_error,
                   "an open server may only listen on a loopback address, not on " + endpoint->address().to_string());
  error_code code;
  const auto failed = [&](const char* what) {
    return failure(ec::io_error, std::string(what) + " " + endpoint->address().to_string() + " port " +
                                     std::to_string(options.port) + ": " + code.message());
  };
  if (acceptor.open(endpoint->protocol(), code)) return failed("can't open a socket for");
  acceptor.set_option(tcp::acceptor::reuse_address(true), code);
  if (acceptor.bind(*endpoint, code)) return failed("can't bind");
  if (acceptor.listen(backlog, code)) return failed("can't listen on");
  bound_port = acceptor.local_endpoint(code).port();
  return {};
}

void http_server::core::accept_next() {
  if (!accepting) return;
  const auto home = shards[next_shard++ % shards.size()];
  auto socket = std::make_shared<tcp_socket>(home->context);
  acceptor.async_accept(*socket, [self = shared_from_this(), socket, home](const error_code& code) {
    if (!self->accepting) return;
    if (!code) {
      self->admit(std::move(*socket), home);
      return self->accept_next();
    }
    if (code == asio::error::operation_aborted) return;
    if (code == asio::error::connection_aborted) return self->accept_next();
    // Out of descriptors or memory: trying again at once would spin.
    log_event(log_level::warn, "http", "accept failed", {{"what", code.message()}});
    self->timer.expires_after(accept_pause);
    self->timer.async_wait([self](const error_code& cancelled) {
      if (!cancelled) self->accept_next();
    });
  });
}

void http_server::core::admit(tcp_socket socket, const std::shared_ptr<shard>& home) {
  const auto open_before = gate->open.fetch_add(1, std::memory_order_relaxed);
  if (open_before >= options.connections_max) {
    gate->open.fetch_sub(1, std::memory_order_relaxed);
    gate->refused.fetch_add(1, std::memory_order_relaxed);
    return turn_away(socket);
  }
  gate->accepted.fetch_add(1, std::memory_order_relaxed);
  if (auto secure = current_tls())
    start_tls_session(home, std::move(socket), std::move(secure));
  else
    start_session(home, std::move(socket));
}

/// Best effort, without waiting: 503 into the empty send buffer of a fresh connection. A TLS client just sees it close.
void http_server::core::turn_away(tcp_socket& socket) {
  error_code ignored;
  if (!current_tls()) {
    failure full(ec::not_ready, "Too many connections");
    full.retry_after_seconds = 1;
    const auto correlation_id = new_uuid_v7();
    const auto response = error_response(full, correlation_id);
    std::string out;
    response_facts facts;
    facts.correlation_id = correlation_id;
    facts.keep_alive = false;
    facts.body_bytes = response.body.size();
    shards.front()->writer.append_head(out, response, facts);  // the first shard's thread is this one
    out += response.body;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(out), ignored);
    socket.shutdown(tcp_socket::shutdown_send, ignored);
  }
  socket.close(ignored);
}

void http_server::core::watch_drain() {
  const bool late = std::chrono::steady_clock::now() >= drain_until;
  // A handler that hangs keeps its connection counted; the drain must end all the same.
  if (gate->open.load() == 0 || (late && drain_cut)) {
    stop_all();
    if (auto done = std::exchange(on_drained, nullptr)) done();
    return;
  }
  if (late) {
    drain_cut = true;
    drain_until = std::chrono::steady_clock::now() + cut_off_grace;
    for (auto& s : shards)
      asio::post(s->context, [s] {
        const auto all = s->connections;
        for (auto* c : all) c->abort();
      });
  }
  timer.expires_after(std::chrono::milliseconds(10));
  timer.async_wait([self = shared_from_this()](const error_code& code) {
    if (!code) self->watch_drain();
  });
}

void http_server::core::stop_all() {
  for (auto& s : shards) asio::post(s->context, [s] { stop_shard(*s); });
}

http_server::http_server(http_options options, std::vector<asio::io_context*> contexts, http_handler& handler)
    : core_(std::make_shared<core>(std::move(options), std::move(contexts), handler)) {}

http_server::~http_server() { stop(); }

result<void> http_server::start() {
  if (core_->options.tls.enabled) {
    auto made = make_tls_context(core_->options.tls);
    if (!made) return made.error();
    core_->tls = std::move(*made);
  }
  if (auto bound = core_->bind(); !bound) return bound;
  for (auto& s : core_->shards) {
    s->writer.set_time(unix_seconds());
    asio::post(s->context, [s] { tick(s); });
  }
  core_->on_first([core = core_] { core->accept_next(); });
  return {};
}

std::uint16_t http_server::port() const { return core_->bound_port; }

void http_server::drain(std::chrono::milliseconds limit, std::function<void()> done) {
  core_->on_first([core = core_, limit, done = std::move(done)]() mutable {
    error_code ignored;
    core->accepting = false;
    core->acceptor.close(ignored);
    core->timer.cancel();
    core->drain_until = std::chrono::steady_clock::now() + limit;
    core->on_drained = std::move(done);
    for (auto& s : core->shards)
      asio::post(s->context, [s] {
        s->draining = true;
        const auto all = s->connections;
        for (auto* c : all) c->begin_drain();
      });
    core->watch_drain();
  });
}

void http_server::stop() {
  core_->on_first([core = core_] {
    error_code ignored;
    core->accepting = false;
    core->acceptor.close(ignored);
    core->timer.cancel();
  });
  core_->stop_all();
}

result<void> http_server::reload(const http_options& options) {
  std::shared_ptr<asio::ssl::context> tls;
  if (options.tls.enabled) {
    auto made = make_tls_context(options.tls);
    if (!made) return made.error();
    tls = std::move(*made);
  }
  {
    const std::lock_guard lock(core_->tls_mutex);
    core_->tls.swap(tls);
  }
  auto site = std::make_shared<site_policy>(options.site);
  site->check_host = core_->options.site.check_host;  // whether the server is open is decided once, at start
  for (auto& s : core_->shards) asio::post(s->context, [s, site] { s->site = site; });
  return {};
}

http_stats http_server::stats() const {
  http_stats sum;
  sum.connections_open = core_->gate->open.load(std::memory_order_relaxed);
  sum.connections_accepted = core_->gate->accepted.load(std::memory_order_relaxed);
  sum.connections_refused = core_->gate->refused.load(std::memory_order_relaxed);
  for (const auto& s : core_->shards) {
    sum.requests += s->requests.value();
    sum.requests_in_flight += s->in_flight.value();
    sum.ip_denied += s->ip_denied.value();
    sum.bytes_in += s->bytes_in.value();
    sum.bytes_out += s->bytes_out.value();
  }
  return sum;
}

}  // namespace waggle
