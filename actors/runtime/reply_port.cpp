#include "actors/runtime/reply_port.hpp"

#include <caf/attachable.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_actor.hpp>
#include <mutex>

namespace waggle {

caf::strong_actor_ptr reply_port::make(caf::actor_system& sys) {
  caf::actor_config cfg;
  return caf::make_actor<reply_port, caf::strong_actor_ptr>(sys.next_actor_id(), sys.node(), &sys, cfg);
}

void reply_port::bind(std::shared_ptr<completion> to, std::size_t part, deliver_fn deliver) {
  caf::mailbox_element_ptr early;
  {
    std::lock_guard guard(lock_);
    to_ = std::move(to);
    part_ = part;
    deliver_ = deliver;
    early = std::move(early_);
  }
  if (early) deliver_(*to_, part_, early.get());
}

void reply_port::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  if (!what->mid.is_response()) return;
  {
    std::lock_guard guard(lock_);
    answered_ = true;
    if (!to_) {
      if (!early_) early_ = std::move(what);
      return;
    }
  }
  deliver_(*to_, part_, what.get());
}

void reply_port::on_destroy() {
  if (to_ && !answered_) deliver_(*to_, part_, nullptr);
}

void reply_port::attach(caf::attachable_ptr who) {
  who->actor_exited(caf::make_error(caf::exit_reason::normal), nullptr);
}

}  // namespace waggle
