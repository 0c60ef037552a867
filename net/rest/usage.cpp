// What a tenant holds, may have and used (contract rest.md §7).
#include "net/rest/handlers.hpp"
#include "net/rest/tenant_services.hpp"
#include "net/rest/usage_shapes.hpp"

namespace waggle::rest {
namespace {

/// Of the tenant that asks, with what was read a moment ago: written down first, so every figure comes from one place.
boost::asio::awaitable<result<tenant_record>> fresh_account(handler_context& c) {
  const auto tenant = c.scope.who().tenant();
  co_await c.tenants.writer.flush(tenant);
  co_return co_await c.db.account(c.scope);
}

/// Rule U (rest.md §7): a tenant asks for itself. Whoever acts for a tenant is that tenant here.
result<void> check_user(handler_context& c, std::string_view parameter = "user_id") {
  const auto text = c.http().parameter(parameter);
  if (!text) return {};
  tenant_id user;
  if (!parse_uuid(*text, user.bytes)) return failure(ec::invalid_user_id);
  if (user != c.scope.who().tenant()) return failure(ec::tenant_not_found);
  return {};
}

std::string user_of(handler_context& c) { return to_string(c.scope.who().tenant()); }

}  // namespace

answer usage_statistics(handler_context& c) {
  if (auto own = check_user(c); !own) co_return own.error();
  auto account = co_await fresh_account(c);
  if (!account) co_return account.error();
  auto all = co_await c.db.list(c.scope);
  if (!all) co_return all.error();
  const auto only = c.http().parameter("collection_id");
  const auto& now = account->now;
  const auto& total = now.total;
  std::string out;
  json_writer w(out);
  w.begin_object().member("success", true).member("message", "Usage statistics");
  w.key("stats").begin_object().member("user_id", user_of(c)).member("total_collections", now.collections);
  w.member("total_vectors", now.points).member("total_storage", now.bytes).member("api_requests", total.api_requests);
  w.member("search_count", total.search_count).member("vectors_inserted", total.vectors_inserted);
  w.member("vectors_deleted", total.vectors_deleted).member("storage_added", total.storage_added);
  w.member("storage_freed", total.storage_freed).member("collections_created", total.collections_created);
  w.member("collections_deleted", total.collections_deleted).member("cpu_us", total.cpu_us);
  w.member("bytes_in", total.bytes_in).member("bytes_out", total.bytes_out).key("collections").begin_array();
  for (const auto& one : *all) {
    const auto id = format_uuid(one.record.uuid);
    if (only && id != *only) continue;
    w.begin_object().member("collection_id", id).member("name", one.record.config.name);
    w.member("vectors", one.counters.points).member("storage", one.counters.bytes).end_object();
  }
  w.end_array().end_object().end_object();
  co_return json_response(std::move(out));
}

answer usage_quota(handler_context& c) {
  if (auto own = check_user(c); !own) co_return own.error();
  auto account = co_await fresh_account(c);
  if (!account) co_return account.error();
  const auto limits = co_await c.tenants.limits.find(c.scope.who().tenant());
  std::string out;
  json_writer w(out);
  w.begin_object().member("success", true).member("message", "Quota").key("quota");
  write_quota(w, c.scope.who().tenant(), limits, *account, system_clock().unix_ms());
  w.end_object();
  co_return json_response(std::move(out));
}

}  // namespace waggle::rest
