#include "net/hub/hub_wire.hpp"

#include <algorithm>
#include <ctime>
#include <iterator>

#include "base/json.hpp"
#include "base/text_out.hpp"
#include "base/uuid.hpp"

namespace waggle {
namespace {

failure malformed(std::string_view what) {
  failure f(ec::io_error, "HiveHub's answer is not understood");
  f.log_text = "not understood: " + std::string(what);
  return f;
}

std::string_view text_of(const json_value& object, std::string_view name) {
  const auto v = object[name];
  return v.is_string() ? v.as_string() : std::string_view{};
}

/// The first 19 characters of an RFC 3339 time in UTC, which sort by time; "" stays "".
std::optional<std::string> read_time(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.empty()) return std::string();
  if (text.size() <= shape.size() || !(text.ends_with('Z') || text.ends_with("+00:00"))) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == '0' ? !digit : text[i] != shape[i]) return std::nullopt;
  }
  return std::string(text.substr(0, shape.size()));
}

result<permission_set> read_permissions(const json_value& list) {
  permission_set out;
  if (!list.is_array()) return malformed("permissions is no list");
  for (const auto item : list.as_array()) {
    const json_value word(item);
    if (!word.is_string()) return malformed("a permission is no string");
    if (const auto p = parse_hub_permission(word.as_string())) out.add(*p);
  }
  return out;
}

/// Of an RFC 3339 time in UTC, without its fraction.
std::optional<std::int64_t> unix_ms_of(std::string_view text) {
  const auto whole = read_time(text);
  std::tm tm{};
  if (!whole || !strptime(whole->c_str(), "%Y-%m-%dT%H:%M:%S", &tm)) return std::nullopt;
  return 1000 * static_cast<std::int64_t>(timegm(&tm));
}

/// An override that is not understood is none: it can only lower.
rate_limits read_rates(const json_value& from) {
  const auto number = [&from](std::string_view name) {
    std::uint64_t n = 0;
    return from[name].get_uint64(n) ? n : 0;
  };
  return {number("requests_per_minute"), number("requests_per_hour"), number("requests_per_day")};
}

result<std::optional<function_list>> read_functions(const json_value& list) {
  if (list.missing()) return std::optional<function_list>();
  if (!list.is_array()) return malformed("allowed_functions is no list");
  std::vector<std::string> names;
  for (const auto item : list.as_array()) {
    const json_value name(item);
    if (!name.is_string()) return malformed("a function is no string");
    names.emplace_back(name.as_string());
  }
  return std::optional(function_list(std::move(names)));
}

/// None where nothing is said. An entry that is not understood would let in, or keep out, the wrong ones.
result<std::shared_ptr<const tenant_ip_lists>> read_ip_lists(const json_value& from) {
  if (from.missing()) return std::shared_ptr<const tenant_ip_lists>();
  if (!from.is_object()) return malformed("ip_lists is no object");
  auto lists = std::make_shared<tenant_ip_lists>();
  for (const auto& [name, into] : {std::pair{"allowlist", &lists->allowlist}, {"blocklist", &lists->blocklist}}) {
    const auto list = from[name];
    if (list.missing()) continue;
    if (!list.is_array()) return malformed("an address list is no list");
    std::vector<std::string> entries;
    for (const auto item : list.as_array()) {
      const json_value entry(item);
      if (!entry.is_string()) return malformed("an address is no string");
      entries.emplace_back(entry.as_string());
    }
    auto networks = parse_networks(entries);
    if (!networks) return malformed("an address list holds something else, or too much");
    *into = std::move(*networks);
  }
  return std::shared_ptr<const tenant_ip_lists>(std::move(lists));
}

using key_verdict = hub_verdict<principal_ptr>;

key_verdict refused(ec code) { return {nullptr, failure(code)}; }

std::string replaced(std::string text, std::string_view part, std::string_view with) {
  if (const auto at = text.find(part); at != text.npos) text.replace(at, part.size(), with);
  return text;
}

}  // namespace

std::string validate_key_request(std::string_view key) {
  std::string out;
  json_writer(out).begin_object().member("access_key", key).end_object();
  return out;
}

