#include "net/usage/usage_writer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <future>

#include "base/uuid.hpp"

namespace waggle {
namespace {
constexpr std::chrono::milliseconds beat_every{1000};
constexpr std::chrono::seconds stop_wait_max{5};
constexpr std::size_t tenants_per_entry = 1000;
}  // namespace

void usage_writer::start() { boost::asio::co_spawn(rt_.context(0), beat(), boost::asio::detached); }

boost::asio::awaitable<void> usage_writer::beat() {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  while (!stopping_) {
    timer.expires_after(beat_every);
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_await flush();
  }
}

boost::asio::awaitable<bool> usage_writer::flush() {
  std::vector<unconfirmed> all;
  {
    const std::lock_guard guard(lock_);
    all.swap(waiting_);
  }
  for (;;) {
    unconfirmed next;
    next.op.lines = meter_.take(tenants_per_entry);
    if (next.op.lines.empty()) break;
    next.id.bytes = random_uuid_v4();
    const bool last = next.op.lines.size() < tenants_per_entry;  // else a busy node would never get out of here
    all.push_back(std::move(next));
    if (last) break;
  }
  bool everything = true;
  for (auto& one : all) everything = co_await write(std::move(one)) && everything;
  co_return everything;
}

boost::asio::awaitable<bool> usage_writer::write(unconfirmed what) {
  std::vector<operation> ops{what.op};
  const tenant_id nobody;
  const auto done = co_await book_.enter(nobody, std::move(ops), what.id);
  if (done) co_return true;
  const std::lock_guard guard(lock_);
  waiting_.push_back(std::move(what));
  co_return false;
}

void usage_writer::stop() {
  if (stopping_.exchange(true)) return;
  auto done = std::make_shared<std::promise<void>>();
  auto flushed = done->get_future();
  boost::asio::co_spawn(rt_.context(0), flush(), [done](std::exception_ptr, bool) { done->set_value(); });
  flushed.wait_for(stop_wait_max);
}

}  // namespace waggle
