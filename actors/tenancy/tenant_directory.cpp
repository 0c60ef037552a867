#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <unordered_map>
#include <unordered_set>

#include "actors/runtime/ask_actor.hpp"
#include "actors/tenancy/tenant_state.hpp"
#include "base/log.hpp"

namespace waggle {
namespace {
constexpr int inner_deadline_ms = limits::ask_deadline_ms_max;

class directory_state final : public tenant_directory_actor::base {
 public:
  directory_state(caf::actor_config& cfg, node_services& node, replication_group_actor group)
      : tenant_directory_actor::base(cfg), node_(node), group_(std::move(group)) {
    set_down_handler([this](caf::down_msg& m) { ended(m); });
  }

  behavior_type make_behavior() override {
    return {
        [this](const open_tenant& m) { return open(m.who.tenant()); },
        [this](const hibernate_tenant& m) { return tell(m.owner, hibernate{}); },
        [this](const wake_tenant& m) -> result<bool> {
          const auto woken = open(m.owner);
          return woken ? result<bool>(true) : result<bool>(woken.error());
        },
        [this](const which_are_awake& m) -> result<std::vector<bool>> {
          std::vector<bool> awake;
          for (const auto& tenant : *m.tenants) awake.push_back(tenants_.contains(tenant));
          return awake;
        },
        [this](const bar_tenant& m) {
          barred_.insert(m.owner);
          return tell(m.owner, close_door{});
        },
        [this](const end_tenant& m) { return end(m.owner); },
        [this](const admit_tenant& m) -> result<bool> {
          barred_.erase(m.owner);
          return true;
        },
    };
  }

  /// Ended, not only forgotten: the deadlines of requests hold their actors for up to 30 s.
  void on_exit() override {
    for (auto& [owner, tenant] : tenants_) caf::anon_send_exit(tenant, caf::exit_reason::user_shutdown);
    tenants_.clear();
  }

  const char* name() const override { return "tenant_directory"; }

 private:
  using promise = caf::typed_response_promise<result<bool>>;

  result<tenant_actor> open(const tenant_id& owner) {
    if (const auto it = tenants_.find(owner); it != tenants_.end()) return it->second;
    if (barred_.contains(owner)) return failure(ec::tenant_not_found);
    const auto tenant = spawn_tenant(node_, group_, owner);
    monitor(tenant);
    owners_.emplace(tenant.address(), owner);
    tenants_.emplace(owner, tenant);
    return tenant;
  }

  /// True at once for a tenant that sleeps.
  template <class Request>
  promise tell(const tenant_id& owner, Request request) {
    auto reply = make_response_promise<result<bool>>();
    const auto it = tenants_.find(owner);
    if (it == tenants_.end()) {
      reply.deliver(result<bool>(true));
      return reply;
    }
    ask_actor<bool>(
        this, it->second, std::move(request), inner_deadline_ms,
        [reply](bool done) mutable { reply.deliver(result<bool>(done)); },
        [reply](const failure& why) mutable { reply.deliver(result<bool>(why)); });
    return reply;
  }

  promise end(const tenant_id& owner) {
    auto reply = make_response_promise<result<bool>>();
    const auto it = tenants_.find(owner);
    if (it == tenants_.end()) {
      reply.deliver(result<bool>(true));
      return reply;
    }
    ending_.emplace(owner, reply);
    caf::anon_send_exit(it->second, caf::exit_reason::user_shutdown);
    return reply;
  }

  void ended(const caf::down_msg& m) {
    const auto known = owners_.find(m.source);
    if (known == owners_.end()) return;
    const auto owner = known->second;
    owners_.erase(known);
    tenants_.erase(owner);
    const auto [first, last] = ending_.equal_range(owner);
    // A fault otherwise: the next request activates the tenant again, from disk, the same path as at boot.
    if (first == last && m.reason) log_event(log_level::error, "tenant", "tenant actor ended", {{"tenant", to_string(owner)}});
    for (auto it = first; it != last; ++it) it->second.deliver(result<bool>(true));
    ending_.erase(owner);
  }

  node_services& node_;
  replication_group_actor group_;
  std::unordered_map<tenant_id, tenant_actor> tenants_;
  std::unordered_map<caf::actor_addr, tenant_id> owners_;
  std::unordered_set<tenant_id> barred_;
  std::unordered_multimap<tenant_id, promise> ending_;
};

}  // namespace

tenant_directory_actor spawn_tenant_directory(node_services& node, replication_group_actor group) {
  return node.rt.system().spawn<directory_state>(std::ref(node), std::move(group));
}

}  // namespace waggle
