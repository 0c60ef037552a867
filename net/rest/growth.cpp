#include "net/rest/growth.hpp"

#include <algorithm>

#include "net/bridge/refusal.hpp"
#include "net/rest/tenant_services.hpp"

namespace waggle::rest {
namespace {

/// `by`: collections or points that would be new.
boost::asio::awaitable<result<void>> may_grow(handler_context& c, quota_type type, std::uint64_t by) {
  const auto account = co_await c.db.account(c.scope);
  if (!account) co_return account.error();
  auto asking = c.tenants.adviser->objection(c.scope.who().tenant(), type, by, *account, c.scope.limits());
  const auto no = co_await std::move(asking);
  if (!no) co_return result<void>();
  c.scope.saw_quota(type, false);
  co_return refusal_of(*no);
}

void add_ids(const std::vector<point>& points, std::vector<std::string>& ids) {
  for (const auto& p : points) ids.push_back(p.id.str());
}

/// Ids of the points that the command brings, each once.
std::vector<std::string> ids_of(const write_command& command) {
  std::vector<std::string> ids;
  for (const auto& op : command.ops) {
    if (const auto* upsert = std::get_if<upsert_points_op>(&op)) add_ids(upsert->points, ids);
    if (const auto* text = std::get_if<replace_text_op>(&op)) add_ids(text->points, ids);
    if (const auto* copy = std::get_if<copy_points_op>(&op); copy && !copy->remove)
      ids.insert(ids.end(), copy->ids.begin(), copy->ids.end());
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

result<std::uint64_t> count_absent(const collection_reader& reader, const std::vector<std::string>& ids) {
  std::uint64_t absent = 0;
  for (const auto& id : ids) {
    const auto there = reader.get(id);
    if (!there) return there.error();
    absent += !*there;
  }
  return absent;
}

database::reply<write_outcome> create_if_allowed(handler_context& c, collection_config config, std::string step) {
  const auto there = co_await c.db.open(c.scope, config.name, false);
  // One that is there is a conflict, or this request's own earlier try.
  if (!there && there.error().code == ec::collection_not_found) {
    const auto may = co_await may_grow(c, quota_type::collection_count, 1);
    if (!may) co_return may.error();
  }
  co_return co_await c.db.create(c.scope, std::move(config), step);
}

database::reply<write_outcome> insert_if_allowed(handler_context& c, std::string name,
                                                 std::shared_ptr<write_command> command) {
  const auto reader = co_await c.db.open(c.scope, name, false);
  if (!reader) co_return reader.error();
  auto work = c.db.read_disk(c.scope, [r = *reader, ids = ids_of(*command)] { return count_absent(*r, ids); });
  const auto fresh = co_await std::move(work);
  if (!fresh) co_return fresh.error();
  const auto may = co_await may_grow(c, quota_type::vector_count, *fresh);
  if (!may) co_return may.error();
  co_return co_await c.db.write(c.scope, std::move(name), std::move(command));
}

}  // namespace

database::reply<write_outcome> make_collection(handler_context& c, collection_config config, std::string_view step) {
  if (!c.tenants.adviser) return c.db.create(c.scope, std::move(config), step);
  return create_if_allowed(c, std::move(config), std::string(step));
}

database::reply<write_outcome> insert_points(handler_context& c, std::string name, std::shared_ptr<write_command> command) {
  if (!c.tenants.adviser) return c.db.write(c.scope, std::move(name), std::move(command));
  return insert_if_allowed(c, std::move(name), std::move(command));
}

}  // namespace waggle::rest
