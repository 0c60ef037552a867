#include "tools/mock-hub/doors.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tools/mock-hub/event_sender.hpp"

namespace waggle::mock {
namespace {
reply reply_of(const answer& from) {
  reply r;
  r.status = from.status;
  r.body = json::serialize(from.body);
  r.retry_after_seconds = from.retry_after_seconds;
  return r;
}

/// The faults that leave no true answer: a status, a reset, silence.
std::optional<reply> end_by(const std::optional<fault>& what, bool after) {
  if (!what || what->after != after) return std::nullopt;
  reply r;
  switch (what->kind) {
    case fault_kind::status:
    case fault_kind::reject_key:
      r = reply_of(error_answer(what->status,
                                what->kind == fault_kind::status ? "injected fault" : "the service key is refused"));
      r.retry_after_seconds = what->retry_after_seconds;
      return r;
    case fault_kind::reset: r.end = reply::ending::reset; return r;
    case fault_kind::hang: r.end = reply::ending::silence; return r;
    default: return std::nullopt;
  }
}
}  // namespace

boost::asio::awaitable<reply> hub_door(hub& of, request call) {
  const auto from = of.arrive(call);
  if (from.plan.delay_ms > 0) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::chrono::milliseconds(from.plan.delay_ms));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  const auto& last = from.plan.last;
  auto out = end_by(last, false);
  if (!out) {
    out = reply_of(of.carry_out(from, call));
    for (int again = 1; again < from.plan.times; ++again) of.carry_out(from, call);
    if (auto other = end_by(last, true)) {
      out = std::move(other);
    } else if (last) {
      out->body = spoil(*last, std::move(out->body));
      out->manner = last;
    }
  }
  if (out->end == reply::ending::answer) of.answered(from, out->status);
  co_return std::move(*out);
}

boost::asio::awaitable<reply> control_door(hub& of, request call) {
  if (call.method != "POST" || call.path != "/__mock/events/send") co_return reply_of(of.control(call));
  event_push push;
  std::optional<answer> refused;
  try {
    push = of.prepare_events(call);
  } catch (const refusal& why) {
    refused = error_answer(why.status, why.what());
  }
  if (refused) co_return reply_of(*refused);
  answer sent;
  auto outcomes = co_await send_events(std::move(push));
  sent.body = std::move(outcomes);
  co_return reply_of(sent);
}

}  // namespace waggle::mock