result<key_verdict> read_key_answer(int status, std::string_view body, std::string_view prefix) {
  if (status == 404) return refused(ec::auth_invalid_key);
  json_parser parser;
  const auto root = parser.parse(body);
  if (!root || !root->is_object()) return malformed("no JSON object");
  const auto valid = (*root)["valid"];
  if (!valid.is_bool()) return malformed("`valid` is no boolean");
  for (const std::string_view name : {"status", "rotation_status", "expires_at"})
    if (const auto v = (*root)[name]; !v.missing() && !v.is_string()) return malformed(std::string(name) + " is no string");
  const auto rotation = text_of(*root, "rotation_status");
  constexpr std::string_view rotations[] = {"", "active", "rotating", "deprecated", "revoked", "expired"};
  if (std::find(std::begin(rotations), std::end(rotations), rotation) == std::end(rotations))
    return malformed("rotation_status is no word of the contract");
  if (rotation == "expired") return refused(ec::auth_key_expired);
  // Revoked and unknown are one answer.
  if (!valid.as_bool() || rotation == "revoked") return refused(ec::auth_invalid_key);

  auto who = std::make_shared<principal>();
  who->kind = principal_kind::hub_key;
  const auto permissions = read_permissions((*root)["permissions"]);
  if (!permissions) return permissions.error();
  if (permissions->empty()) return refused(ec::forbidden);
  auto functions = read_functions((*root)["allowed_functions"]);
  if (!functions) return functions.error();
  auto ip_lists = read_ip_lists((*root)["ip_lists"]);
  if (!ip_lists) return ip_lists.error();
  who->ip_lists = std::move(*ip_lists);
  who->may = {*permissions, std::move(*functions), false};
  who->key_prefix = prefix;
  who->rate_limits_of_key = read_rates((*root)["rate_limit_override"]);
  who->key_id = text_of(*root, "key_id");
  who->tenant_name = text_of(*root, "tenant_name");
  who->is_test = prefix.starts_with("hh_test_");
  who->deprecated = rotation == "deprecated" || rotation == "rotating";
  who->deprecated_until = text_of(*root, "rotation_expires_at");
  const auto expires = read_time(text_of(*root, "expires_at"));
  if (!expires) return malformed("expires_at is no time in UTC");
  who->expires_at = *expires;
  const auto user_status = text_of(*root, "status");
  who->suspended = !user_status.empty() && user_status != "active";
  if (prefix.starts_with("hh_admin") && text_of(*root, "scope") == "operator") {
    who->may.operator_scope = true;
    return key_verdict{std::move(who), std::nullopt};
  }
  tenant_id tenant;
  if (!parse_uuid(text_of(*root, "tenant_id"), tenant.bytes) || tenant.is_nil())
    return malformed("tenant_id is no UUID");
  who->tenant = tenant;
  return key_verdict{std::move(who), std::nullopt};
}

result<hub_verdict<bool>> read_user_answer(int status, std::string_view body, const tenant_id& user) {
  if (status == 404) return hub_verdict<bool>{false, failure(ec::tenant_suspended)};
  json_parser parser;
  const auto root = parser.parse(body);
  if (!root || !root->is_object()) return malformed("no JSON object");
  tenant_id answered;
  if (!parse_uuid(text_of(*root, "id"), answered.bytes) || answered != user) return malformed("it is about another user");
  const auto user_status = text_of(*root, "status");
  constexpr std::string_view words[] = {"active", "suspended", "inactive", "deleted"};
  if (std::find(std::begin(words), std::end(words), user_status) == std::end(words))
    return malformed("status is no word of the contract");
  return hub_verdict<bool>{user_status == "active", std::nullopt};
}

namespace {
/// Takes it where it is there. False: it is no limit.
bool take_limit(const json_value& from, std::string_view name, said_limit& into) {
  const auto v = from[name];
  if (!v.present()) return true;
  std::int64_t n = 0;
  std::uint64_t most = 0;
  if (v.is_null() || (v.get_int64(n) && n == -1)) {
    into = {true, std::nullopt};
    return true;
  }
  if (!v.get_uint64(most)) return false;
  into = {true, most};
  return true;
}
}  // namespace

