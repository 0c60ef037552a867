#include "actors/runtime/ask.hpp"

#include <algorithm>
#include <atomic>
#include <caf/abstract_actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/attachable.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_actor.hpp>
#include <caf/sec.hpp>
#include <string>

#include "base/limits.hpp"

namespace waggle {

failure from_caf(const caf::error& why) {
  if (why == caf::sec::request_timeout) return failure(ec::deadline_exceeded);
  if (why == caf::sec::request_receiver_down || why.category() == caf::atom("exit")) return failure(ec::tenant_unavailable);
  return failure::internal("actor replied with " + caf::to_string(why));
}

namespace ask_detail {

namespace {

// Not scheduled, not counted, not to be monitored or linked to: it has no thread of its own, `enqueue` runs on the replier's.
// CAF may call that from several threads (a late reply beside the bounce of a dying actor); `answers` keeps the first.
class reply_port final : public caf::abstract_actor {
 public:
  reply_port(caf::actor_config& cfg, std::shared_ptr<completion> to, std::size_t part, deliver_fn deliver)
      : abstract_actor(cfg), to_(std::move(to)), part_(part), deliver_(deliver) {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    if (!what->mid.is_response()) return;
    answered_.store(true, std::memory_order_relaxed);
    deliver_(*to_, part_, what.get());
  }
  // The last one who could have replied has let go of its promise.
  void on_destroy() override {
    if (!answered_.load(std::memory_order_relaxed)) deliver_(*to_, part_, nullptr);
  }
  // Whoever monitors a port learns at once that it is as good as gone.
  void attach(caf::attachable_ptr who) override { who->actor_exited(caf::make_error(caf::exit_reason::normal), nullptr); }
  std::size_t detach(const caf::attachable::token&) override { return 0; }
  void add_link(caf::abstract_actor*) override {}
  void remove_link(caf::abstract_actor*) override {}
  bool add_backlink(caf::abstract_actor*) override { return false; }
  bool remove_backlink(caf::abstract_actor*) override { return false; }

 private:
  std::shared_ptr<completion> to_;
  std::size_t part_;
  deliver_fn deliver_;
  std::atomic<bool> answered_{false};
};

}  // namespace

caf::strong_actor_ptr make_reply_port(caf::actor_system& sys, std::shared_ptr<completion> to, std::size_t part,
                                      deliver_fn deliver) {
  caf::actor_config cfg;
  return caf::make_actor<reply_port, caf::strong_actor_ptr>(sys.next_actor_id(), sys.node(), &sys, cfg, std::move(to),
                                                            part, deliver);
}

failure read_other_reply(const caf::mailbox_element* reply) {
  if (!reply) return failure::internal("the actor dropped a request without a reply");
  const auto& content = reply->content();
  if (content.size() == 1 && content.match_element<caf::error>(0)) return from_caf(content.get_as<caf::error>(0));
  return failure::internal("an actor replied with an unexpected type: " + content.stringify());
}

int clamp_deadline(int deadline_ms) { return std::min(deadline_ms, limits::ask_deadline_ms_max); }

}  // namespace ask_detail

}  // namespace waggle
