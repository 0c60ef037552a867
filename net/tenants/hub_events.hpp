#pragma once
// News that HiveHub pushes (contract hub.md §8): each counts once for seven days, whatever HiveHub repeats. Coroutines; any
// worker's. One per node.
#include <map>
#include <mutex>
#include <unordered_map>

#include "net/hub/hub_client.hpp"
#include "net/tenants/tenant_keeper.hpp"

namespace waggle {

inline constexpr std::string_view hub_events_space = "hub_events";  ///< node records by event id; the value is unix ms

struct hub_event {
  std::string id;
  std::string type;
  std::optional<tenant_id> tenant;
  std::string key_id, key_sha256;
};

/// The ids that were handled, as the log has them. Any thread.
class event_book {
 public:
  void take(const std::vector<record_change>& changes);
  bool knows(const std::string& id) const;
  /// At most `most` that are older.
  std::vector<std::string> older_than(std::int64_t unix_ms, std::size_t most) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::int64_t> ids_;
  std::multimap<std::int64_t, std::string> by_time_;
};

class hub_events {
 public:
  struct outcome {
    std::size_t accepted = 0;
    std::size_t duplicates = 0;
    std::vector<std::string> failed;  ///< HiveHub may send these again
  };
  /// `delete_grace_seconds`: between user.deleted and the erasure.
  hub_events(hub_client& hub, tenant_keeper& tenants, node_records& records, event_book& book, const clock& time,
             std::int64_t delete_grace_seconds)
      : hub_(hub), tenants_(tenants), records_(records), book_(book), time_(time), delete_grace_seconds_(delete_grace_seconds) {}

  /// In order. What was accepted is in force, here, when this returns.
  boost::asio::awaitable<result<outcome>> apply(std::vector<hub_event> events);
  /// Reads the ids. Blocking, at the start.
  result<void> open();

 private:
  boost::asio::awaitable<result<void>> apply_one(const hub_event& event);

  hub_client& hub_;
  tenant_keeper& tenants_;
  node_records& records_;
  event_book& book_;
  const clock& time_;
  const std::int64_t delete_grace_seconds_;
};

}  // namespace waggle
