#include "net/http/exchange.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "net/http/error_body.hpp"
#include "net/http/target.hpp"

namespace waggle {
namespace {
constexpr std::size_t headers_max = 100;
constexpr std::size_t skipped_body_bytes_max = 64 * 1024;
constexpr std::size_t copied_body_bytes_max = 16 * 1024;  ///< larger bodies are written from where they are
}  // namespace

exchange::exchange(std::shared_ptr<shard> home, bool tls)
    : home_(std::move(home)),
      options_(home_->options),
      tls_(tls),
      reader_(read_limits{options_.header_bytes_max, headers_max, options_.target_bytes_max, options_.body_bytes_max}) {
}

/// Of all requests of this connection.
void exchange::know_peer(const ip_address& peer) {
  request_.peer = request_.client = peer;
  request_.client_address = peer.to_string();
}

/// Nothing of the request before shall be taken for this one's.
void exchange::begin_request() {
  reader_.start(request_);
  request_.unread = nullptr;
  request_.correlation_id.clear();
  cors_origin_ = {};
  if (request_.client != request_.peer) know_peer(request_.peer);
}

/// Who the client is, and whether it may be here at all (contract auth.md §8, the global steps).
auto exchange::check_address() -> outcome {
  const auto& site = *home_->site;
  ip_address client = request_.peer;
  if (contains(site.forwarding.trusted_proxies, request_.peer)) {
    std::vector<std::string_view> lines;
    for (const auto& h : request_.headers)
      if (equals_ignoring_case(h.name, site.forwarding.header)) lines.push_back(h.value);
    const auto named = client_address(site.forwarding, request_.peer, lines);
    if (!named) return refuse(named.error());
    client = *named;
  }
  if (client != request_.client) {
    request_.client = client;
    request_.client_address = client.to_string();
  }
  if (admits(site.ip, client)) return outcome::ready;
  home_->ip_denied.add(1);
  log_event(log_level::debug, "http", "address denied",
            {{"client", request_.client_address}, {"peer", request_.peer.to_string()}, {"path", request_.raw_path},
             {"correlation_id", request_.correlation_id}});
  return refuse(failure(ec::ip_denied));
}

/// Everything that is decided by the head alone, in this order: a refusal must carry the client's correlation id; the
/// target must be readable before anything is compared with it; foreign clients and pages are turned away before a body
/// is taken from them.
auto exchange::check_head() -> outcome {
  choose_correlation_id(request_);
  if (reader_.state() == read_state::failed) return refuse(reader_.error());
  std::string_view authority;
  if (auto read = read_target(request_, authority); !read) return refuse(read.error());
  if (check_address() != outcome::ready) return outcome::refused;
  const auto& site = *home_->site;
  const auto host = request_.header("Host");
  // HTTP/1.0 may leave it out. No browser does, and it is browsers that the check of the host keeps out.
  const bool named = host || !authority.empty();
  if (authority.empty()) authority = host.value_or("");
  if (!authority.empty() && !host_well_formed(authority))
    return refuse(failure(ec::bad_request, "The Host header is not valid"));
  if (site.check_host && named && !host_allowed(site, authority))
    return refuse(failure(ec::origin_denied, "This Host is not served here (server.allowed_hosts)"));
  if (const auto origin = request_.header("Origin")) {
    const auto verdict = judge_origin(site, *origin, authority, tls_);
    if (verdict == origin_verdict::denied)
      return refuse(
          failure(ec::origin_denied, "Requests from this Origin are not allowed (server.cors.allowed_origins)"));
    if (verdict == origin_verdict::allowed) cors_origin_ = *origin;
  }
  if (auto set = set_deadline(request_, steady_now_us(), options_.request_timeout_ms); !set) return refuse(set.error());
  request_.tls = tls_;
  return outcome::ready;
}

auto exchange::refuse(failure why) -> outcome {
  refusal_ = std::move(why);
  return outcome::refused;
}

/// Enters what the body holds by now into the server's accounts. False when one is full.
bool exchange::count_body(sender from) {
  const std::size_t held = request_.body.size();
  if (held == body_counted_) return true;
  const std::size_t more = held - body_counted_;
  auto& gate = *home_->gate;
  const auto before = gate.buffered_body_bytes.fetch_add(more, std::memory_order_relaxed);
  body_counted_ = held;
  if (before + more > options_.buffered_body_bytes_max) return false;
  if (from == sender::known) return true;
  unproven_counted_ += more;
  return gate.unproven_body_bytes.fetch_add(more, std::memory_order_relaxed) + more <= options_.unproven_body_bytes_max;
}

/// It is here, or will never be. Whoever sent it is proven at once, or refused.
void exchange::body_ended() {
  home_->gate->unproven_body_bytes.fetch_sub(std::exchange(unproven_counted_, 0), std::memory_order_relaxed);
}

/// Whether the connection may serve another request. Bytes of a body are never read as one: a body that nobody asked for
/// has to be skipped, which is done when it is small, of a known length and surely on its way.
bool exchange::may_go_on() const {
  if (home_->draining || reader_.state() == read_state::failed || !reader_.keep_alive()) return false;
  if (reader_.state() == read_state::complete) return true;
  const auto announced = reader_.announced_bytes();
  return request_.unread && !reader_.expects_continue() && announced > 0 && announced <= skipped_body_bytes_max;
}

void exchange::forget_body() {
  if (body_counted_ == 0) return;
  home_->gate->buffered_body_bytes.fetch_sub(body_counted_, std::memory_order_relaxed);
  body_counted_ = 0;
}

http_response exchange::fault(std::string_view what) {
  log_event(log_level::error, "http", "a request handler failed",
            {{"what", what}, {"correlation_id", request_.correlation_id}, {"path", request_.raw_path}});
  return error_response(failure(ec::internal_error), request_.correlation_id);
}

void exchange::append_answer(http_response& response, bool keep_alive) {
  response_facts facts;
  facts.correlation_id = request_.correlation_id;
  facts.keep_alive = keep_alive;
  facts.tls = tls_;
  facts.http10 = reader_.http10();
  const auto& origins = home_->site->allowed_origins;
  const bool any_origin = std::find(origins.begin(), origins.end(), "*") != origins.end();
  // "*" is answered with "*": no credentials are ever allowed across origins.
  if (!cors_origin_.empty()) facts.cors_origin = any_origin ? std::string_view("*") : cors_origin_;
  // A cache must not give one page's answer to another.
  else if (!origins.empty() && !any_origin)
    response.headers.push_back({"Vary", "Origin"});
  const auto coding = choose_answer_coding(request_, response, options_.compress_bytes_min, options_.compress_bytes_max,
                                           facts.vary_encoding);
  std::string* body = &response.body;
  if (coding != body_coding::identity && home_->deflater.pack(response.body, coding, packed_)) {
    facts.coding = coding;
    body = &packed_;
  }
  facts.body_bytes = body->size();
  home_->writer.append_head(out_, response, facts);
  home_->requests.add(1);
  ++gathered_;
  if (request_.head || response.status == 204 || response.status == 304) return;
  if (body->size() <= copied_body_bytes_max)
    out_ += *body;
  else
    large_body_ = std::move(*body);
}

void exchange::answer_refusal() {
  if (request_.correlation_id.empty()) choose_correlation_id(request_);
  auto response = error_response(refusal_, request_.correlation_id);
  home_->handler.answered_by_server(request_, response.status, refusal_.code);
  append_answer(response, false);
}

}  // namespace waggle
