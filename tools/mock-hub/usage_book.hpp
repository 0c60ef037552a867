#pragma once
// The usage reports that the hub received: each idempotency key counts once, ledger positions (from, to] show what is
// missing, and the collections and present totals are those of the newest report. Pure. One thread.
//
//   report ─▶ raw sums ─▶ key seen before? ─yes─▶ duplicate (altered, when its bytes differ)
//                                  └─no─▶ totals, covered positions, present totals, collections
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace waggle::mock {

using counters = std::map<std::string, std::int64_t>;

struct collection_usage {
  std::string name;
  std::int64_t vector_count = 0, storage_bytes = 0, dimension = 0, created_at = 0;
};

struct usage_report {
  std::string idempotency_key, tenant_id, cluster_id;
  std::int64_t epoch = 0;
  std::optional<std::int64_t> from, to;  ///< none: a report of one collection's totals
  counters deltas;
  counters gauges;  ///< vector_count, storage_bytes, collection_count
  std::map<std::string, collection_usage> collections;
  std::size_t content = 0;  ///< hash of the bytes that were received
};

/// Which ledger positions were reported; touching stretches are one.
class covered_positions {
 public:
  /// True when a part of it was there already.
  bool add(std::int64_t from, std::int64_t to);
  const std::map<std::int64_t, std::int64_t>& stretches() const { return stretches_; }
  /// Between the first and the last position.
  std::vector<std::pair<std::int64_t, std::int64_t>> gaps() const;

 private:
  std::map<std::int64_t, std::int64_t> stretches_;  ///< from → to
};

struct tenant_usage {
  std::int64_t reports = 0, duplicates = 0, altered = 0, overlaps = 0;
  counters raw;                                         ///< sums of the deltas of everything received
  counters totals;                                      ///< the same, each idempotency key once
  counters gauges;                                      ///< of the newest report
  std::map<std::string, collection_usage> collections;  ///< by id
  std::map<std::pair<std::string, std::int64_t>, covered_positions> positions;  ///< by cluster and epoch
  std::pair<std::int64_t, std::int64_t> newest{-1, -1};                         ///< epoch, to
};

enum class receipt { stored, duplicate };

class usage_book {
 public:
  receipt receive(const usage_report& report);
  tenant_usage& of(const std::string& tenant_id) { return tenants_[tenant_id]; }
  const std::map<std::string, tenant_usage>& tenants() const { return tenants_; }
  /// Whose it is, or nothing.
  std::optional<std::string> owner_of(const std::string& collection_id) const;

 private:
  std::map<std::string, tenant_usage> tenants_;
  std::unordered_map<std::string, std::size_t> content_of_key_;
};

}  // namespace waggle::mock
