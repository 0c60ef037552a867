#include "tools/mock-hub/operations.hpp"

#include <functional>

#include "base/text_out.hpp"
#include "tools/mock-hub/shapes.hpp"

namespace waggle::mock {
namespace {
struct context {
  hub_records& records;
  const std::map<std::string, std::string>& parameters;
  const request& call;
  unix_ms now;
};

answer ok(json::value body, int status = 200) {
  answer a;
  a.status = status;
  a.body = std::move(body);
  return a;
}

answer validate_key(const context& c) {
  const auto* key = c.records.state.find_key_by_secret(required_text(parse_object(c.call.body), "access_key"));
  if (!key) return ok({{"valid", false}});
  return ok(validation_body(*key, c.records.state.find_user(key->user_id), c.now));
}

answer manage_keys(const context& c) {
  auto& state = c.records.state;
  if (c.call.method == "POST") {
    auto body = parse_object(c.call.body);
    auto key = read_key(body, c.now);
    if (key.user_id.empty()) key.user_id = required_text(body, "tenant_id");
    return ok(key_body(state.add_key(std::move(key)), c.now), 201);
  }
  if (const auto id = c.parameters.find("key_id"); id != c.parameters.end()) {
    auto& key = state.find_key(id->second);
    if (c.call.method == "DELETE") key.revoked = true;
    auto body = key_body(key, c.now);
    body.erase("key");
    return ok(std::move(body));
  }
  json::array list;
  const auto wanted = c.call.query.find("user_id");
  for (const auto& [id, key] : state.keys()) {
    if (wanted != c.call.query.end() && wanted->second != key.user_id) continue;
    auto body = key_body(key, c.now);
    body.erase("key");
    list.emplace_back(std::move(body));
  }
  return ok({{"keys", std::move(list)}});
}

answer get_user(const context& c) { return ok(user_body(c.records.state.find_user(c.parameters.at("user_id")))); }

answer get_quota(const context& c) {
  const auto& who = c.records.state.find_user(c.parameters.at("user_id"));
  return ok(quota_body(who, c.records.usage.of(who.id).gauges));
}

/// Which limit an operation grows.
std::string limit_of_operation(const std::string& operation) {
  if (operation == "create_collection" || operation == "collection_count") return "collection_count";
  if (operation == "storage" || operation == "storage_bytes") return "storage_bytes";
  if (operation == "insert" || operation == "upsert" || operation == "vector_count") return "vector_count";
  return "";
}

answer check_quota(const context& c) {
  const auto body = parse_object(c.call.body);
  const auto user_id = c.parameters.find("user_id");
  const auto& who =
      c.records.state.find_user(user_id != c.parameters.end() ? user_id->second : required_text(body, "project_id"));
  const auto name = limit_of_operation(required_text(body, "operation"));
  const auto limit = who.limits.find(name);
  if (limit == who.limits.end() || !limit->second || *limit->second < 0) return ok({{"allowed", true}});
  const auto remaining = std::max<std::int64_t>(0, *limit->second - c.records.usage.of(who.id).gauges[name]);
  return ok({{"allowed", number_or(body, "estimated_size", 1) <= remaining},
             {"remaining", remaining},
             {"limit", *limit->second}});
}

answer list_collections(const context& c) {
  auto list = collections_body(c.records.usage.of(c.records.state.find_user(c.parameters.at("user_id")).id));
  const auto total = list.size();
  return ok({{"collections", std::move(list)}, {"total_collections", total}});
}

answer create_collection(const context& c) {
  const auto body = parse_object(c.call.body);
  collection_usage fresh;
  fresh.name = find_text(body, "collection_name").value_or(text_or(body, "name", ""));
  if (fresh.name.empty()) throw refusal(400, "collection_name is missing");
  fresh.dimension = number_or(body, "dimension", 0);
  fresh.created_at = c.now;
  auto& known = c.records.usage.of(c.records.state.find_user(c.parameters.at("user_id")).id).collections;
  for (const auto& [id, collection] : known)
    if (collection.name == fresh.name) throw refusal(409, "there is a collection " + fresh.name);
  const auto id = c.records.state.draw_uuid();
  known[id] = fresh;
  return ok({{"collection_id", id}}, 201);
}

std::string owner_of_collection(const context& c) {
  const auto owner = c.records.usage.owner_of(c.parameters.at("collection_id"));
  if (!owner) throw refusal(404, "there is no such collection");
  return *owner;
}

answer validate_collection(const context& c) {
  const auto owner = owner_of_collection(c);
  const auto asked = c.call.query.find("userId");
  if (asked == c.call.query.end()) throw refusal(400, "userId is missing");
  if (asked->second != owner) return ok({{"valid", false}, {"user_id", asked->second}});
  auto body = quota_body(c.records.state.find_user(owner), c.records.usage.of(owner).gauges);
  if (auto* inner = body.if_contains("quota")) body = json::object(inner->as_object());
  return ok({{"valid", true}, {"user_id", owner}, {"quota", std::move(body)}});
}

answer delete_collection(const context& c) {
  c.records.usage.of(owner_of_collection(c)).collections.erase(c.parameters.at("collection_id"));
  return ok({{"deleted", true}});
}

collection_usage read_collection(const json::object& from, unix_ms now) {
  collection_usage c;
  c.name = text_or(from, "collection_name", "");
  c.vector_count = number_or(from, "vector_count", 0);
  c.storage_bytes = number_or(from, "storage_bytes", 0);
  c.dimension = number_or(from, "dimension", 0);
  c.created_at = now;
  return c;
}

usage_report read_report(const context& c) {
  const auto body = parse_object(c.call.body);
  usage_report r;
  r.content = std::hash<std::string>()(c.call.body);
  r.idempotency_key = required_text(body, "idempotency_key");
  const auto header = c.call.headers.find("idempotency-key");
  if (header != c.call.headers.end() && header->second != r.idempotency_key)
    throw refusal(400, "the header Idempotency-Key and idempotency_key differ");
  const auto in_path = c.parameters.find("user_id");
  r.tenant_id = find_text(body, "tenant_id").value_or(text_or(body, "user_id", ""));
  if (r.tenant_id.empty() && in_path != c.parameters.end()) r.tenant_id = in_path->second;
  c.records.state.find_user(r.tenant_id);
  if (const auto collection_id = find_text(body, "collection_id")) {
    r.collections[*collection_id] = read_collection(body, c.now);
    return r;
  }
  r.cluster_id = text_or(body, "cluster_id", "");
  r.epoch = number_or(body, "ledger_epoch", 0);
  r.from = find_number(body, "from");
  r.to = find_number(body, "to");
  if (!r.from || !r.to || *r.from < 0 || *r.from > *r.to) throw refusal(400, "from and to must be ledger positions");
  for (const auto* name : {"vector_count", "storage_bytes", "collection_count"})
    r.gauges[name] = number_or(body, name, 0);
  if (const auto* deltas = find_object(body, "deltas"))
    for (const auto& member : *deltas) r.deltas[std::string(member.key())] = number_or(*deltas, member.key(), 0);
  if (const auto* list = body.if_contains("collections")) {
    if (!list->is_array()) throw refusal(400, "collections must be a list");
    for (const auto& item : list->get_array()) {
      if (!item.is_object()) throw refusal(400, "a collection must be an object");
      r.collections[required_text(item.get_object(), "collection_id")] = read_collection(item.get_object(), c.now);
    }
  }
  return r;
}

answer report_usage(const context& c) {
  if (c.records.usage.receive(read_report(c)) == receipt::duplicate) return error_answer(409, "duplicate");
  return ok({{"accepted", true}});
}

answer ship_logs(const context& c) {
  const auto body = parse_object(c.call.body);
  const auto service = required_text(body, "service_id");
  const auto* entries = body.if_contains("logs");
  if (!entries || !entries->is_array()) throw refusal(400, "logs must be a list");
  for (auto entry : entries->get_array()) {
    if (entry.is_object()) entry.get_object()["service_id"] = service;
    c.records.logs.push_back(std::move(entry));
    if (c.records.logs.size() > logs_max) c.records.logs.pop_front();
  }
  c.records.logs_received += static_cast<std::int64_t>(entries->get_array().size());
  return ok({{"accepted", entries->get_array().size()}, {"processed", entries->get_array().size()}});
}

answer session_of(const context& c, const user& who, int status) {
  const auto token = "mock_" + c.records.state.draw_hex32();
  json::object tokens;
  tokens["access_token"] = token;
  return ok({{"user", user_body(who)}, {"access_token", token}, {"tokens", std::move(tokens)}}, status);
}

answer register_user(const context& c) {
  const auto body = parse_object(c.call.body);
  auto fresh = read_user({{"email", required_text(body, "email")}, {"name", text_or(body, "name", "")}}, c.now);
  fresh.password = required_text(body, "password");
  if (c.records.state.find_user_by_email(fresh.email)) throw refusal(409, "this email is registered");
  return session_of(c, c.records.state.add_user(std::move(fresh)), 201);
}

answer login(const context& c) {
  const auto body = parse_object(c.call.body);
  const auto* who = c.records.state.find_user_by_email(required_text(body, "email"));
  if (!who || who->password.empty() || who->password != required_text(body, "password"))
    throw refusal(401, "email or password is wrong");
  return session_of(c, *who, 200);
}

answer ping(const context&) { return ok({{"status", "ok"}}); }
}  // namespace

answer serve_operation(hub_records& records, const route_match& route, const request& call, unix_ms now) {
  static const std::map<std::string, answer (*)(const context&)> operations = {
      {"validate_key", validate_key},
      {"manage_keys", manage_keys},
      {"get_user", get_user},
      {"get_quota", get_quota},
      {"check_quota", check_quota},
      {"list_collections", list_collections},
      {"create_collection", create_collection},
      {"validate_collection", validate_collection},
      {"delete_collection", delete_collection},
      {"report_usage", report_usage},
      {"ship_logs", ship_logs},
      {"register", register_user},
      {"login", login},
      {"ping", ping}};
  return operations.at(route.operation)(context{records, route.parameters, call, now});
}

}  // namespace waggle::mock
