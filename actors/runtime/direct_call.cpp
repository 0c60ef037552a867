#include "actors/runtime/direct_call.hpp"

#include <caf/actor_system.hpp>
#include <caf/sec.hpp>
#include <utility>

#include "actors/runtime/actor_parts.hpp"

namespace waggle {
namespace {

// Making a port costs as much as a call. One that nobody knows any more serves the next call of its thread.
thread_local caf::strong_actor_ptr t_spare_port;

bool nobody_knows(const caf::strong_actor_ptr& port) {
  return port->strong_refs.load(std::memory_order_acquire) == 1 && port->weak_refs.load(std::memory_order_acquire) == 1;
}

}  // namespace

direct_call::direct_call(scheduler& owner, caf::actor_control_block* to) : turn_(owner) {
  auto* self = scheduled_part_of(to->get());
  constexpr int own_ways = caf::abstract_actor::is_detached_flag | caf::abstract_actor::has_timeout_flag;
  if (!self || self->getf(own_ways) || !self->mailbox().blocked()) return;
  if (!turn_.take(self) || !self->mailbox().try_unblock()) return;
  self_ = self;
  port_ = std::exchange(t_spare_port, nullptr);
  if (!port_) port_ = reply_port::make(*to->home_system);
}

direct_call::~direct_call() {
  if (!self_) return;
  if (port_ && nobody_knows(port_)) t_spare_port = std::move(port_);
  // An actor that has ended closed its mailbox: nobody will wake it.
  if (self_->mailbox().closed() || self_->mailbox().try_block()) return;
  caf::intrusive_ptr_add_ref(self_->ctrl());
  turn_.here().exec_later(self_);
}

bool direct_call::run(caf::mailbox_element& request, caf::detail::invoke_result_visitor& answer) {
  if (!self_->activate(&turn_.here())) {
    caf::error ended = caf::sec::request_receiver_down;
    answer(ended);
    return true;
  }
  // A handler that awaits one certain message.
  if (self_->bhvr_stack().empty() || &self_->current_behavior() != &self_->bhvr_stack().back()) return false;
  self_->current_mailbox_element(&request);
  bool handled = true;
  try {
    handled = self_->bhvr_stack().back()(answer, request.content()) == caf::match_case::match;
  } catch (...) {
    caf::error bug = caf::sec::runtime_error;
    answer(bug);
    self_->quit(bug);
  }
  self_->current_mailbox_element(nullptr);
  self_->bhvr_stack().cleanup();
  self_->finalize();
  return handled;
}

void direct_call::answer_later(const caf::mailbox_element& request, std::shared_ptr<completion> to, deliver_fn deliver) {
  if (request.sender) return deliver(*to, 0, nullptr);  // not moved into a promise
  reply_port::of(port_).bind(std::move(to), 0, deliver);
  port_ = nullptr;
}

}  // namespace waggle
