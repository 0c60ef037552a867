#include "net/rest/audit_trail.hpp"

#include "base/limits.hpp"
#include "net/identity/credentials.hpp"

namespace waggle::rest {
namespace {

/// Visible ASCII of a header that may hold anything.
std::string visible(std::string_view text) {
  std::string out(text.substr(0, limits::audit_text_bytes_max));
  for (auto& c : out)
    if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte > 0x7e) c = '?';
  return out;
}

/// UTF-8 of which a whole number of characters is kept.
std::string shortened(std::string_view text) {
  if (text.size() <= limits::audit_text_bytes_max) return std::string(text);
  auto end = limits::audit_text_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

std::string_view action_of(char permission_class) {
  switch (permission_class) {
    case 'P':
    case 'A':
    case 'R': return "read";
    case 'W': return "write";
    case 'D': return "delete";
    case 'C': return "manage";
    default: return "administer";
  }
}

std::string_view result_of(int status) {
  if (status < 400) return "ok";
  return status == 401 || status == 403 || status == 429 ? "denied" : "error";
}

/// The beginning of a key that let nobody in. A short text may be somebody's password: nothing of it is kept.
std::string refused_prefix(const http_request& request) {
  constexpr std::size_t key_bytes_min = 24;
  const auto key = find_key(request, false);
  return key && *key && (*key)->size() >= key_bytes_min ? visible(prefix_of_key(**key)) : std::string();
}

/// The collection, key, user or tenant that the path names.
std::string_view named_target(const route_match& match) {
  const bool named = match.found && !match.values.empty() &&
                     (match.found->path.starts_with("/collections/{name}") || match.found->path.starts_with("/auth/") ||
                      match.found->path.starts_with("/hub/tenant/"));
  return named ? std::string_view(match.values.front()) : std::string_view();
}

/// What is known of every request, whoever answered it.
audit_record begin_record(const http_request& request, int status, ec why, std::int64_t now_unix_ms,
                          std::int64_t now_steady_us) {
  audit_record record;
  record.unix_ms = now_unix_ms;
  auto& r = record.request.emplace();
  r.actor_kind = "anonymous";
  r.protocol = "rest";
  r.method = visible(request.head ? "HEAD" : request.method);
  r.status = status;
  r.result = result_of(status);
  if (status >= 400) r.reason = info(why).name;
  r.client_ip = request.client_address;
  r.user_agent = visible(request.header("user-agent").value_or(""));
  r.correlation_id = request.correlation_id;
  r.duration_ms = (now_steady_us - request.arrived_steady_us) / 1000;
  return record;
}

}  // namespace

bool is_recorded_first(const route& to) {
  const char needed = cluster_class(to);
  if (to.function.starts_with("auth.")) return to.method != "GET";
  if (needed == 'T' || needed == 'O') return to.method != "GET";
  return needed == 'W' || needed == 'D' || needed == 'C';
}

audit_record audit_record_of(const http_request& request, int status, ec why, std::int64_t now_unix_ms,
                             std::int64_t now_steady_us) {
  auto record = begin_record(request, status, why, now_unix_ms, now_steady_us);
  record.event = why == ec::ok ? "CORS_PREFLIGHT" : "REQUEST_REFUSED";
  return record;
}

audit_record audit_record_of(const audited_request& what, std::int64_t now_unix_ms, std::int64_t now_steady_us) {
  auto record = begin_record(what.http, what.status, what.code, now_unix_ms, now_steady_us);
  record.event = what.who ? "AUTH_SUCCESS" : what.open_probe ? "OPEN_PROBE" : "AUTH_FAILURE";
  auto& r = *record.request;
  if (const auto* to = what.match.found) {
    r.function = to->function;
    r.permission_class = std::string(1, cluster_class(*to));
    r.action = action_of(cluster_class(*to));
    r.route = to->path;
  }
  if (what.who) {
    r.actor_kind = to_string(what.who->kind);
    r.actor_id = what.who->key_id;
    r.actor_key_prefix = what.who->key_prefix;
    if (what.who->tenant) r.tenant_id = to_string(*what.who->tenant);
    if (what.who->on_behalf) r.on_behalf_of = r.tenant_id;
  } else {
    r.actor_key_prefix = refused_prefix(what.http);
  }
  r.target = shortened(what.collection.empty() ? named_target(what.match) : what.collection);
  return record;
}

void audit_trail::record_answer_of_server(const http_request& request, int status, ec why) {
  log_.append(audit_record_of(request, status, why, time_.unix_ms(), time_.steady_us()));
}

void audit_trail::record_erasure(const tenant_id& tenant, const std::string& receipt) {
  audit_record record;
  record.unix_ms = time_.unix_ms();
  record.event = "TENANT_ERASED";
  auto& r = record.request.emplace();
  r.function = "tenant.cleanup";
  r.actor_kind = "node";
  r.protocol = "internal";
  r.target = to_string(tenant);
  r.status = 200;
  r.result = "ok";
  r.reason = receipt;
  log_.append(std::move(record));
}

boost::asio::awaitable<result<void>> audit_trail::record(audited_request what) {
  auto record = audit_record_of(what, time_.unix_ms(), time_.steady_us());
  if (!what.match.found || !is_recorded_first(*what.match.found)) {
    log_.append(std::move(record));
    co_return result<void>();
  }
  const auto recorded = co_await log_.append_durably(std::move(record));
  if (recorded || !blocks_) co_return result<void>();
  co_return recorded.error();
}

}  // namespace waggle::rest
