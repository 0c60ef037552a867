#include "net/usage/operation_log.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>

#include "base/log.hpp"
#include "base/uuid.hpp"

namespace waggle {
namespace {
constexpr std::size_t batch_records_max = 200;
constexpr std::chrono::seconds pause_between{1}, pause_after_failure{5}, stop_wait_max{3};
}  // namespace

operation_log::operation_log(boost::asio::io_context& context, hub_client& hub, std::string service_id,
                             metric_registry& metrics)
    : context_(context),
      hub_(hub),
      service_id_(std::move(service_id)),
      taken_(metrics.family(metric_kind::counter, "waggle_hub_operation_records_total", "Operation records for HiveHub",
                            {"outcome"})
                 .counter({"taken"})),
      dropped_(metrics.family(metric_kind::counter, "waggle_hub_operation_records_total", "Operation records for HiveHub",
                              {"outcome"})
                   .counter({"dropped"})),
      pause_(context) {}

void operation_log::add(operation_record record) {
  record.id = new_uuid_v7();
  const std::lock_guard lock(mutex_);
  records_.push_back(std::move(record));
  if (records_.size() <= records_max) return;
  records_.pop_front();
  dropped_.add();
}

operation_log::batch operation_log::take() {
  const std::lock_guard lock(mutex_);
  const auto end = records_.begin() + static_cast<std::ptrdiff_t>(std::min(batch_records_max, records_.size()));
  batch out(std::make_move_iterator(records_.begin()), std::make_move_iterator(end));
  records_.erase(records_.begin(), end);
  return out;
}

void operation_log::put_back(batch records) {
  const std::lock_guard lock(mutex_);
  const auto room = records_max - records_.size();
  const auto lost = records.size() - std::min(room, records.size());
  dropped_.add(lost);
  records_.insert(records_.begin(), std::make_move_iterator(records.begin() + static_cast<std::ptrdiff_t>(lost)),
                  std::make_move_iterator(records.end()));
}

std::size_t operation_log::waiting() const {
  const std::lock_guard lock(mutex_);
  return records_.size();
}

void operation_log::start() {
  auto ended = std::make_shared<std::promise<void>>();
  ended_ = ended->get_future();
  boost::asio::co_spawn(context_, run(), [ended](std::exception_ptr) { ended->set_value(); });
}

boost::asio::awaitable<void> operation_log::run() {
  for (bool last = false; !last;) {
    last = stopping_;
    const bool all = co_await send_all();
    if (last || stopping_) continue;
    pause_.expires_after(all ? pause_between : pause_after_failure);
    boost::system::error_code cancelled;
    co_await pause_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  }
}

boost::asio::awaitable<bool> operation_log::send_all() {
  for (auto records = take(); !records.empty(); records = take()) {
    auto body = ship_logs_request(service_id_, records);
    const auto taken = co_await hub_.ship_logs(std::move(body));
    if (!taken) {
      put_back(std::move(records));
      co_return false;
    }
    taken_.add(records.size());
  }
  co_return true;
}

void operation_log::stop() {
  if (!ended_.valid() || stopping_.exchange(true)) return;
  boost::asio::post(context_, [this] { pause_.cancel(); });
  ended_.wait_for(stop_wait_max);
  if (const auto left = waiting(); left > 0)
    log_event(log_level::warn, "hub", "HiveHub has not taken all operation records", {{"records", left}});
}

}  // namespace waggle
