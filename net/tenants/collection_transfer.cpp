#include "net/tenants/collection_transfer.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "actors/runtime/jobs.hpp"
#include "base/uuid.hpp"
#include "net/bridge/refusal.hpp"
#include "storage/apply/account.hpp"

namespace waggle {
namespace {
constexpr int attempts_max = 30;
constexpr std::chrono::seconds between_attempts{1};

bool passes(ec code) { return code == ec::not_ready || code == ec::queue_full || code == ec::deadline_exceeded; }

failure over(quota_type type, std::uint64_t limit, std::uint64_t used, std::uint64_t requested) {
  return refusal_of(quota_refusal{type, limit, used, requested});
}
}  // namespace

result<void> check_room(const quota_limits& limits, const usage_mark& account, std::uint64_t points, std::uint64_t bytes) {
  if (limits.collections && account.collections >= *limits.collections)
    return over(quota_type::collection_count, *limits.collections, account.collections, 1);
  if (limits.points && points > 0 && account.points + points > *limits.points)
    return over(quota_type::vector_count, *limits.points, account.points, points);
  if (limits.bytes && bytes > 0 && account.bytes + bytes > *limits.bytes)
    return over(quota_type::storage, *limits.bytes, account.bytes, bytes);
  return {};
}

collection_transfer::reply<void> collection_transfer::copy(std::string plan, collection_move& move, note write_down) {
  auto look = [&kv = node_.kv, id = move.source] { return find_stored(kv, tenant_id{}, id); };
  const auto source = co_await run_blocking(node_.rt, std::move(look));
  if (!source) co_return source.error();
  if (!*source) co_return failure(ec::collection_not_found, "The collection is gone");
  auto found = co_await find_copy(plan, move);
  if (!found) co_return found.error();
  if (!*found) {
    if (move.copy.value > 0) co_return failure(ec::collection_not_found, "Its owner has deleted the copy");
    auto made = co_await make_copy(plan, **source, move);
    if (!made) co_return made.error();
    *found = std::move(*made);
  }
  const auto& copy = **found;
  if (move.copy != copy.id) {
    move.copy = copy.id;
    if (const auto noted = co_await write_down(move); !noted) co_return noted.error();
  }
  const auto limits = co_await limits_.find(move.owner);
  if (move.digest.empty()) {
    if (const auto filled = co_await fill(**source, copy, limits.quota); !filled) co_return filled.error();
    const auto there = co_await digest(**source);
    if (!there) co_return there.error();
    const auto here = co_await digest(copy);
    if (!here) co_return here.error();
    if (*there != *here) co_return failure(ec::conflict, "The copy has other points: source or copy was written to");
    move.digest = there->sha256.empty() ? "empty" : there->sha256;
    move.points = there->points;
    if (const auto noted = co_await write_down(move); !noted) co_return noted.error();
  }
  if (copy.config.name == move.name) co_return result<void>();
  shard_ops rename{shard_id{}, {rename_collection_op{move.name}}};
  const auto renamed = co_await enter(move.owner, copy.id, std::move(rename), limits.quota, true);
  if (!renamed) co_return renamed.error();
  co_return result<void>();
}

collection_transfer::reply<std::optional<collection_record>> collection_transfer::find_copy(std::string plan,
                                                                                            const collection_move& move) {
  auto look = [&kv = node_.kv, owner = move.owner, id = move.copy, name = unfinished_name(plan, move.source)] {
    return id.value > 0 ? find_stored(kv, owner, id) : find_stored(kv, owner, name);
  };
  co_return co_await run_blocking(node_.rt, std::move(look));
}

collection_transfer::reply<collection_record> collection_transfer::make_copy(std::string plan, const collection_record& source,
                                                                             const collection_move& move) {
  struct room {
    bool taken = false;
    tenant_record account;
    stored_collection source;
  };
  auto look = [&kv = node_.kv, owner = move.owner, name = move.name, id = source.id]() -> result<room> {
    auto taken = find_stored(kv, owner, name);
    if (!taken) return taken.error();
    auto account = load_account(write_overlay(kv), owner);
    if (!account) return account.error();
    auto size = measure_stored(kv, tenant_id{}, id);
    if (!size) return size.error();
    return room{taken->has_value(), account->value_or(tenant_record{}), std::move(*size)};
  };
  const auto there = co_await run_blocking(node_.rt, std::move(look));
  if (!there) co_return there.error();
  if (there->taken) co_return failure(ec::collection_already_exists);
  const auto limits = co_await limits_.find(move.owner);
  // What would not fit is not begun; what others take meanwhile is refused by the entries themselves.
  const auto room_left = check_room(limits.quota, there->account.now, there->source.points, there->source.bytes);
  if (!room_left) co_return room_left.error();
  auto config = source.config;
  config.name = unfinished_name(plan, source.id);
  shard_ops create{shard_id{}, {create_collection_op{std::move(config)}}};
  const collection_id none;
  const auto made = co_await enter(move.owner, none, std::move(create), limits.quota, true);
  if (!made) co_return made.error();
  if (!made->collection) co_return failure::internal("a collection was made and its record is missing");
  co_return *made->collection;
}

collection_transfer::reply<void> collection_transfer::fill(const collection_record& source, const collection_record& copy,
                                                           const quota_limits& limits) {
  for (std::uint32_t s = 0; s < source.config.shard_count; ++s) {
    const shard_id shard(s);
    auto last = [&kv = node_.kv, &copy, shard] { return last_id(kv, copy, shard); };
    auto after = co_await run_blocking(node_.rt, std::move(last));
    if (!after) co_return after.error();
    while (!stop_) {
      auto read = [&kv = node_.kv, &source, shard, &after] { return next_points(kv, source, shard, *after); };
      auto page = co_await run_blocking(node_.rt, std::move(read));
      if (!page) co_return page.error();
      if (page->empty()) break;
      *after = page->back().id.str();
      shard_ops part{shard, {upsert_points_op{std::move(*page)}}};
      const auto written = co_await enter(copy.owner, copy.id, std::move(part), limits, true);
      if (!written) co_return written.error();
    }
  }
  co_return stop_ ? failure(ec::shutting_down) : result<void>();
}

collection_transfer::reply<point_digest> collection_transfer::digest(const collection_record& of) {
  auto work = [this, &of] { return digest_of(node_.kv, of, stop_); };
  co_return co_await run_on(node_.rt, pool_kind::long_work, std::move(work));
}

collection_transfer::reply<void> collection_transfer::drop_copy(std::string plan, collection_move& move) {
  const auto found = co_await find_copy(plan, move);
  if (!found) co_return found.error();
  if (*found) {
    shard_ops drop{shard_id{}, {delete_collection_op{}}};
    const quota_limits none;
    const auto dropped = co_await enter(move.owner, (*found)->id, std::move(drop), none, false);
    if (!dropped && dropped.error().code != ec::collection_not_found) co_return dropped.error();
  }
  move.copy = {};
  move.digest.clear();
  move.migrated_ms = 0;
  co_return result<void>();
}

collection_transfer::reply<void> collection_transfer::delete_source(const collection_move& move) {
  auto look = [&kv = node_.kv, id = move.source] { return find_stored(kv, tenant_id{}, id); };
  const auto source = co_await run_blocking(node_.rt, std::move(look));
  if (!source) co_return source.error();
  if (*source) {
    const auto now = co_await digest(**source);
    if (!now) co_return now.error();
    if ((now->sha256.empty() ? "empty" : now->sha256) != move.digest)
      co_return failure(ec::conflict, "The collection was written to after it was copied; it is kept");
    shard_ops drop{shard_id{}, {delete_collection_op{}}};
    const tenant_id nobody;
    const quota_limits none;
    const auto dropped = co_await enter(nobody, move.source, std::move(drop), none, false);
    if (!dropped) co_return dropped.error();
  }
  auto remove = [directory = node_.data_dir / to_string(tenant_id{}) / to_string(move.source)]() -> result<void> {
    std::error_code failed;
    std::filesystem::remove_all(directory, failed);
    return failed ? failure(ec::io_error, directory.string() + " can't be removed: " + failed.message()) : result<void>();
  };
  co_return co_await run_blocking(node_.rt, std::move(remove));
}

collection_transfer::reply<write_outcome> collection_transfer::enter(const tenant_id& owner, collection_id collection,
                                                                     shard_ops part, quota_limits allowed, bool grows) {
  log_entry entry;
  entry.owner = owner;
  entry.collection = collection;
  // Points that are written twice are the same points; what is remembered of them would cost more than they do.
  if (!std::holds_alternative<upsert_points_op>(part.ops.front())) entry.request.bytes = random_uuid_v4();
  entry.limits = allowed;
  entry.parts.push_back(std::move(part));
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (int attempt = 1;; ++attempt) {
    if (stop_) co_return failure(ec::shutting_down);
    auto done = co_await book_.enter(entry, grows);
    if (done || !passes(done.error().code) || attempt == attempts_max) co_return done;
    timer.expires_after(between_attempts);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

}  // namespace waggle
