#pragma once
// The newest account of every tenant that was loaded or written to: put there by the replication group before it answers a
// writer, read by whoever admits or reports. Any thread.
#include <array>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "storage/apply/records.hpp"

namespace waggle {

class account_board {
 public:
  void put(const tenant_id& owner, tenant_record record) {
    auto& part = part_of(owner);
    std::lock_guard guard(part.lock);
    part.accounts.insert_or_assign(owner, std::move(record));
  }
  /// What was read from disk: anything the group has put is newer.
  void put_if_absent(const tenant_id& owner, tenant_record record) {
    auto& part = part_of(owner);
    std::lock_guard guard(part.lock);
    part.accounts.try_emplace(owner, std::move(record));
  }
  std::optional<tenant_record> find(const tenant_id& owner) const {
    auto& part = part_of(owner);
    std::lock_guard guard(part.lock);
    const auto it = part.accounts.find(owner);
    return it == part.accounts.end() ? std::nullopt : std::optional(it->second);
  }
  /// Cheap: every answer to a tenant says it.
  std::optional<std::uint64_t> bytes_of(const tenant_id& owner) const {
    auto& part = part_of(owner);
    std::lock_guard guard(part.lock);
    const auto it = part.accounts.find(owner);
    return it == part.accounts.end() ? std::nullopt : std::optional(it->second.now.bytes);
  }
  /// Calls `visit(owner, account)` for all; it must not come back here.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& part : parts_) {
      std::lock_guard guard(part.lock);
      for (const auto& [owner, account] : part.accounts) visit(owner, account);
    }
  }

 private:
  struct part {
    mutable std::mutex lock;
    std::unordered_map<tenant_id, tenant_record> accounts;
  };
  part& part_of(const tenant_id& owner) { return parts_[std::hash<tenant_id>{}(owner) % parts_.size()]; }
  const part& part_of(const tenant_id& owner) const { return parts_[std::hash<tenant_id>{}(owner) % parts_.size()]; }
  std::array<part, 16> parts_;
};

}  // namespace waggle
