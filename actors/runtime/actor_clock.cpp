#include "actors/runtime/actor_clock.hpp"

#include <boost/asio/post.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>
#include <utility>

#include "actors/runtime/scheduler.hpp"

namespace waggle {

namespace asio = boost::asio;

asio_actor_clock::asio_actor_clock(scheduler& workers, asio::io_context& context)
    : workers_(workers), context_(&context), timer_(std::in_place, context) {}

void asio_actor_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                            std::uint64_t id) {
  cancel_ordinary_timeout(self, type);  // one per type
  entry e{kind::ordinary, static_cast<std::uint64_t>(type), id};
  e.actor = self->ctrl();
  add(t, std::move(e));
}

void asio_actor_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                         std::uint64_t id) {
  entry e{kind::multi, static_cast<std::uint64_t>(type), id};
  e.actor = self->ctrl();
  add(t, std::move(e));
}

void asio_actor_clock::set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) {
  entry e{kind::request, id.integer_value()};
  e.actor = self->ctrl();
  add(t, std::move(e));
}

void asio_actor_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  dropped gone;
  std::lock_guard guard(lock_);
  cancel(self->id(), kind::ordinary, static_cast<std::uint64_t>(type), gone);
}

void asio_actor_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  dropped gone;
  std::lock_guard guard(lock_);
  cancel(self->id(), kind::request, id.integer_value(), gone);
}

void asio_actor_clock::cancel_timeouts(caf::abstract_actor* self) {
  dropped gone;
  std::lock_guard guard(lock_);
  auto [from, to] = by_actor_.equal_range(self->id());
  for (auto i = from; i != to; ++i) gone.push_back(due_.extract(i->second));
  by_actor_.erase(from, to);
}

void asio_actor_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver,
                                        caf::mailbox_element_ptr content) {
  entry e{kind::message};
  e.actor = std::move(receiver);
  e.content = std::move(content);
  add(t, std::move(e));
}

void asio_actor_clock::schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                                        caf::message content) {
  entry e{kind::group_message};
  e.actor = std::move(sender);
  e.target = std::move(target);
  e.body = std::move(content);
  add(t, std::move(e));
}

void asio_actor_clock::cancel_all() {
  table gone;
  std::lock_guard guard(lock_);
  gone.swap(due_);
  by_actor_.clear();
}

void asio_actor_clock::shut() {
  {
    std::lock_guard guard(lock_);
    shut_ = true;
  }
  cancel_all();
  timer_.reset();
}

std::size_t asio_actor_clock::pending() const {
  std::lock_guard guard(lock_);
  return due_.size();
}

// `out` and `gone` are declared before the lock is taken, so they are destroyed after it is released.
void asio_actor_clock::cancel(caf::actor_id who, kind what, std::uint64_t key, dropped& out) {
  auto [from, to] = by_actor_.equal_range(who);
  for (auto i = from; i != to; ++i) {
    const entry& e = i->second->second;
    if (e.what != what || e.key != key) continue;
    out.push_back(due_.extract(i->second));
    by_actor_.erase(i);
    return;
  }
}

void asio_actor_clock::add(time_point t, entry e) {
  std::lock_guard guard(lock_);
  if (shut_) return;
  const bool indexed = e.what <= kind::request;
  const caf::actor_id who = indexed ? e.actor->id() : 0;
  auto at = due_.emplace(t, std::move(e));
  if (indexed) by_actor_.emplace(who, at);
  arm_locked(t);
}

// A cancelled timeout leaves the timer armed: it fires once for nothing, which is cheaper than arming anew for each request.
void asio_actor_clock::arm_locked(time_point t) {
  if (t >= armed_) return;
  armed_ = t;
  worker* here = workers_.here();
  if (here && &here->context() == context_)
    arm_timer(t);
  else
    asio::post(*context_, [this, t] { arm_timer(t); });
}

// On the first worker's thread. A post may arrive after a direct call that set an earlier time: that one stays. `fire` sets the
// earliest of all, so a time that was replaced is never forgotten.
void asio_actor_clock::arm_timer(time_point t) {
  if (waiting_ && timer_->expiry() <= t) return;
  waiting_ = true;
  timer_->expires_at(t);
  timer_->async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    waiting_ = false;
    fire();
  });
}

void asio_actor_clock::fire() {
  std::vector<table::node_type> expired;
  {
    std::lock_guard guard(lock_);
    const auto t = now();
    while (!due_.empty() && due_.begin()->first <= t) {
      auto first = due_.begin();
      if (first->second.what <= kind::request) {
        auto [from, to] = by_actor_.equal_range(first->second.actor->id());
        for (auto i = from; i != to; ++i)
          if (i->second == first) {
            by_actor_.erase(i);
            break;
          }
      }
      expired.push_back(due_.extract(first));
    }
    armed_ = time_point::max();
    if (!due_.empty()) arm_locked(due_.begin()->first);
  }
  scheduler::batch together(workers_);
  for (auto& node : expired) ship(node.mapped());
}

void asio_actor_clock::ship(entry& e) {
  switch (e.what) {
    case kind::ordinary:
    case kind::multi:
      e.actor->get()->eq_impl(caf::make_message_id(), e.actor, nullptr,
                              caf::timeout_msg{static_cast<caf::atom_value>(e.key), e.id});
      return;
    case kind::request:
      e.actor->get()->eq_impl(caf::message_id{e.key}, e.actor, nullptr, caf::sec::request_timeout);
      return;
    case kind::message:
      e.actor->enqueue(std::move(e.content), nullptr);
      return;
    case kind::group_message:
      e.target->eq_impl(caf::make_message_id(), std::move(e.actor), nullptr, std::move(e.body));
      return;
  }
}

}  // namespace waggle
