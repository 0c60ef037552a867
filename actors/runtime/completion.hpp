#pragma once
// Where one coroutine waits for answers that other threads give: `ask`, `gather`, `run_job` and `run_blocking` are built on it.
// Shared by the waiting coroutine and whoever owes it an answer; outlives either. Any thread may `put`; the coroutine's
// executor must be one thread at a time (a worker's io_context or a strand).
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "actors/runtime/spin_lock.hpp"
#include "base/error.hpp"

namespace waggle {

class worker;

class completion : public std::enable_shared_from_this<completion> {
 public:
  static constexpr int no_deadline = -1;
  explicit completion(std::size_t parts) : missing_(parts) {}
  virtual ~completion();
  completion(const completion&) = delete;
  completion& operator=(const completion&) = delete;

  /// Every part has its answer. Answers given inline are here before anybody waits: then there is nothing to wait for.
  bool ready() const { return missing_.load(std::memory_order_acquire) == 0; }
  /// Returns when all parts are there or the deadline has passed. Once, by the owner.
  static boost::asio::awaitable<void> wait(std::shared_ptr<completion> self, int deadline_ms);

 protected:
  /// Under lock_: a part was filled.
  void filled();
  spin_lock lock_;
  bool closed_ = false;  ///< nobody waits any more; what comes now is dropped

 private:
  bool begin_wait(boost::asio::steady_timer& timer, const boost::asio::any_io_executor& executor);
  void end_wait();
  void wake();

  std::atomic<std::size_t> missing_;  ///< written under lock_; 0 is final
  boost::asio::steady_timer* timer_ = nullptr;  ///< in the waiting coroutine's frame; set while that waits
  worker* home_ = nullptr;                      ///< the worker that runs the coroutine, if any
  boost::asio::any_io_executor executor_;       ///< the coroutine's
};

/// `T` is what one part yields.
template <class T>
class answers final : public completion {
 public:
  explicit answers(std::size_t parts) : completion(parts), count_(parts) {
    if (parts > 1) more_.resize(parts);
  }

  /// The first answer of a part counts; a second one, or one after the deadline, is dropped and gives false.
  bool put(std::size_t part, result<T> value) {
    std::lock_guard guard(lock_);
    if (closed_ || at(part)) return false;
    at(part).emplace(std::move(value));
    filled();
    return true;
  }

  /// Ends the waiting. Parts without an answer get `missing`.
  std::vector<result<T>> take(const failure& missing) {
    std::vector<result<T>> out;
    std::lock_guard guard(lock_);
    closed_ = true;
    out.reserve(count_);
    for (std::size_t i = 0; i < count_; ++i) {
      if (auto& p = at(i))
        out.push_back(std::move(*p));
      else
        out.push_back(missing);
    }
    return out;
  }
  /// The same where there is one part.
  result<T> take_one(ec missing) {
    if (!ready()) {
      std::lock_guard guard(lock_);
      closed_ = true;
      if (!one_) return failure(missing);
    }
    return std::move(*one_);  // nobody writes to a part that has its answer
  }

 private:
  std::optional<result<T>>& at(std::size_t i) { return count_ > 1 ? more_[i] : one_; }

  std::size_t count_;
  std::optional<result<T>> one_;  // most have one: no second allocation
  std::vector<std::optional<result<T>>> more_;
};

/// The duty to answer one part. Dropped without an answer (a job that never ran, a promise that an actor lost), it answers
/// with a failure, so that nobody waits for nothing.
template <class T>
class owed_answer {
 public:
  owed_answer(std::shared_ptr<answers<T>> to, std::size_t part, ec when_dropped)
      : to_(std::move(to)), part_(part), when_dropped_(when_dropped) {}
  owed_answer(owed_answer&&) noexcept = default;
  owed_answer& operator=(owed_answer&&) = delete;
  ~owed_answer() {
    if (to_) to_->put(part_, failure(when_dropped_));
  }
  void give(result<T> value) { std::exchange(to_, nullptr)->put(part_, std::move(value)); }

 private:
  std::shared_ptr<answers<T>> to_;
  std::size_t part_;
  ec when_dropped_;
};

}  // namespace waggle
