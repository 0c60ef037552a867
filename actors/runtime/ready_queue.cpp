#include "actors/runtime/ready_queue.hpp"

#include <algorithm>

namespace waggle {

void ready_queue::list::push(flow& f) {
  f.next_ = nullptr;
  (tail ? tail->next_ : head) = &f;
  tail = &f;
  ++count;
}

ready_queue::flow& ready_queue::list::pop() {
  flow& f = *head;
  head = f.next_;
  if (!head) tail = nullptr;
  --count;
  return f;
}

ready_queue::ready_queue(std::int64_t quantum_ns, std::size_t slice) : quantum_ns_(quantum_ns), slice_(slice) {
  system_.quantum_ns_ = system_.deficit_ns_ = quantum_ns * system_weight;
  system_.slice = slice;
}

ready_queue::~ready_queue() {
  while (pop().what) {
  }
  for (node* n = spare_; n;) delete std::exchange(n, n->next);
}

ready_queue::flow& ready_queue::flow_of(const tenant_id& tenant) {
  auto [it, made] = flows_.try_emplace(tenant);
  if (made) {
    it->second.tenant = tenant;
    it->second.quantum_ns_ = it->second.deficit_ns_ = quantum_ns_;
    it->second.left_round_ = round_;
    it->second.slice = slice_;
  }
  return it->second;
}

const ready_queue::flow* ready_queue::find(const tenant_id& tenant) const {
  auto it = flows_.find(tenant);
  return it == flows_.end() ? nullptr : &it->second;
}

ready_queue::node* ready_queue::make_node(caf::resumable* what, time_point now) {
  if (!spare_) return new node{what, nullptr, now};
  node* n = std::exchange(spare_, spare_->next);
  --spare_count_;
  *n = {what, nullptr, now};
  return n;
}

void ready_queue::drop_node(node* n) {
  if (spare_count_ == spare_nodes_max) {
    delete n;
    return;
  }
  n->next = std::exchange(spare_, n);
  ++spare_count_;
}

// A flow that comes back gets the quanta of the rounds that it missed, but saves up no more than one: debt survives a pause
// (or a tenant that sends one long job at a time would never pay), credit does not.
void ready_queue::activate(flow& f) {
  const double missed = (round_ - f.left_round_) * static_cast<double>(f.quantum_ns_);
  f.deficit_ns_ = static_cast<std::int64_t>(
      std::min(static_cast<double>(f.quantum_ns_), static_cast<double>(f.deficit_ns_) + missed));
  // Only who has credit may overtake. Rounds stand still while `fresh_` is served, so nobody gets in here forever.
  if (f.deficit_ns_ <= 0) return join_ring(f);
  f.place_ = flow::place::fresh;
  fresh_.push(f);
}

// Whoever queues at the end of the ring waits for one round, and gets the quantum for it.
void ready_queue::join_ring(flow& f) {
  f.deficit_ns_ += f.quantum_ns_;
  f.place_ = flow::place::ring;
  ring_.push(f);
}

void ready_queue::push(flow& owner, caf::resumable* what, time_point now) {
  node* n = make_node(what, now);
  (owner.tail_ ? owner.tail_->next : owner.head_) = n;
  owner.tail_ = n;
  ++owner.depth_;
  ++depth_;
  if (owner.place_ == flow::place::idle) activate(owner);
}

ready_queue::picked ready_queue::pop(time_point now) {
  for (;;) {
    list& from = fresh_.head ? fresh_ : ring_;
    if (!from.head) return {};
    flow& f = *from.head;
    if (f.deficit_ns_ <= 0) {
      // Each pass over a flow gives it a quantum, so the passes are bounded by the time that was charged: O(1) amortised.
      if (&from == &ring_) round_ += 1.0 / static_cast<double>(ring_.count);
      from.pop();
      join_ring(f);
      continue;
    }
    node* n = f.head_;
    f.head_ = n->next;
    if (!f.head_) {
      f.tail_ = nullptr;
      from.pop();
      f.place_ = flow::place::idle;
      f.left_round_ = round_;
    }
    --f.depth_;
    --depth_;
    ++f.running_;
    picked out{n->what, &f, std::chrono::nanoseconds(now - n->since).count()};
    f.waited_ns_ += static_cast<std::uint64_t>(std::max<std::int64_t>(0, out.waited_ns));
    drop_node(n);
    return out;
  }
}

void ready_queue::charge(flow& owner, std::int64_t ns) {
  --owner.running_;
  charge_extra(owner, ns);
}

void ready_queue::charge_extra(flow& owner, std::int64_t ns, std::int64_t waited_ns) {
  owner.deficit_ns_ -= ns;
  owner.waited_ns_ += static_cast<std::uint64_t>(waited_ns);
  owner.cpu_ns_ += static_cast<std::uint64_t>(ns);
}

bool ready_queue::forget(const tenant_id& tenant) {
  auto it = flows_.find(tenant);
  if (it == flows_.end()) return true;
  if (it->second.depth_ || it->second.running_) return false;
  flows_.erase(it);
  return true;
}

std::vector<std::pair<tenant_id, tenant_time>> ready_queue::totals() const {
  std::vector<std::pair<tenant_id, tenant_time>> out;
  out.reserve(flows_.size());
  for (const auto& [tenant, f] : flows_) out.emplace_back(tenant, f.spent());
  return out;
}

}  // namespace waggle
