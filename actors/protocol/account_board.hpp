#pragma once
// The newest account of every tenant that asks or writes: put there by the replication group before it answers a writer, when
// the store has it already; read by whoever admits or reports. Those of idle tenants are forgotten: the store has them. Any thread.
#include <array>
#include <iterator>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "storage/apply/records.hpp"

namespace waggle {

class account_board {
 public:
  void put(const tenant_id& owner, tenant_record record) {
    auto& part = part_of(owner);
    std::lock_guard guard(part.lock);
    part.accounts.insert_or_assign(owner, entry{std::move(record)});
  }
  /// What was read from disk: anything the group has put is newer. Gives the one that holds.
  tenant_record put_if_absent(const tenant_id& owner, tenant_record record) {
    auto& part = part_of(owner);
    std::lock_guard guard(part.lock);
    auto& found = part.accounts.try_emplace(owner, entry{std::move(record)}).first->second;
    found.in_use = true;
    return found.account;
  }
  std::optional<tenant_record> find(const tenant_id& owner) {
    auto& part = part_of(owner);
    std::lock_guard guard(part.lock);
    const auto* found = part.use(owner);
    return found ? std::optional(*found) : std::nullopt;
  }
  /// Cheap: every answer to a tenant says it.
  std::optional<std::uint64_t> bytes_of(const tenant_id& owner) {
    auto& part = part_of(owner);
    std::lock_guard guard(part.lock);
    const auto* found = part.use(owner);
    return found ? std::optional(found->now.bytes) : std::nullopt;
  }
  /// Forgets whom nobody has asked for since the last call.
  void forget_idle() {
    for (auto& part : parts_) {
      std::lock_guard guard(part.lock);
      for (auto one = part.accounts.begin(); one != part.accounts.end();)
        one = std::exchange(one->second.in_use, false) ? std::next(one) : part.accounts.erase(one);
    }
  }
  std::size_t size() const {
    std::size_t n = 0;
    for (const auto& part : parts_) {
      std::lock_guard guard(part.lock);
      n += part.accounts.size();
    }
    return n;
  }
  /// Calls `visit(owner, account)` for all; it must not come back here.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& part : parts_) {
      std::lock_guard guard(part.lock);
      for (const auto& [owner, one] : part.accounts) visit(owner, one.account);
    }
  }

 private:
  struct entry {
    tenant_record account;
    bool in_use = true;  ///< since the last look for idle ones
  };
  struct part {
    mutable std::mutex lock;
    std::unordered_map<tenant_id, entry> accounts;
    const tenant_record* use(const tenant_id& owner) {
      const auto it = accounts.find(owner);
      if (it == accounts.end()) return nullptr;
      it->second.in_use = true;
      return &it->second.account;
    }
  };
  part& part_of(const tenant_id& owner) { return parts_[std::hash<tenant_id>{}(owner) % parts_.size()]; }
  std::array<part, 16> parts_;
};

}  // namespace waggle
