#include "net/usage/usage_writer.hpp"

#include <algorithm>
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
  for (std::int64_t seconds = 1; !stopping_; ++seconds) {
    timer.expires_after(beat_every);
    co_await timer.async_wait(boost::asio::use_awaitable);
    const bool everything = co_await flush();
    if (!everything || !kept().empty() || seconds < idle_seconds_) continue;
    meter_.forget_idle();
    accounts_.forget_idle();
    seconds = 0;
  }
}

boost::asio::awaitable<bool> usage_writer::flush() {
  const auto before = kept();
  for (const auto& one : before)
    if (!co_await write(one)) co_return false;
  // Each part is written before the next is taken. The last one is not full: else a busy node would never get out of here.
  for (auto next = take_some(); next; next = take_some()) {
    if (!co_await write(next)) co_return false;
    if (next->op.lines.size() < tenants_per_entry) break;
  }
  co_return true;
}

boost::asio::awaitable<bool> usage_writer::flush(tenant_id tenant) {
  const auto about = [&tenant](const count_reads_op::line& line) { return line.tenant == tenant; };
  const auto before = kept();
  for (const auto& one : before)
    if (std::any_of(one->op.lines.begin(), one->op.lines.end(), about) && !co_await write(one)) co_return false;
  const auto own = take_one(tenant);
  if (!own) co_return true;
  co_return co_await write(own);
}

usage_writer::entry usage_writer::take_some() {
  const std::lock_guard guard(lock_);
  return keep(meter_.take(tenants_per_entry));
}

usage_writer::entry usage_writer::take_one(const tenant_id& tenant) {
  const std::lock_guard guard(lock_);
  const auto line = meter_.take_one(tenant);
  return line ? keep({*line}) : nullptr;
}

/// Under lock_.
usage_writer::entry usage_writer::keep(std::vector<count_reads_op::line> lines) {
  if (lines.empty()) return nullptr;
  auto made = std::make_shared<unconfirmed>();
  made->id.bytes = random_uuid_v4();
  made->op.lines = std::move(lines);
  for (auto& line : made->op.lines) line.cpu_us = rt_.take_cpu_us(line.tenant);
  unconfirmed_.push_back(made);
  return made;
}

std::vector<usage_writer::entry> usage_writer::kept() const {
  const std::lock_guard guard(lock_);
  return unconfirmed_;
}

boost::asio::awaitable<bool> usage_writer::write(entry what) {
  std::vector<operation> ops{what->op};
  const tenant_id nobody;
  const auto done = co_await book_.enter(nobody, std::move(ops), what->id);
  if (!done) co_return false;
  const std::lock_guard guard(lock_);
  std::erase(unconfirmed_, what);
  co_return true;
}

void usage_writer::stop() {
  if (stopping_.exchange(true)) return;
  auto done = std::make_shared<std::promise<void>>();
  auto flushed = done->get_future();
  boost::asio::co_spawn(rt_.context(0), flush(), [done](std::exception_ptr, bool) { done->set_value(); });
  flushed.wait_for(stop_wait_max);
}

}  // namespace waggle
