#pragma once
// Who runs next: one FIFO per tenant, served by deficit round robin over measured time (Shreedhar & Varghese 1995), with the
// "new flows first" list of FQ-CoDel (RFC 8290 §4.2), so that a tenant that was quiet needn't wait for a whole round.
// Pure core: no clock, no threads, owns no item. The scheduler calls it under its lock.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/runtime/types.hpp"
#include "base/ids.hpp"

namespace caf {
class resumable;
}

namespace waggle {

class ready_queue {
 public:
  using time_point = std::chrono::steady_clock::time_point;

 private:
  struct node {
    caf::resumable* what;
    node* next;
    time_point since;
  };

 public:
  /// One tenant's place. Kept for as long as its CPU total is, about 100 bytes; an idle one holds no queue memory.
  class flow {
   public:
    std::size_t depth() const { return depth_; }
    std::uint64_t cpu_ns() const { return cpu_ns_; }
    tenant_time spent() const { return {cpu_ns_ / 1000, waited_ns_ / 1000}; }
    tenant_id tenant;       ///< whose it is; nil: the system's
    std::size_t slice = 0;  ///< messages per resume, set and adapted by the scheduler
    std::int64_t job_ns = 0;  ///< what its jobs take, lately; kept by the scheduler
    std::uint64_t taken_us = 0;  ///< of its time, by who bills it

   private:
    friend class ready_queue;
    enum class place : std::uint8_t { idle, fresh, ring };
    node* head_ = nullptr;
    node* tail_ = nullptr;
    flow* next_ = nullptr;
    std::uint32_t depth_ = 0;
    std::uint32_t running_ = 0;
    std::int64_t deficit_ns_ = 0;
    std::int64_t quantum_ns_ = 0;
    double left_round_ = 0;  ///< when it went idle
    std::uint64_t cpu_ns_ = 0;
    std::uint64_t waited_ns_ = 0;  ///< of all its items together
    place place_ = place::idle;
  };
  struct picked {
    caf::resumable* what = nullptr;
    flow* owner = nullptr;
    std::int64_t waited_ns = 0;
  };

  /// The system's own flow has this many quanta per round: raft, the ledger and other actors of the node serve every tenant.
  static constexpr std::int64_t system_weight = 4;

  ready_queue(std::int64_t quantum_ns, std::size_t slice);
  ~ready_queue();
  ready_queue(const ready_queue&) = delete;
  ready_queue& operator=(const ready_queue&) = delete;

  /// Finds or makes; stays valid until `forget`.
  flow& flow_of(const tenant_id& tenant);
  const flow* find(const tenant_id& tenant) const;
  flow& system() { return system_; }
  const flow& system() const { return system_; }

  void push(flow& owner, caf::resumable* what, time_point now = {});
  /// Empty when nothing is ready. Each picked item must be followed by one `charge` of its owner.
  picked pop(time_point now = {});
  /// The item ran for `ns`. A job may cost more than the quantum: then its tenant is in debt and waits longer.
  void charge(flow& owner, std::int64_t ns);
  /// Time spent for a tenant outside of the queue, e.g. parsing its request; and waited.
  void charge_extra(flow& owner, std::int64_t ns, std::int64_t waited_ns = 0);
  /// Drops the total of a tenant that is gone; false while it has something queued or running.
  bool forget(const tenant_id& tenant);

  std::size_t depth() const { return depth_; }
  std::size_t active() const { return fresh_.count + ring_.count; }
  std::size_t known() const { return flows_.size(); }
  std::vector<std::pair<tenant_id, tenant_time>> totals() const;

 private:
  struct list {
    flow* head = nullptr;
    flow* tail = nullptr;
    std::size_t count = 0;
    void push(flow& f);
    flow& pop();
  };
  void activate(flow& f);
  void join_ring(flow& f);
  node* make_node(caf::resumable* what, time_point now);
  void drop_node(node* n);

  static constexpr std::size_t spare_nodes_max = 1024;
  const std::int64_t quantum_ns_;
  const std::size_t slice_;
  double round_ = 0;  ///< how often every flow of the ring got a quantum
  std::size_t depth_ = 0;
  list fresh_;
  list ring_;
  flow system_;
  std::unordered_map<tenant_id, flow> flows_;
  node* spare_ = nullptr;
  std::size_t spare_count_ = 0;
};

}  // namespace waggle
