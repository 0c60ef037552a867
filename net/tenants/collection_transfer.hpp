#pragma once
// Gives one collection of the implicit tenant to another one, by copying it through the log. Coroutines of one job at a time;
// outlives them.
//
//   named "migration-…" ─▶ points, page by page ─▶ both sides have the same digest ─▶ renamed: now it is the owner's
//
// Each step may be done twice: what was interrupted goes on behind the last point that is there.
#include <boost/asio/awaitable.hpp>
#include <functional>

#include "actors/protocol/services.hpp"
#include "net/bridge/ledger.hpp"
#include "net/tenants/migration_plan.hpp"
#include "net/tenants/stored_collection.hpp"
#include "net/usage/limits_source.hpp"

namespace waggle {

class collection_transfer {
 public:
  template <class T>
  using reply = boost::asio::awaitable<result<T>>;
  /// Writes a move down; it is durable when this returns.
  using note = std::function<reply<void>(collection_move)>;

  collection_transfer(node_services& node, ledger& book, limits_source& limits, const std::atomic<bool>& stop)
      : node_(node), book_(book), limits_(limits), stop_(stop) {}

  /// `move` is noted as it changes. COLLECTION_ALREADY_EXISTS: the owner has one of that name. Any failure leaves what there is.
  reply<void> copy(std::string plan, collection_move& move, note write_down);
  /// The owner loses the copy, complete or not.
  reply<void> drop_copy(std::string plan, collection_move& move);
  /// CONFLICT when the source is not what was copied any more.
  reply<void> delete_source(const collection_move& move);

 private:
  reply<std::optional<collection_record>> find_copy(std::string plan, const collection_move& move);
  reply<collection_record> make_copy(std::string plan, const collection_record& source, const collection_move& move);
  reply<void> fill(const collection_record& source, const collection_record& copy, const quota_limits& limits);
  reply<point_digest> digest(const collection_record& of);
  /// Of the given part of a collection, or 0; tries again while the node can't write.
  reply<write_outcome> enter(const tenant_id& owner, collection_id collection, shard_ops part, quota_limits limits, bool grows);

  node_services& node_;
  ledger& book_;
  limits_source& limits_;
  const std::atomic<bool>& stop_;
};

/// QUOTA_EXCEEDED when an account can't take one more collection of this size.
result<void> check_room(const quota_limits& limits, const usage_mark& account, std::uint64_t points, std::uint64_t bytes);

}  // namespace waggle
