#include "net/rest/pipeline.hpp"

#include "base/log.hpp"
#include "base/limits.hpp"
#include "net/http/error_body.hpp"
#include "net/http/target.hpp"

namespace waggle::rest {
namespace {
bool is_write(char permission) { return permission == 'W' || permission == 'D' || permission == 'C'; }

/// Counts a request as long as it lives.
class counted {
 public:
  explicit counted(std::atomic<std::size_t>& n) : n_(n), now_(++n) {}
  ~counted() { --n_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  std::size_t now() const { return now_; }

 private:
  std::atomic<std::size_t>& n_;
  std::size_t now_;
};
}  // namespace

pipeline::pipeline(database& db, const settings& config, metric_registry& metrics, node_state& node)
    : db_(db),
      config_(config),
      metrics_(metrics),
      node_(node),
      requests_(metrics.family(metric_kind::counter, "waggle_http_requests_total", "Requests answered",
                               {"endpoint", "method", "status"}, {}, 20000)),
      errors_(metrics.family(metric_kind::counter, "vectorizer_api_errors_total", "Requests answered with an error",
                             {"endpoint", "error_type", "status_code"}, {}, 20000)),
      in_flight_(metrics.gauge("waggle_http_in_flight", "Requests being answered")),
      rejected_(metrics.family(metric_kind::counter, "vectorizer_upsert_rejected_total", "Writes refused by a limit",
                               {"reason"})),
      work_(metrics),
      by_route_(route_table().size() + 1) {
  for (const auto code : {ec::queue_full, ec::concurrency_limit, ec::storage_full})
    rejected_.counter({error_type_of(code)});
  auto& seconds = metrics.family(metric_kind::histogram, "waggle_http_request_duration_seconds",
                                 "From the head of the request to its answer", {"endpoint"}, latency_bounds());
  for (std::size_t i = 0; i < by_route_.size(); ++i) {
    const bool matched = i < route_table().size();
    auto& m = by_route_[i];
    m.seconds = &seconds.histogram({matched ? route_table()[i].path : "unmatched"});
    if (matched) m.work = work_kind_of(route_table()[i].function);
  }
}

boost::asio::awaitable<http_response> pipeline::handle(http_request& request) {
  in_flight_.add(1);
  const auto match = match_route(request.method, request.segments);
  request_outcome outcome;
  auto response = co_await answer_route(request, match, outcome);
  in_flight_.add(-1);
  const auto number = match.found ? static_cast<std::size_t>(match.found - route_table().data()) : route_table().size();
  count(number, request, response, outcome);
  co_return response;
}

boost::asio::awaitable<http_response> pipeline::answer_route(http_request& request, const route_match& match,
                                                             request_outcome& outcome) {
  const bool hub = !request.segments.empty() && request.segments.front() == "hub";
  const auto refuse = [&](const failure& why) {
    outcome.code = why.code;
    return error_response(why, request.correlation_id, hub ? error_style::hub : error_style::native);
  };
  if (!match.found) {
    if (match.allow.empty()) co_return refuse(failure(ec::route_not_found));
    auto response = refuse(failure(ec::method_not_allowed));
    response.headers.push_back({"Allow", match.allow});
    co_return response;
  }
  const auto key = request.header("X-Waggle-Request-Id");
  if (key && !is_header_id(*key, limits::correlation_id_bytes_max))
    co_return refuse(failure::validation("X-Waggle-Request-Id", "must be 1 to 128 visible ASCII characters"));
  // Standalone: whoever reaches the loopback listener is the one implicit tenant (auth.md §1).
  request_scope scope(request, context_mint::standalone(), match.values);
  const counted mine(tenant_in_flight_);
  if (mine.now() > config_.limits.inflight_per_tenant_max && match.found->permission != 'P') {
    failure f(ec::concurrency_limit);
    f.retry_after_seconds = 1;
    co_return refuse(f);
  }
  handler_context context{scope, db_, config_, metrics_, node_};
  auto answer = co_await match.found->handler(context);
  outcome.seen = scope.seen();
  if (answer) co_return std::move(*answer);
  const auto& why = answer.error();
  if (info(why.code).http_status >= 500 && why.code != ec::not_implemented)
    log_event(log_level::error, "http", "request failed",
              {{"endpoint", match.found->path}, {"code", info(why.code).name}, {"why", why.log_text},
               {"correlation_id", request.correlation_id}});
  co_return refuse(why);
}

void pipeline::count(std::size_t number, const http_request& request, const http_response& response,
                     const request_outcome& outcome) {
  auto& m = by_route_[number];
  const auto status = static_cast<std::size_t>(response.status < 600 && response.status > 0 ? response.status : 500);
  const bool matched = number < route_table().size();
  auto* cell = m.by_status[status].load(std::memory_order_acquire);
  if (!cell) {
    // Two threads may do this at once: they get the same cell.
    const auto text = std::to_string(status);
    cell = matched ? &requests_.counter({route_table()[number].path, route_table()[number].method, text})
                   : &requests_.counter({"unmatched", "other", text});
    m.by_status[status].store(cell, std::memory_order_release);
  }
  cell->add();
  const auto us = system_clock().steady_us() - request.arrived_steady_us;
  const double seconds = static_cast<double>(us) / 1e6;
  m.seconds->observe(seconds);
  if (m.work != work_kind::none) {
    const auto& seen = outcome.seen;
    work_.count({m.work, config_.metrics.collection_labels ? seen.collection : "", status < 400, seconds, seen.results,
                 seen.visited_nodes});
  }
  if (status >= 400) {
    const auto type = error_type_of(outcome.code);
    errors_.counter({matched ? route_table()[number].path : "unmatched", type, std::to_string(status)}).add();
    const bool limit = outcome.code == ec::queue_full || outcome.code == ec::concurrency_limit ||
                       outcome.code == ec::storage_full;
    if (limit && matched && is_write(route_table()[number].permission)) rejected_.counter({type}).add();
  }
  if (log_enabled(log_level::debug))
    log_event(log_level::debug, "http", "request",
              {{"method", request.method}, {"path", request.raw_path}, {"status", response.status}, {"us", us},
               {"correlation_id", request.correlation_id}, {"client", request.client_address}});
}

}  // namespace waggle::rest
