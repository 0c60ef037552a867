#pragma once
// All tenants of the node, read from the store: for operators, and for a tenant that asks about itself. Reading makes nothing and
// wakes nobody. Coroutines; any worker's. One per node.
#include <boost/asio/awaitable.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/runtime/runtime.hpp"
#include "base/clock.hpp"
#include "storage/apply/records.hpp"
#include "storage/kv/kv_store.hpp"

namespace waggle {

class tenant_roll {
 public:
  template <class T>
  using reply = boost::asio::awaitable<result<T>>;
  struct line {
    tenant_id tenant;
    tenant_record account;
  };
  struct sums {
    std::uint64_t tenants = 0;
    std::uint64_t bytes = 0;  ///< logical
  };

  tenant_roll(runtime& rt, const kv_store& kv, const clock& time) : rt_(rt), kv_(kv), time_(time) {}

  struct news {
    tenant_id tenant;
    std::int64_t since_ms = 0;  ///< 0: nothing of it was ever reported
  };
  /// Tenants with usage that HiveHub has not got, by id.
  reply<std::vector<news>> with_news();
  /// Of the report that is on its way: what each collection holds in it, and held in the one before.
  struct held_collections {
    reported_collections before, now;
  };
  reply<held_collections> reported(tenant_id tenant);
  /// None for a tenant that this node has never seen.
  reply<std::optional<tenant_record>> account(tenant_id tenant);
  /// Names, sorted.
  reply<std::vector<std::string>> collections(tenant_id tenant);
  /// The next `most` by id, behind `after`.
  reply<std::vector<line>> page(std::optional<tenant_id> after, std::size_t most);
  /// Up to ten seconds old: it takes a look at every tenant, and who watches the node asks again and again.
  reply<sums> totals();

 private:
  runtime& rt_;
  const kv_store& kv_;
  const clock& time_;
  std::mutex lock_;
  std::optional<sums> totals_;
  std::int64_t totals_us_ = 0;  ///< when they were read
};

}  // namespace waggle
