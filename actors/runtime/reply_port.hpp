#pragma once
// The ephemeral actor that stands for a waiting coroutine: who replies to it fills the coroutine's `completion`. Not scheduled,
// not counted, not to be monitored or linked to: it has no thread of its own, `enqueue` runs on the replier's. CAF may call
// that from several threads (a late reply beside the bounce of a dying actor); `answers` keeps the first.
#include <caf/abstract_actor.hpp>
#include <caf/actor_system.hpp>
#include <memory>

#include "actors/runtime/completion.hpp"

namespace waggle {

/// Reads a reply for `part` of `to`; null: no reply will ever come.
using deliver_fn = void (*)(completion& to, std::size_t part, caf::mailbox_element* reply);

class reply_port final : public caf::abstract_actor {
 public:
  static caf::strong_actor_ptr make(caf::actor_system& sys);
  static reply_port& of(const caf::strong_actor_ptr& port) { return static_cast<reply_port&>(*port->get()); }

  explicit reply_port(caf::actor_config& cfg) : abstract_actor(cfg) {}
  /// Says where replies go, those too that have come already. Once.
  void bind(std::shared_ptr<completion> to, std::size_t part, deliver_fn deliver);

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override;
  /// The last one who could have replied has let go of its promise.
  void on_destroy() override;
  /// Whoever monitors a port learns at once that it is as good as gone.
  void attach(caf::attachable_ptr who) override;
  std::size_t detach(const caf::attachable::token&) override { return 0; }
  void add_link(caf::abstract_actor*) override {}
  void remove_link(caf::abstract_actor*) override {}
  bool add_backlink(caf::abstract_actor*) override { return false; }
  bool remove_backlink(caf::abstract_actor*) override { return false; }

 private:
  spin_lock lock_;
  caf::mailbox_element_ptr early_;  ///< a reply that came before `bind`
  bool answered_ = false;
  std::shared_ptr<completion> to_;  ///< constant once set, as the next two
  std::size_t part_ = 0;
  deliver_fn deliver_ = nullptr;
};

}  // namespace waggle
