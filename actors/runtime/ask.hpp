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
#include <optional>
#include <type_traits>
#include <vector>

#include "actors/runtime/completion.hpp"
#include "actors/runtime/direct_call.hpp"
#include "actors/runtime/message.hpp"
#include "actors/runtime/runtime.hpp"

namespace waggle {

/// ec::deadline_exceeded, ec::tenant_unavailable (the receiver is gone) or ec::internal_error with log text.
failure from_caf(const caf::error& why);

namespace ask_detail {

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

template <class Reply, class Request>
void send(caf::actor_system& sys, caf::actor_control_block* to, Request request,
          const std::shared_ptr<answers<Reply>>& set, std::size_t part) {
  auto port = reply_port::make(sys);
  reply_port::of(port).bind(set, part, &deliver<Reply>);
  to->enqueue(caf::make_mailbox_element(std::move(port), caf::make_message_id(1), {}, std::move(request)), nullptr);
}

/// Takes what a handler returns.
template <class Reply>
class returned final : public caf::detail::invoke_result_visitor {
 public:
  void operator()() override {}  // a promise, or delegated
  void operator()(caf::error& why) override { value.emplace(from_caf(why)); }
  void operator()(const caf::none_t&) override { value.emplace(failure::internal("an actor replied with nothing")); }
  void operator()(caf::message& reply) override {
    if (reply.match_elements<result<Reply>>())
      value.emplace(std::move(reply.get_mutable_as<result<Reply>>(0)));
    else
      value.emplace(failure::internal("an actor replied with an unexpected type: " + caf::to_string(reply)));
  }
  std::optional<result<Reply>> value;
};

/// Runs the handler here if the actor is idle. The answer; or none: then `set` is where it will come, or, if that is null, the
/// request has to be sent.
template <class Reply, class Request>
std::optional<result<Reply>> call(runtime& rt, caf::actor_control_block* to, Request& request,
                                  std::shared_ptr<answers<Reply>>& set) {
  direct_call here(rt.internal_scheduler(), to);
  if (!here) return std::nullopt;
  caf::mailbox_element_vals<Request> element(caf::strong_actor_ptr(here.port()), caf::make_message_id(1), {},
                                             std::move(request));
  returned<Reply> answer;
  if (!here.run(element, answer)) {
    request = std::move(std::get<0>(element.data()));
    return std::nullopt;
  }
  if (answer.value) return std::move(answer.value);
  set = std::make_shared<answers<Reply>>(1);
  here.answer_later(element, set, &deliver<Reply>);
  return std::nullopt;
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
  auto* receiver = caf::actor_cast<caf::actor_control_block*>(to);
  if (!receiver) co_return failure(ec::tenant_unavailable);
  std::shared_ptr<answers<Reply>> set;
  auto at_once = ask_detail::call<Reply>(rt, receiver, request, set);
  if (at_once) co_return std::move(*at_once);
  if (!set) {
    set = std::make_shared<answers<Reply>>(1);
    ask_detail::send<Reply>(rt.system(), receiver, std::move(request), set, 0);
  }
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
    for (std::size_t i = 0; i < to.size(); ++i) {
      auto* receiver = caf::actor_cast<caf::actor_control_block*>(to[i]);
      if (receiver)
        ask_detail::send<Reply>(rt.system(), receiver, Request(request), set, i);
      else
        set->put(i, failure(ec::tenant_unavailable));
    }
  }
  if (!set->ready()) co_await completion::wait(set, ask_detail::clamp_deadline(deadline_ms));
  co_return set->take(failure(ec::deadline_exceeded));
}

}  // namespace waggle