result<hub_verdict<hub_quota>> read_quota_answer(int status, std::string_view body) {
  if (status == 404) return hub_verdict<hub_quota>{};
  if (status < 200 || status > 299) return malformed("no answer to the question");
  json_parser parser;
  const auto parsed = parser.parse(body);
  if (!parsed || !parsed->is_object()) return malformed("no JSON object");
  const auto inner = (*parsed)["quota"];
  const json_value root = inner.is_object() ? inner : *parsed;
  hub_verdict<hub_quota> out;
  auto& q = out.value;
  bool good = take_limit(root, "max_collections", q.collections) && take_limit(root, "max_vectors", q.points) &&
              take_limit(root, "storage_limit_bytes", q.bytes) &&
              take_limit(root, "monthly_operations_limit", q.per_month) &&
              take_limit(root["collections"], "limit", q.collections) &&
              take_limit(root["vectors"], "limit", q.points) && take_limit(root["storage"], "limit", q.bytes);
  for (const auto& group : {root["rate_limits"], root["limits"]})
    good = good && take_limit(group, "collection_count", q.collections) &&
           take_limit(group, "vector_count", q.points) && take_limit(group, "storage_bytes", q.bytes) &&
           take_limit(group, "requests_per_minute", q.per_minute) &&
           take_limit(group, "requests_per_hour", q.per_hour) && take_limit(group, "requests_per_day", q.per_day) &&
           take_limit(group, "requests_per_month", q.per_month);
  if (!good) return malformed("a limit is neither a number nor null");
  const auto lease = (*parsed)["lease"].is_object() ? (*parsed)["lease"] : root["lease"];
  if (const auto expires = lease["expires_at"]; expires.present()) {
    const auto at = expires.is_string() ? unix_ms_of(expires.as_string()) : std::nullopt;
    if (!at) return malformed("lease.expires_at is no time in UTC");
    q.expires_ms = *at;
  }
  return out;
}

std::string check_quota_request(const tenant_id& user, std::string_view operation, std::uint64_t size) {
  std::string out;
  json_writer(out).begin_object().member("project_id", to_string(user)).member("operation", operation)
      .member("estimated_size", size).end_object();
  return out;
}

result<std::optional<growth_opinion>> read_check_quota_answer(int status, std::string_view body) {
  if (status == 404) return std::optional<growth_opinion>();
  if (status < 200 || status > 299) return malformed("no answer to the question");
  json_parser parser;
  const auto root = parser.parse(body);
  if (!root || !root->is_object()) return malformed("no JSON object");
  const auto allowed = (*root)["allowed"];
  if (!allowed.is_bool()) return malformed("`allowed` is no boolean");
  const auto number = [&](std::string_view name) {
    std::uint64_t n = 0;
    return (*root)[name].get_uint64(n) ? std::optional(n) : std::nullopt;
  };
  return std::optional(growth_opinion{allowed.as_bool(), number("limit"), number("remaining")});
}

std::vector<std::pair<std::string, std::string>> hub_headers(std::string_view service_key, std::string_view service,
                                                             bool may_repeat) {
  std::vector<std::pair<std::string, std::string>> out{{"Authorization", "Bearer " + std::string(service_key)},
                                                       {"X-Service-Name", std::string(service)},
                                                       {"X-Request-Id", new_uuid_v7()}};
  if (may_repeat) out.emplace_back("Idempotency-Key", out.back().second);
  return out;
}

result<std::string> read_hub_path(std::string_view operation, std::string_view entry, std::string_view method,
                                  std::string_view service) {
  const auto begin = std::string(method) + " ";
  if (!entry.starts_with(begin + "/"))
    return failure::validation("hub.paths." + std::string(operation), "must begin with '" + begin + "/'");
  return replaced(std::string(entry.substr(begin.size())), "{service}", service);
}

std::string with_user(std::string path, const tenant_id& user) {
  return replaced(std::move(path), "{user_id}", to_string(user));
}

}  // namespace waggle
