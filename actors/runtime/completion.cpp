#include "actors/runtime/completion.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "actors/runtime/scheduler.hpp"

namespace waggle {

namespace asio = boost::asio;

completion::~completion() = default;

void completion::filled() {
  const auto left = missing_.load(std::memory_order_relaxed) - 1;
  missing_.store(left, std::memory_order_release);
  if (left || !timer_) return;
  if (home_ && home_ == worker::current()) {
    timer_->cancel();
  } else {
    // Under the lock: while timer_ is set the waiting frame lives, and so does its executor's context.
    asio::post(executor_, [self = shared_from_this()] { self->wake(); });
  }
}

void completion::wake() {
  std::lock_guard guard(lock_);
  if (timer_) timer_->cancel();
}

bool completion::begin_wait(asio::steady_timer& timer, const asio::any_io_executor& executor) {
  std::lock_guard guard(lock_);
  if (ready()) return false;
  timer_ = &timer;
  executor_ = executor;
  home_ = worker::current();
  return true;
}

void completion::end_wait() {
  std::lock_guard guard(lock_);
  timer_ = nullptr;
  closed_ = true;
}

// A timer that is cancelled is the one waiting thing of Asio that lives in the coroutine's own context: when the context goes,
// the frame goes with it, on its own thread, and `end_wait` cuts the tie to those who still owe an answer.
asio::awaitable<void> completion::wait(std::shared_ptr<completion> self, int deadline_ms) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  if (deadline_ms == no_deadline)
    timer.expires_at(asio::steady_timer::time_point::max());
  else
    timer.expires_after(std::chrono::milliseconds(deadline_ms));
  if (!self->begin_wait(timer, executor)) co_return;
  struct tie {
    completion& c;
    ~tie() { c.end_wait(); }
  } cut{*self};
  boost::system::error_code ignored;  // cancelled = answered, or the coroutine itself was cancelled
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace waggle
