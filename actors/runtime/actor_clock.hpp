#pragma once
// The clock behind request timeouts and delayed sends: one ordered table and one Asio timer on the first worker. Owned by
// `runtime`; any thread may call it. CAF's own clock blocks its callers when 64 events wait for its thread; this one doesn't.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/abstract_actor.hpp>
#include <caf/actor_clock.hpp>
#include <caf/group.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace waggle {

class scheduler;

class asio_actor_clock final : public caf::actor_clock {
 public:
  asio_actor_clock(scheduler& workers, boost::asio::io_context& context);

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) override;
  void cancel_all() override;

  /// Drops everything and takes nothing more. The timer must not outlive its io_context: call before that goes.
  void shut();
  std::size_t pending() const;

 private:
  enum class kind : std::uint8_t { ordinary, multi, request, message, group_message };
  struct entry {
    kind what;
    std::uint64_t key = 0;  ///< timeout type, or message id of a request
    std::uint64_t id = 0;
    caf::strong_actor_ptr actor;  ///< receiver; sender of a group message
    caf::mailbox_element_ptr content;
    caf::group target;
    caf::message body;
  };
  using table = std::multimap<time_point, entry>;
  using dropped = std::vector<table::node_type>;  ///< destroyed after unlocking: a last reference may end an actor

  void add(time_point t, entry e);
  void cancel(caf::actor_id who, kind what, std::uint64_t key, dropped& out);
  void arm_locked(time_point t);
  void arm_timer(time_point t);
  void fire();
  static void ship(entry& e);

  scheduler& workers_;
  mutable std::mutex lock_;
  table due_;
  std::unordered_multimap<caf::actor_id, table::iterator> by_actor_;
  time_point armed_ = time_point::max();  ///< the timer fires then or earlier
  bool shut_ = false;
  boost::asio::io_context* context_;
  // touched on the first worker's thread only
  std::optional<boost::asio::steady_timer> timer_;
  bool waiting_ = false;
};

}  // namespace waggle
