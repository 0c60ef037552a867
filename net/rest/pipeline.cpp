#include "net/rest/pipeline.hpp"

#include <exception>

#include "base/log.hpp"
#include "base/limits.hpp"
#include "base/text_out.hpp"
#include "net/bridge/refusal.hpp"
#include "net/http/error_body.hpp"
#include "net/http/target.hpp"
#include "net/identity/acting_for.hpp"

namespace waggle::rest {
namespace {
bool is_write(char permission) { return permission == 'W' || permission == 'D' || permission == 'C'; }

/// What kind of operation HiveHub is told of.
std::string_view type_of(const route& to) {
  if (to.permission == 'D' || to.method == "DELETE") return "delete";
  if (to.permission == 'W' || to.permission == 'C') return "write";
  return to.permission == 'T' || to.permission == 'O' ? "admin" : "read";
}

/// Liveness probes: with cluster.protect_health off they are open to everybody.
bool is_probe(std::string_view function) { return function == "health"; }

/// It carries its own credential.
bool is_log_in(std::string_view function) { return function == "auth.login"; }

/// Functions about whom the node lets in. The operator needs no tenant for them.
bool is_about_identity(std::string_view function) { return function.starts_with("auth.") || function == "audit.read"; }

/// Classes that touch a tenant's data.
bool needs_tenant(const route& to, char permission) {
  return permission != 'P' && permission != 'A' && permission != 'O' && !is_about_identity(to.function);
}

/// Somebody, or nobody at all, who was not let in: of who is let in and may not do this, other metrics tell.
bool is_auth_failure(ec code) {
  switch (code) {
    case ec::auth_missing_key:
    case ec::auth_invalid_format:
    case ec::auth_invalid_key:
    case ec::auth_key_expired:
    case ec::auth_signature_invalid:
    case ec::auth_service_rejected:
    case ec::auth_rate_limit:
    case ec::invalid_credentials:
    case ec::tenant_suspended:
    case ec::ip_denied: return true;
    default: return false;
  }
}

/// Outside cluster mode only what concerns identity is recorded, and what can't be undone (auth.md §13).
bool is_recorded_standalone(const route_match& match, int status) {
  if (status == 401 || status == 403) return true;
  if (!match.found) return false;
  const auto& to = *match.found;
  return (is_about_identity(to.function) && to.method != "GET") || to.function == "delete_collection" ||
         to.function == "cleanup_empty_collections" || (to.permission == 'O' && to.method != "GET");
}

/// `?user_id=`: the operator names the user it acts for.
result<principal_ptr> acting_by_parameter(principal_ptr who, const http_request& request) {
  if (!who->may.operator_scope || who->tenant) return who;
  const auto text = request.parameter("user_id");
  if (!text) return who;
  tenant_id user;
  if (!parse_uuid(*text, user.bytes) || user.is_nil()) return failure(ec::invalid_user_id);
  return acting_for(std::move(who), user);
}

failure too_fast(const rate_verdict& rate) {
  failure f(ec::rate_limit_exceeded);
  f.retry_after_seconds = rate.retry_after_seconds;
  json_writer(f.details).begin_object().member("window", rate.window).member("limit", rate.limit)
      .member("reset_at", format_rfc3339(1000 * rate.reset_unix_s)).end_object();
  return f;
}
}  // namespace

pipeline::pipeline(database& db, authenticator& door, const settings& config, metric_registry& metrics, node_state& node,
                    tenant_services& tenants, audit_trail* audit, local_identity* identity)
    : db_(db),
      door_(door),
      config_(config),
      metrics_(metrics),
      node_(node),
      tenants_(tenants),
      audit_(audit),
      identity_(identity),
      scrape_token_(config.metrics.scrape_token),
      requests_(metrics.family(metric_kind::counter, "waggle_http_requests_total", "Requests answered",
                               {"endpoint", "method", "status"}, {}, 20000)),
      errors_(metrics.family(metric_kind::counter, "vectorizer_api_errors_total", "Requests answered with an error",
                             {"endpoint", "error_type", "status_code"}, {}, 20000)),
      in_flight_(metrics.gauge("waggle_http_in_flight", "Requests being answered")),
      rejected_(metrics.family(metric_kind::counter, "vectorizer_upsert_rejected_total", "Writes refused by a limit",
                               {"reason"})),
      functions_denied_(metrics.family(metric_kind::counter, "waggle_function_denied_total",
                                       "Requests for a function that the key's list does not have", {"function"})),
      work_(metrics),
      by_route_(route_table().size() + 1) {
  if (config.cluster.enabled)
    quota_seconds_ = &metrics.histogram("vectorizer_hub_quota_check_latency_seconds", "Time to know a tenant's limits and count its request",
                                        {1e-6, 1e-5, 1e-4, 1e-3, .01, .1});
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
  http_response response;
  std::exception_ptr thrown;  // recorded and counted like any answer
  try {
    response = co_await answer_route(request, match, outcome);
  } catch (...) {
    thrown = std::current_exception();
    response.status = 500;
  }
  if (audit_ && (config_.cluster.enabled || is_recorded_standalone(match, response.status))) {
    const auto recorded = co_await record(request, match, response.status, outcome);
    if (!recorded) response = refuse(recorded.error(), request, match, outcome);
  }
  in_flight_.add(-1);
  if (outcome.billed) {
    tenants_.meter.count_bytes(*outcome.billed, outcome.body_bytes, response.body.size());
    tenants_.metrics.bytes(*outcome.billed, outcome.body_bytes, response.body.size());
  }
  const auto number = match.found ? static_cast<std::size_t>(match.found - route_table().data()) : route_table().size();
  count(number, request, response, outcome);
  tell_hub(request, match, response, outcome);
  if (thrown) std::rethrow_exception(thrown);
  co_return response;
}

/// Of what a tenant asked for, or somebody for it.
void pipeline::tell_hub(const http_request& request, const route_match& match, const http_response& response,
                        const request_outcome& outcome) const {
  if (!tenants_.operations || !match.found || !outcome.who || !outcome.who->tenant) return;
  operation_record record;
  record.tenant = *outcome.who->tenant;
  record.operation = match.found->function;
  record.type = type_of(*match.found);
  // What failed may have named anything.
  const auto& seen = outcome.seen;
  record.collection = seen.collection.empty() && response.status < 400 ? seen.named : seen.collection;
  record.unix_ms = system_clock().unix_ms();
  record.duration_ms = (system_clock().steady_us() - request.arrived_steady_us) / 1000;
  if (response.status >= 400) record.error = info(outcome.code).name;
  tenants_.operations->add(std::move(record));
}

http_response pipeline::refuse(const failure& why, const http_request& request, const route_match& match,
                               request_outcome& outcome) const {
  const std::string_view family = request.segments.empty() ? std::string_view() : request.segments.front();
  const auto style = family == "hub" ? error_style::hub : family == "auth" ? error_style::auth : error_style::native;
  outcome.code = why.code;
  auto shown = why;
  if (why.code == ec::quota_exceeded && why.retry_after_seconds == 0)
    shown.retry_after_seconds = config_.quotas.retry_after_seconds;
  auto response = error_response(shown, request.correlation_id, style);
  if (why.code == ec::method_not_allowed) response.headers.push_back({"Allow", match.allow});
  tell_tenant(outcome, response);
  return response;
}

void pipeline::answered_by_server(const http_request& request, int status, ec why) {
  if (audit_) audit_->record_answer_of_server(request, status, why);
}

boost::asio::awaitable<result<void>> pipeline::record(const http_request& request, const route_match& match, int status,
                                                      const request_outcome& outcome) {
  const bool open = is_open(match) && !(match.found && is_log_in(match.found->function));
  audited_request what{request, match, outcome.who.get(), open, status, outcome.code, outcome.seen.named};
  co_return co_await audit_->record(std::move(what));
}

boost::asio::awaitable<http_response> pipeline::answer_route(http_request& request, const route_match& match,
                                                             request_outcome& outcome) {
  // A log-in's own credential is all that counts.
  if (!identity_ || !match.found || !is_log_in(match.found->function)) {
    auto who = co_await identify(request);
    if (who && !door_.admits_address(**who, request.client)) {
      outcome.who = *who;
      co_return refuse(failure(ec::ip_denied), request, match, outcome);
    }
    if (who) who = acting_by_parameter(std::move(*who), request);
    const bool nothing_shown = !who && who.error().code == ec::auth_missing_key;
    const bool may_be_nobody = is_open(match) && (!door_.public_routes_open() || nothing_shown);
    if (!who && !may_be_nobody) co_return refuse(who.error(), request, match, outcome);
    if (who) outcome.who = *who;
  }
  static const auto nobody = std::make_shared<const principal>();
  principal_ptr as = outcome.who ? outcome.who : nobody;
  auto answer = co_await answer_as(std::move(as), request, match, outcome);
  if (!answer) co_return refuse(answer.error(), request, match, outcome);
  tell_tenant(outcome, *answer);
  co_return std::move(*answer);
}

boost::asio::awaitable<result<principal_ptr>> pipeline::identify(http_request& request) const {
  if (door_.mandatory())
    if (auto collector = scrape_token_.owner_of(request)) co_return collector;
  co_return co_await door_.identify(request);
}

/// What is answered to nobody in particular, too.
bool pipeline::is_open(const route_match& match) const {
  if (!match.found) return door_.public_routes_open();
  const auto& to = *match.found;
  if (is_log_in(to.function)) return identity_ != nullptr;
  if (config_.cluster.enabled) return is_probe(to.function) && !config_.auth.protect_health;
  return door_.public_routes_open() && to.permission == 'P';
}

char pipeline::class_of(const route& to) const { return config_.cluster.enabled ? cluster_class(to) : to.permission; }

/// Whether `who` may call the route at all.
result<void> pipeline::admit(const principal& who, const route& to) const {
  if (!door_.mandatory() || is_open({&to, {}, {}})) return {};
  const char needed = class_of(to);
  if (auto may = admit_tenant(who, needed); !may) return may;
  if (auto may = check_rights(who.may, needed, to.function, config_.auth.read_write_manages_collections); !may)
    return may.error();
  if (needs_tenant(to, needed) && !who.tenant && !operator_names_tenant(to)) return failure(ec::tenant_required);
  return {};
}

/// Who acts for a suspended tenant may read and delete what it has.
result<void> pipeline::admit_tenant(const principal& who, char needed) const {
  if (who.suspended) return failure(ec::tenant_suspended);
  if (!who.tenant) return {};
  const auto state = tenants_.keeper.standings().state_of(*who.tenant);
  if (state == tenant_state::deleting) return failure(ec::tenant_not_found);
  const bool suspended = state == tenant_state::suspended || door_.suspended(*who.tenant);
  const bool operator_looks = who.on_behalf && who.kind != principal_kind::service && (needed == 'R' || needed == 'D' || needed == 'O');
  return suspended && !operator_looks ? failure(ec::tenant_suspended) : result<void>();
}

void pipeline::tell_tenant(const request_outcome& outcome, http_response& response) const {
  if (!outcome.who || !door_.mandatory()) return;
  const auto& who = *outcome.who;
  const auto& rate = outcome.rate;
  const auto add = [&](const char* name, std::string value) { response.headers.push_back({name, std::move(value)}); };
  response.no_store = true;
  if (who.tenant && !who.tenant->is_nil()) {
    add("X-Tenant-ID", to_string(*who.tenant));
    if (const auto bytes = tenants_.accounts.bytes_of(*who.tenant)) add("X-Storage-Used", std::to_string(*bytes));
    if (outcome.limits.bytes) add("X-Storage-Quota", std::to_string(*outcome.limits.bytes));
  }
  if (rate.limit > 0) {
    add("X-RateLimit-Limit", std::to_string(rate.limit));
    add("X-RateLimit-Remaining", std::to_string(rate.remaining));
    add("X-RateLimit-Reset", std::to_string(rate.reset_unix_s));
  }
  if (!who.deprecated) return;
  add("X-API-Key-Deprecated", "true");
  if (!who.deprecated_until.empty()) add("X-API-Key-Expires", who.deprecated_until);
}

/// Only cluster mode has rate limits for tenants; nor has the operator any while acting for nobody.
std::optional<rate_limits> pipeline::rates_of(const principal& who, const tenant_limits& limits) const {
  if (!config_.cluster.enabled || !who.tenant) return std::nullopt;
  return lower_of(limits.rates, who.rate_limits_of_key);
}

boost::asio::awaitable<tenant_limits> pipeline::limits_of(const tenant_id& tenant) {
  if (auto known = tenants_.limits.known(tenant)) co_return std::move(*known);
  co_return co_await tenants_.limits.find(tenant);
}

boost::asio::awaitable<result<void>> pipeline::meter(request_scope& scope) {
  const auto& tenant = scope.who().tenant();
  const auto now_ms = system_clock().unix_ms();
  const auto month = utc_month(now_ms);
  const auto most = scope.limits().requests_per_month;
  usage_meter::month_count written;
  // Also the storage that every answer shows is known from then on.
  const bool ask = !tenants_.accounts.bytes_of(tenant) || (most && !tenants_.meter.knows_month(tenant, month));
  if (ask) {
    auto account = co_await db_.account(scope);
    if (!account && most) co_return account.error();
    if (account) written = {account->month, account->month_requests};
  }
  const bool counted = tenants_.meter.count_request(tenant, month, most, written);
  if (most) scope.saw_quota(quota_type::requests_per_month, counted);
  if (counted) co_return result<void>();
  quota_refusal why{quota_type::requests_per_month, *most, tenants_.meter.requests_of_month(tenant, month).value_or(*most), 1};
  why.bytes_limit = scope.limits().bytes.value_or(0);
  why.bytes_used = tenants_.accounts.bytes_of(tenant).value_or(0);
  why.resets_at_ms = next_utc_month_ms(now_ms);
  co_return refusal_of(why);
}

void pipeline::note_quotas(const tenant_id& tenant, const quota_decisions& decided, limits_origin limits) const {
  tenants_.metrics.quotas(tenant, decided, limits);
  if (!log_enabled(log_level::debug)) return;
  for (std::size_t type = 0; type < quota_types; ++type)
    if (const auto allowed = decided.allowed[type], refused = decided.refused[type]; allowed + refused > 0)
      log_event(log_level::debug, "quota", "Quota check for tenant",
                {{"tenant", to_string(tenant)}, {"quota_type", name_of(static_cast<quota_type>(type))},
                 {"allowed", allowed}, {"refused", refused}, {"limits", name_of(limits)}});
}

boost::asio::awaitable<result<http_response>> pipeline::answer_as(principal_ptr who, http_request& request,
                                                                  const route_match& match, request_outcome& outcome) {
  if (!match.found) co_return failure(match.allow.empty() ? ec::route_not_found : ec::method_not_allowed);
  if (auto admitted = admit(*who, *match.found); !admitted) co_return admitted.error();
  if (audit_ && audit_->must_refuse(*match.found)) co_return failure(ec::audit_unavailable);
  const auto key = request.header("X-Waggle-Request-Id");
  if (key && !is_header_id(*key, limits::correlation_id_bytes_max))
    co_return failure::validation("X-Waggle-Request-Id", "must be 1 to 128 visible ASCII characters");
  const scoped_access access{who->scopes ? &*who->scopes : nullptr, class_of(*match.found), match.found->function,
                             config_.auth.read_write_manages_collections};
  request_scope scope(request, context_of(*who), match.values, access);
  const auto now_ms = system_clock().unix_ms();
  if (who->own_rate)
    if (const auto own = who->own_rate->admit(now_ms); !own.admitted) co_return too_fast(own);
  // An operator who acts for nobody has no limits and no bill; outside cluster mode the routes without data have none.
  const bool counts = config_.cluster.enabled ? who->tenant.has_value()
                                              : needs_tenant(*match.found, match.found->permission);
  tenant_limits limits;
  const auto began_us = system_clock().steady_us();
  if (counts) limits = co_await limits_of(scope.who().tenant());
  scope.set_limits(limits.quota);
  outcome.limits = limits.quota;
  const tenant_gates::passage mine(tenants_.gates, scope.who().tenant(), rates_of(*who, limits), now_ms);
  outcome.rate = mine.rate();
  const auto& tenant = scope.who().tenant();
  if (!mine.rate().admitted) {
    tenants_.metrics.rate_limited(tenant);
    co_return too_fast(mine.rate());
  }
  if (counts) {
    const auto counted = co_await meter(scope);
    if (quota_seconds_) quota_seconds_->observe(static_cast<double>(system_clock().steady_us() - began_us) / 1e6);
    if (counted)
      outcome.billed = tenant;
    else
      note_quotas(tenant, scope.seen().quotas, limits.origin);
    if (!counted) co_return counted.error();
  }
  if (mine.inside() > config_.limits.inflight_per_tenant_max && match.found->permission != 'P') {
    failure f(ec::concurrency_limit);
    f.retry_after_seconds = 1;
    if (counts) tenants_.metrics.rate_limited(tenant);
    co_return f;
  }
  // No GET has a use for one, whoever sends it.
  if (request.unread && match.found->method != "GET") {
    const auto from = outcome.who ? sender::known : sender::unproven;
    if (auto came = co_await request.unread->read(from); !came) co_return came.error();
  }
  outcome.body_bytes = request.body.size();
  handler_context context{scope, db_, config_, metrics_, node_, tenants_, std::move(who), identity_, door_, audit_};
  auto answer = co_await run(*match.found, context, outcome);
  if (counts) {
    tenants_.meter.count_searches(tenant, scope.seen().searches);
    note_quotas(tenant, scope.seen().quotas, limits.origin);
  }
  co_return answer;
}

boost::asio::awaitable<result<http_response>> pipeline::run(const route& to, handler_context& context,
                                                            request_outcome& outcome) const {
  auto answer = co_await to.handler(context);
  outcome.seen = context.scope.seen();
  if (is_log_in(to.function) && answer) outcome.who = context.who;
  if (answer) co_return std::move(*answer);
  const auto& why = answer.error();
  if (info(why.code).http_status >= 500 && why.code != ec::not_implemented)
    log_event(log_level::error, "http", "request failed",
              {{"endpoint", to.path}, {"code", info(why.code).name}, {"why", why.log_text},
               {"correlation_id", context.http().correlation_id}});
  co_return why;
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
  if (outcome.billed && matched) tenants_.metrics.answered(*outcome.billed, route_table()[number], response.status);
  const auto us = system_clock().steady_us() - request.arrived_steady_us;
  const double seconds = static_cast<double>(us) / 1e6;
  m.seconds->observe(seconds);
  if (m.work != work_kind::none) {
    const auto& seen = outcome.seen;
    std::string label;
    if (config_.metrics.collection_labels && !seen.collection.empty() && outcome.who)
      label = canonical_name(context_of(*outcome.who).tenant(), seen.collection);
    work_.count({m.work, label, status < 400, seconds, seen.results, seen.visited_nodes});
  }
  if (status >= 400) {
    const auto type = error_type_of(outcome.code);
    errors_.counter({matched ? route_table()[number].path : "unmatched", type, std::to_string(status)}).add();
    if (is_auth_failure(outcome.code))
      tenants_.metrics.auth_failed(outcome.who ? outcome.who->tenant : std::nullopt, outcome.code);
    if (outcome.code == ec::function_not_allowed && matched)
      functions_denied_.counter({route_table()[number].function}).add();
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
