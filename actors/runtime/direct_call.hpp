#pragma once
// A session's request to an idle actor, run as a call: the session's worker takes the actor over, as it would to resume it, runs
// the one handler and gives the actor back. No mailbox, no message for the reply, no reply port unless the handler keeps its
// promise for later. Only where it changes nothing but the cost: nothing else is ready, the worker isn't inside an actor.
//
//   idle ──take──▶ ours ── handler ──▶ answer
//     ▲              └── who sends meanwhile only queues ──▶ give back: idle again, or ready
#include <caf/detail/invoke_result_visitor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/scheduled_actor.hpp>
#include <optional>

#include "actors/runtime/reply_port.hpp"
#include "actors/runtime/scheduler.hpp"

namespace waggle {

class direct_call {
 public:
  /// False afterwards: the request has to be sent. `to` is kept alive by the caller.
  direct_call(scheduler& owner, caf::actor_control_block* to);
  ~direct_call();
  direct_call(const direct_call&) = delete;
  direct_call& operator=(const direct_call&) = delete;
  explicit operator bool() const { return self_ != nullptr; }

  /// For the sender's place in the request.
  const caf::strong_actor_ptr& port() const { return port_; }
  /// Runs the handler. False: the actor has none for it now, nothing happened.
  bool run(caf::mailbox_element& request, caf::detail::invoke_result_visitor& answer);
  /// After a `run` without an answer: it comes to the port, or never if the handler did not keep it.
  void answer_later(const caf::mailbox_element& request, std::shared_ptr<completion> to, deliver_fn deliver);

 private:
  scheduler::turn turn_;
  caf::scheduled_actor* self_ = nullptr;
  caf::strong_actor_ptr port_;
};

}  // namespace waggle
