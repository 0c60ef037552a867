#pragma once
// From actor to actor: `ask_actor` one, `gather` from many. The only callers of `self->request`: a request without a deadline
// or without an error handler can't be written with these. Call from a handler of `self`; the callbacks run in `self`, once,
// unless `self` ends first: then never.
#include <algorithm>
#include <caf/scheduled_actor.hpp>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "actors/runtime/ask.hpp"

namespace waggle {

/// `on_ok(Reply&)` (`on_ok()` for void) or `on_err(const failure&)`. The actor replies with `result<Reply>`. `deadline_ms` from 1.
template <class Reply, class Self, class Handle, class Request, class Ok, class Err>
void ask_actor(Self* self, const Handle& to, Request request, int deadline_ms, Ok on_ok, Err on_err) {
  ask_detail::check_interface<Reply, Handle, Request>();
  struct callbacks {
    Ok ok;
    Err err;
  };
  auto then = std::make_shared<callbacks>(callbacks{std::move(on_ok), std::move(on_err)});
  const auto timeout = std::chrono::milliseconds(ask_detail::clamp_deadline(std::max(1, deadline_ms)));
  auto pending = self->request(to, timeout, std::move(request));
  // CAF leaves the timeout of an answered request in its clock until it is due: thirty seconds of dead entries.
  auto settle = [self, id = pending.id()] { self->clock().cancel_request_timeout(self, id); };
  pending.then(
      [then, settle](result<Reply>& reply) {
        settle();
        if (!reply) {
          const failure why = reply.error();
          return then->err(why);
        }
        if constexpr (std::is_void_v<Reply>)
          then->ok();
        else
          then->ok(*reply);
      },
      [then, settle, nobody = !to](caf::error& why) {
        settle();
        const failure f = nobody ? failure(ec::tenant_unavailable) : from_caf(why);
        then->err(f);
      });
}

/// The same request to each of `to`; `on_all(std::vector<result<Reply>>)` once, in the order of `to`, when each has replied or
/// failed. With no handles it is called at once.
template <class Reply, class Self, class Handle, class Request, class All>
void gather(Self* self, const std::vector<Handle>& to, const Request& request, int deadline_ms, All on_all) {
  struct collected {
    std::vector<result<Reply>> replies;
    std::size_t missing;
    All on_all;
  };
  if (to.empty()) {
    on_all(std::vector<result<Reply>>{});
    return;
  }
  auto all = std::make_shared<collected>(collected{{}, to.size(), std::move(on_all)});
  all->replies.assign(to.size(), result<Reply>(failure(ec::deadline_exceeded)));
  auto put = [all](std::size_t i, result<Reply> value) {
    all->replies[i] = std::move(value);
    if (--all->missing == 0) all->on_all(std::move(all->replies));
  };
  for (std::size_t i = 0; i < to.size(); ++i) {
    auto failed = [put, i](const failure& why) { put(i, why); };
    if constexpr (std::is_void_v<Reply>)
      ask_actor<Reply>(self, to[i], Request(request), deadline_ms, [put, i] { put(i, {}); }, failed);
    else
      ask_actor<Reply>(
          self, to[i], Request(request), deadline_ms, [put, i](Reply& value) { put(i, std::move(value)); }, failed);
  }
}

}  // namespace waggle
