#pragma once
// What tenants read, counted where it happens until it is written down: searches, bytes, and requests, these also by the month
// against the tenant's limit. Any thread.
#include <array>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "storage/log/operation.hpp"

namespace waggle {

class usage_meter {
 public:
  /// Requests of a month that are written down already.
  struct month_count {
    std::uint32_t month = 0;  ///< 202611
    std::uint64_t requests = 0;
  };
  /// Whether a request of `tenant` has to say, once, what is written down of this month.
  bool knows_month(const tenant_id& tenant, std::uint32_t month) const;
  /// Counts a request; false, and nothing is counted, when the month's limit is used up. `written`: for the first request with a
  /// limit in this month; ignored later.
  bool count_request(const tenant_id& tenant, std::uint32_t month, std::optional<std::uint64_t> month_max,
                     const month_count& written);
  void count_searches(const tenant_id& tenant, std::uint64_t searches);
  /// Of the bodies of a request and its answer.
  void count_bytes(const tenant_id& tenant, std::uint64_t in, std::uint64_t out);
  /// Of this month, those written down included; none where no limit asked for it.
  std::optional<std::uint64_t> requests_of_month(const tenant_id& tenant, std::uint32_t month) const;

  /// What was counted since the last call, a part per call so that an entry stays small.
  std::vector<count_reads_op::line> take(std::size_t tenants_max);
  /// The same of one tenant; none when nothing was.
  std::optional<count_reads_op::line> take_one(const tenant_id& tenant);
  /// Forgets who has asked for nothing since the last call. Only when all that was taken is written down: the month goes on from
  /// what is written.
  void forget_idle();
  std::size_t size() const;

 private:
  struct counts {
    std::uint64_t searches = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint32_t month = 0;  ///< of the next one; 0: nobody asked for it yet
    std::uint64_t month_requests = 0;
    bool listed = false;  ///< in `changed`
    bool in_use = true;   ///< since the last look for idle ones
  };
  struct part {
    mutable std::mutex lock;
    std::unordered_map<tenant_id, counts> tenants;
    std::vector<tenant_id> changed;  ///< with something to take, unless it was taken alone
  };
  part& part_of(const tenant_id& tenant) { return parts_[std::hash<tenant_id>{}(tenant) % parts_.size()]; }
  const part& part_of(const tenant_id& tenant) const { return parts_[std::hash<tenant_id>{}(tenant) % parts_.size()]; }
  static counts& touch(part& p, const tenant_id& tenant);
  static std::optional<count_reads_op::line> taken_from(counts& c, const tenant_id& tenant);
  std::array<part, 16> parts_;
};

}  // namespace waggle
