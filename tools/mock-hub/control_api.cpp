#include "tools/mock-hub/control_api.hpp"

#include <charconv>

#include "base/text_out.hpp"
#include "tools/mock-hub/shapes.hpp"

namespace waggle::mock {
namespace {
constexpr std::int64_t rotation_grace_seconds = 7 * 86'400;

answer ok(json::value body) {
  answer a;
  a.body = std::move(body);
  return a;
}
}  // namespace

struct control_api::route {
  std::string_view method, path;
  answer (control_api::*serve)(const parameters&);
};

answer control_api::serve() {
  static constexpr route table[] = {
      {"POST", "/__mock/reset", &control_api::reset},
      {"GET", "/__mock/users", &control_api::list_users},
      {"POST", "/__mock/users", &control_api::add_user},
      {"GET", "/__mock/users/{id}", &control_api::show_user},
      {"PATCH", "/__mock/users/{id}", &control_api::edit_user},
      {"DELETE", "/__mock/users/{id}", &control_api::set_status},
      {"POST", "/__mock/users/{id}/{act}", &control_api::set_status},
      {"GET", "/__mock/keys", &control_api::list_keys},
      {"POST", "/__mock/keys", &control_api::add_key},
      {"GET", "/__mock/keys/{id}", &control_api::show_key},
      {"POST", "/__mock/keys/{id}/{act}", &control_api::act_on_key},
      {"GET", "/__mock/quotas/{id}", &control_api::show_quota},
      {"POST", "/__mock/quotas/{id}", &control_api::set_quota},
      {"GET", "/__mock/faults", &control_api::list_faults},
      {"POST", "/__mock/faults", &control_api::add_fault},
      {"DELETE", "/__mock/faults", &control_api::remove_faults},
      {"DELETE", "/__mock/faults/{id}", &control_api::remove_faults},
      {"GET", "/__mock/journal", &control_api::show_journal},
      {"DELETE", "/__mock/journal", &control_api::clear_journal},
      {"GET", "/__mock/usage", &control_api::show_usage},
      {"GET", "/__mock/usage/{id}", &control_api::show_usage},
      {"GET", "/__mock/logs", &control_api::show_logs},
      {"GET", "/__mock/clock", &control_api::show_clock},
      {"POST", "/__mock/clock", &control_api::advance_clock},
  };
  for (const auto& r : table)
    if (r.method == call_.method)
      if (const auto found = match_path(r.path, call_.path)) return (this->*r.serve)(*found);
  return error_answer(404, "there is no such control call");
}

answer control_api::reset(const parameters&) {
  hub_.start_over(at_);
  if (hub_.on_refuse) hub_.on_refuse(std::nullopt);
  return ok({{"reset", true}});
}

answer control_api::list_users(const parameters&) {
  json::array list;
  for (const auto& [id, who] : state_.users()) list.emplace_back(user_body(who));
  return ok({{"users", std::move(list)}});
}

answer control_api::add_user(const parameters&) {
  return ok(user_body(state_.add_user(read_user(parse_object(call_.body), at_))));
}

answer control_api::show_user(const parameters& p) { return ok(user_body(state_.find_user(p.at("id")))); }

answer control_api::edit_user(const parameters& p) {
  auto& who = state_.find_user(p.at("id"));
  const auto body = parse_object(call_.body);
  const auto* lists = find_object(body, "ip_lists");
  auto changed = who;
  changed.name = text_or(body, "name", who.name);
  changed.email = text_or(body, "email", who.email);
  changed.plan = text_or(body, "plan", who.plan);
  state_.set_status(changed, text_or(body, "status", who.status));
  if (lists) changed.ip_lists = *lists;
  who = changed;
  return ok(user_body(who));
}

answer control_api::set_status(const parameters& p) {
  static const std::map<std::string, std::string> status_of = {
      {"suspend", "suspended"}, {"resume", "active"}, {"deactivate", "inactive"}, {"delete", "deleted"}};
  const auto act = p.find("act");
  const auto status = status_of.find(act == p.end() ? "delete" : act->second);
  if (status == status_of.end()) return error_answer(404, "a user can suspend, resume, deactivate, delete");
  auto& who = state_.find_user(p.at("id"));
  state_.set_status(who, status->second);
  return ok(user_body(who));
}

answer control_api::list_keys(const parameters&) {
  json::array list;
  const auto wanted = call_.query.find("user_id");
  for (const auto& [id, key] : state_.keys())
    if (wanted == call_.query.end() || wanted->second == key.user_id) list.emplace_back(key_body(key, at_));
  return ok({{"keys", std::move(list)}});
}

answer control_api::add_key(const parameters&) {
  auto key = read_key(parse_object(call_.body), at_);
  if (key.user_id.empty()) throw refusal(400, "user_id is missing");
  return ok(key_body(state_.add_key(std::move(key)), at_));
}

answer control_api::show_key(const parameters& p) { return ok(key_body(state_.find_key(p.at("id")), at_)); }

answer control_api::act_on_key(const parameters& p) {
  auto& key = state_.find_key(p.at("id"));
  const auto& act = p.at("act");
  if (act == "rotate") {
    const auto grace = number_or(parse_object(call_.body), "grace_seconds", rotation_grace_seconds);
    return ok(key_body(state_.rotate_key(key.id, grace * 1000, at_), at_));
  }
  if (act == "revoke")
    key.revoked = true;
  else if (act == "expire")
    key.expires_at = at_;
  else
    return error_answer(404, "a key can revoke, rotate, expire");
  return ok(key_body(key, at_));
}

answer control_api::show_quota(const parameters& p) {
  const auto& who = state_.find_user(p.at("id"));
  return ok(quota_body(who, hub_.records_.usage.of(who.id).gauges));
}

answer control_api::set_quota(const parameters& p) {
  auto& who = state_.find_user(p.at("id"));
  const auto body = parse_object(call_.body);
  auto changed = who;
  if (const auto* limits = find_object(body, "limits")) read_limits(changed.limits, *limits);
  for (const auto& name : find_texts(body, "omit").value_or(std::vector<std::string>())) changed.limits.erase(name);
  changed.quota_shape = text_or(body, "shape", who.quota_shape);
  if (!is_quota_shape(changed.quota_shape)) throw refusal(400, "shape must be limits, max, operations or groups");
  if (const auto* nested = body.if_contains("nested")) changed.quota_nested = nested->is_bool() && nested->get_bool();
  for (const auto* name : {"period", "lease"})
    if (const auto* extra = body.if_contains(name)) changed.quota_extras[name] = *extra;
  who = changed;
  return show_quota(p);
}

answer control_api::list_faults(const parameters&) { return ok({{"faults", hub_.faults_.list()}}); }

answer control_api::add_fault(const parameters&) {
  const auto [what, id] = hub_.faults_.add(parse_object(call_.body));
  if (what.kind == fault_kind::refuse && hub_.on_refuse) hub_.on_refuse(what.ms);
  return ok({{"id", id}});
}

answer control_api::remove_faults(const parameters& p) {
  const bool refused = hub_.faults_.refusing();
  if (const auto id = p.find("id"); id == p.end()) {
    hub_.faults_.clear();
  } else {
    std::int64_t number = 0;
    std::from_chars(id->second.data(), id->second.data() + id->second.size(), number);
    hub_.faults_.remove(number);
  }
  if (refused && !hub_.faults_.refusing() && hub_.on_refuse) hub_.on_refuse(std::nullopt);
  return list_faults(p);
}

answer control_api::show_journal(const parameters&) {
  const auto wanted = call_.query.find("operation");
  const auto after = query_number("after", 0);
  auto room = query_number("limit", 1000);
  json::array list;
  for (const auto& entry : hub_.journal_) {
    if (entry.at("number").as_int64() <= after) continue;
    if (wanted != call_.query.end() && entry.at("operation").as_string() != wanted->second) continue;
    if (room-- <= 0) break;
    list.emplace_back(entry);
  }
  json::object counts;
  for (const auto& [operation, count] : hub_.arrived_of_) counts[operation] = count;
  return ok({{"requests", std::move(list)}, {"counts", std::move(counts)}});
}

answer control_api::clear_journal(const parameters&) {
  hub_.journal_.clear();
  hub_.arrived_of_.clear();
  return ok({{"cleared", true}});
}

answer control_api::show_usage(const parameters& p) {
  if (const auto id = p.find("id"); id != p.end()) {
    state_.find_user(id->second);
    return ok(usage_body(id->second, hub_.records_.usage.of(id->second)));
  }
  json::array list;
  for (const auto& [id, usage] : hub_.records_.usage.tenants()) list.emplace_back(usage_body(id, usage));
  return ok({{"tenants", std::move(list)}});
}

answer control_api::show_logs(const parameters&) {
  json::array list(hub_.records_.logs.begin(), hub_.records_.logs.end());
  return ok({{"received", hub_.records_.logs_received}, {"logs", std::move(list)}});
}

answer control_api::show_clock(const parameters&) {
  return ok({{"now", format_rfc3339(hub_.now())}, {"advanced_ms", hub_.clock_offset_ms_}});
}

answer control_api::advance_clock(const parameters& p) {
  const auto seconds = find_number(parse_object(call_.body), "advance_seconds");
  if (!seconds || *seconds < 0 || *seconds > 100LL * 366 * 86'400)
    throw refusal(400, "advance_seconds must be 0 or more");
  hub_.clock_offset_ms_ += *seconds * 1000;
  return show_clock(p);
}

std::int64_t control_api::query_number(const char* name, std::int64_t otherwise) const {
  const auto found = call_.query.find(name);
  if (found == call_.query.end()) return otherwise;
  std::int64_t number = otherwise;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

}  // namespace waggle::mock
