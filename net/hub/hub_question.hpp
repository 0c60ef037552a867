#pragma once
// Something that HiveHub is asked again and again, of one key or one user at a time (contract hub.md §4, §5): answers are
// remembered, concurrent first questions cause one call, an answer in use is refreshed before its time is over, and serves
// on for a while when HiveHub is silent. Any thread; destroy it before the io_contexts.
#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "actors/runtime/completion.hpp"
#include "net/hub/expiring_cache.hpp"
#include "net/hub/hub_line.hpp"
#include "net/hub/hub_wire.hpp"

namespace waggle {

template <class Key, class Value, class Hash = std::hash<Key>>
class hub_question {
 public:
  using verdict = hub_verdict<Value>;
  /// One call, with its retries.
  using call = std::function<boost::asio::awaitable<result<verdict>>()>;
  using known_answer = typename expiring_cache<Key, Value, Hash>::found;

  /// `joined`: counts those who wait for a call that another one made.
  hub_question(const cache_ages& ages, hub_line& line, const clock& time, int wait_ms, counter_cell& stale_served,
               counter_cell& joined)
      : line_(line), time_(time), wait_ms_(wait_ms), stale_served_(stale_served), joined_(joined), answers_(ages) {}

  known_answer known(const Key& id) {
    const std::lock_guard lock(mutex_);
    return answers_.get(id, now_ms());
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }
  /// HiveHub has said it by the way.
  void learn(const Key& id, Value value) {
    const std::lock_guard lock(mutex_);
    answers_.put(id, std::move(value), now_ms());
  }
  /// What is known for which `outdated(key, value)` holds has to be asked again. An answer that is on its way may be older than
  /// the news: it serves those who wait for it and is not kept.
  template <class Outdated>
  void forget_if(Outdated outdated) {
    const std::lock_guard lock(mutex_);
    answers_.erase_if(outdated);
    for (auto& [id, flight] : flights_) flight.keep = false;
  }
  /// `so_far`: what `known` has given. A refusal, or HUB_UNAVAILABLE with Retry-After when nobody can say.
  boost::asio::awaitable<result<Value>> ask(Key id, known_answer so_far, call make);

 private:
  using waiter = std::shared_ptr<answers<verdict>>;
  struct flight {
    std::vector<waiter> waiting;
    bool keep = true;
  };
  static constexpr std::size_t flights_max = 256;  ///< calls at a time: each has a connection
  static constexpr int stale_wait_ms = 250;        ///< who is known shall not wait long for a hub that hangs

  std::int64_t now_ms() const { return time_.steady_us() / 1000; }
  bool join(const Key& id, call make, waiter waiting, const boost::asio::any_io_executor& executor);
  boost::asio::awaitable<void> fly(Key id, call make);
  void land(const Key& id, const result<verdict>& outcome);

  hub_line& line_;
  const clock& time_;
  const int wait_ms_;
  counter_cell& stale_served_;
  counter_cell& joined_;

  mutable std::mutex mutex_;
  expiring_cache<Key, Value, Hash> answers_;
  std::unordered_map<Key, flight, Hash> flights_;
};

template <class Key, class Value, class Hash>
boost::asio::awaitable<result<Value>> hub_question<Key, Value, Hash>::ask(Key id, known_answer so_far, call make) {
  const auto executor = co_await boost::asio::this_coro::executor;
  if (so_far.age == freshness::refresh_due) join(id, std::move(make), nullptr, executor);
  if (so_far.age == freshness::refresh_due || so_far.age == freshness::fresh) co_return std::move(so_far.value);
  const bool stale = so_far.age == freshness::stale;
  auto waiting = std::make_shared<answers<verdict>>(1);
  result<verdict> said = failure(ec::hub_unavailable);
  if (join(id, std::move(make), waiting, executor)) {
    if (!waiting->ready()) co_await completion::wait(waiting, stale ? std::min(stale_wait_ms, wait_ms_) : wait_ms_);
    said = waiting->take_one(ec::hub_unavailable);
  }
  if (said && said->refusal) co_return *said->refusal;
  if (said) co_return std::move(said->value);
  if (stale) {
    stale_served_.add();
    line_.warn_of_stale_answers();
    co_return std::move(so_far.value);
  }
  // The wait may end just before the call does.
  auto why = said.error();
  why.retry_after_seconds = std::max(1, why.retry_after_seconds);
  co_return why;
}

/// Waits for the one call that is out for this, or makes it; `waiting` may be null. False: too many are out.
template <class Key, class Value, class Hash>
bool hub_question<Key, Value, Hash>::join(const Key& id, call make, waiter waiting,
                                          const boost::asio::any_io_executor& executor) {
  {
    const std::lock_guard lock(mutex_);
    if (flights_.size() >= flights_max && !flights_.contains(id)) return false;
    const auto [out, first] = flights_.try_emplace(id);
    if (!first && waiting) joined_.add();
    if (waiting) out->second.waiting.push_back(std::move(waiting));
    if (!first) return true;
  }
  boost::asio::co_spawn(executor, fly(id, std::move(make)), boost::asio::detached);
  return true;
}

template <class Key, class Value, class Hash>
boost::asio::awaitable<void> hub_question<Key, Value, Hash>::fly(Key id, call make) {
  result<verdict> outcome = failure(ec::internal_error);
  try {
    outcome = co_await make();
  } catch (const std::exception& e) {
    // Whoever waits must hear of it, and a probe that the breaker let through has failed.
    outcome = line_.broke_down(e.what());
  }
  land(id, outcome);
}

template <class Key, class Value, class Hash>
void hub_question<Key, Value, Hash>::land(const Key& id, const result<verdict>& outcome) {
  std::vector<waiter> waiting;
  {
    const std::lock_guard lock(mutex_);
    flight over;
    if (auto out = flights_.extract(id); !out.empty()) over = std::move(out.mapped());
    if (outcome && outcome->refusal)
      answers_.erase(id);
    else if (outcome && over.keep)
      answers_.put(id, outcome->value, now_ms());
    waiting = std::move(over.waiting);
  }
  for (auto& w : waiting) w->put(0, outcome);
}

}  // namespace waggle
