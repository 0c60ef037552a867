#pragma once
// The front ends' view of the actors: coroutines that ask and wait. One per node; any worker's session may call it.
#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <limits>
#include <memory>
#include <unordered_map>

#include "actors/data/collection_reader.hpp"
#include "actors/protocol/account_board.hpp"
#include "actors/protocol/interfaces.hpp"
#include "actors/runtime/ask.hpp"
#include "actors/runtime/jobs.hpp"
#include "base/work_limit.hpp"
#include "net/bridge/embeddings.hpp"
#include "net/bridge/request_scope.hpp"
#include "net/bridge/tenant_roll.hpp"
#include "net/bridge/write_pressure.hpp"

namespace waggle {

class database {
 public:
  template <class T>
  using reply = boost::asio::awaitable<result<T>>;

  /// `writes_high_water`: see write_pressure.
  database(runtime& rt, tenant_directory_actor directory, account_board& accounts, tenant_roll& roll, embeddings& providers,
           std::size_t writes_high_water)
      : rt_(rt), directory_(std::move(directory)), accounts_(accounts), roll_(roll), embeddings_(providers),
        pressure_(std::make_shared<write_pressure>(writes_high_water)) {}

  const embeddings& providers() const { return embeddings_; }
  std::size_t writes_in_flight() const { return pressure_->in_flight(); }

  /// With `views` the shards are awake afterwards.
  reply<std::shared_ptr<const collection_reader>> open(request_scope& scope, std::string name, bool views);
  reply<std::vector<collection_summary>> list(request_scope& scope);
  /// `step` keeps the idempotency key of a request that makes a collection on its way apart from its main write's.
  reply<write_outcome> create(request_scope& scope, collection_config config, std::string_view step = {});
  /// A refused write is a failure; refused items are in the outcome.
  reply<write_outcome> write(request_scope& scope, std::string name, std::shared_ptr<write_command> command);
  /// What the tenant holds and used, as of the last write. Wakes nobody.
  reply<tenant_record> account(request_scope& scope);
  /// Begins to seal what is in memory. False: it goes on, after half of the request's time.
  reply<bool> flush(request_scope& scope, std::string name);
  /// One vector per text, of `dimension` floats: computed in the tenant's queue, or asked of an endpoint.
  reply<std::vector<std::vector<float>>> embed(request_scope& scope, std::string provider,
                                               std::vector<std::string> texts, std::size_t dimension);

  /// CPU work in the tenant's queue; `fn` returns result<T>. It stops at the deadline. What is not done in one turn of a
  /// worker begins again beside the workers, where the jobs of a tenant with long ones begin: so `fn` may run twice.
  template <class F>
  auto compute(request_scope& scope, F fn) -> boost::asio::awaitable<std::invoke_result_t<F&>> {
    using reply = std::invoke_result_t<F&>;
    bool stopped = false;
    const auto run_for = [&](std::int64_t most_us) -> reply {
      const auto left_us = std::int64_t{1000} * scope.deadline_ms();
      if (left_us <= 0) return failure(ec::deadline_exceeded);
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(std::min(left_us, most_us));
      try {
        const work_limit limit(until, rt_.stop_flag());
        return fn();
      } catch (const work_stopped&) {
        stopped = true;
        return failure(rt_.stopping() ? ec::shutting_down : ec::deadline_exceeded);
      }
    };
    if (!rt_.has_long_jobs(scope.who().tenant())) {
      auto one_turn = [&run_for] { return run_for(limits::job_turn_us_max); };
      auto done = co_await run_job(rt_, scope.who().tenant(), std::move(one_turn));
      if (!stopped || scope.deadline_ms() <= 0) co_return done;
    }
    auto whole = [&run_for] { return run_for(std::numeric_limits<std::int64_t>::max()); };
    co_return co_await run_long_job(rt_, scope.who().tenant(), std::move(whole));
  }
  /// Work that may read the disk, on the blocking pool; `fn` returns result<T>.
  template <class F>
  auto read_disk(request_scope&, F fn) -> boost::asio::awaitable<std::invoke_result_t<F&>> {
    return run_blocking(rt_, std::move(fn));
  }

 private:
  reply<tenant_actor> tenant(request_scope& scope);
  template <class Reply, class Request>
  reply<Reply> ask_tenant(request_scope& scope, Request request, int deadline_ms);
  template <class Reply, class Request>
  reply<Reply> ask_tenant(request_scope& scope, Request request) {
    return ask_tenant<Reply>(scope, std::move(request), scope.deadline_ms());
  }

  runtime& rt_;
  tenant_directory_actor directory_;
  account_board& accounts_;
  tenant_roll& roll_;
  embeddings& embeddings_;
  std::shared_ptr<write_pressure> pressure_;
};

}  // namespace waggle
