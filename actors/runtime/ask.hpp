#pragma once
// The bridge from a session's coroutine to actors: `ask` one, `gather` from many. Each request has a deadline and exactly one
// outcome. Call from a coroutine on a worker's context; it goes on there.
//
//   session ──request──> actor          on the session's worker, inside this call, if nothing else is due first
//      ^                   │
//      └── reply port <────┘            one per request; its end without a reply is an outcome, too
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <caf/actor_cast.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/response_type.hpp>
#include <caf/typed_actor.hpp>
#include <memory>
#include <type_traits>
#include <vector>

#include "actors/runtime/completion.hpp"
#include "actors/runtime/message.hpp"
#include "actors/runtime/runtime.hpp"

namespace waggle {

/// ec::deadline_exceeded, ec::tenant_unavailable (the receiver is gone) or ec::internal_error with log text.
failure from_caf(const caf::error& why);

namespace ask_detail {

/// Reads a reply for `part` of `to`; null: no reply will ever come.
using deliver_fn = void (*)(completion& to, std::size_t part, caf::mailbox_element* reply);

/// The ephemeral actor that stands for the waiting coroutine.
caf::strong_actor_ptr make_reply_port(caf::actor_system& sys, std::shared_ptr<completion> to, std::size_t part,
                                      deliver_fn deliver);
failure read_other_reply(const caf::mailbox_element* reply);
int clamp_deadline(int deadline_ms);

template <class Reply>
void deliver(completion& to, std::size_t part, caf::mailbox_element* reply) {
  auto& set = static_cast<answers<Reply>&>(to);
  if (reply && reply->content().size() == 1 && reply->content().match_element<result<Reply>>(0))
    set.put(part, std::move(reply->content().get_mutable_as<result<Reply>>(0)));
  else
    set.put(part, read_other_reply(reply));
}

template <class Reply, class Handle, class Request>
constexpr void check_interface() {
  using request_list = caf::detail::type_list<Request>;
  using answer = caf::response_type_unbox<caf::signatures_of_t<Handle>, request_list>;
  static_assert(answer::valid, "the actor has no handler for this request");
  if constexpr (!std::is_same_v<Handle, caf::actor>)
    static_assert(std::is_same_v<typename answer::type, caf::detail::type_list<result<Reply>>>,
                  "the actor replies with another type than result<Reply>");
}

template <class Reply, class Handle, class Request>
void send(caf::actor_system& sys, const Handle& to, Request request, const std::shared_ptr<answers<Reply>>& set,
          std::size_t part) {
  auto* receiver = caf::actor_cast<caf::actor_control_block*>(to);
  if (!receiver) {
    set->put(part, failure(ec::tenant_unavailable));
    return;
  }
  receiver->enqueue(caf::make_mailbox_element(make_reply_port(sys, set, part, &deliver<Reply>),
                                              caf::make_message_id(1), {}, std::move(request)),
                    nullptr);
}

}  // namespace ask_detail

/// Sends `request` to an actor that replies with `result<Reply>` and waits for it, `deadline_ms` at most (1 …
/// limits::ask_deadline_ms_max; larger is cut, none is an error). ec::deadline_exceeded, ec::tenant_unavailable,
/// ec::shutting_down, or what the actor replied.
template <class Reply, class Handle, class Request>
boost::asio::awaitable<result<Reply>> ask(runtime& rt, Handle to, Request request, int deadline_ms) {
  ask_detail::check_interface<Reply, Handle, Request>();
  if (rt.stopping()) co_return failure(ec::shutting_down);
  if (deadline_ms <= 0) co_return failure(ec::deadline_exceeded);
  auto set = std::make_shared<answers<Reply>>(1);
  ask_detail::send<Reply>(rt.system(), to, std::move(request), set, 0);
  if (!set->ready()) co_await completion::wait(set, ask_detail::clamp_deadline(deadline_ms));
  co_return set->take_one(ec::deadline_exceeded);
}

/// The same to each of `to`, at once; one result per handle in the same order. Those without a reply in time are
/// ec::deadline_exceeded. `request` is copied per handle.
template <class Reply, class Handle, class Request>
boost::asio::awaitable<std::vector<result<Reply>>> gather(runtime& rt, std::vector<Handle> to, Request request,
                                                          int deadline_ms) {
  ask_detail::check_interface<Reply, Handle, Request>();
  if (to.empty()) co_return std::vector<result<Reply>>{};
  auto set = std::make_shared<answers<Reply>>(to.size());
  if (rt.stopping()) co_return set->take(failure(ec::shutting_down));
  if (deadline_ms <= 0) co_return set->take(failure(ec::deadline_exceeded));
  {
    scheduler::batch together(rt.internal_scheduler());
    for (std::size_t i = 0; i < to.size(); ++i) ask_detail::send<Reply>(rt.system(), to[i], Request(request), set, i);
  }
  if (!set->ready()) co_await completion::wait(set, ask_detail::clamp_deadline(deadline_ms));
  co_return set->take(failure(ec::deadline_exceeded));
}

}  // namespace waggle
