// Readers on views of any age while the one writer goes on: run under ThreadSanitizer this must be silent.
#include <doctest/doctest.h>

#include <mutex>
#include <thread>

#include "shard_world.hpp"

namespace waggle::test {
namespace {

/// A view and what it must answer for ever.
struct promise {
  std::shared_ptr<const shard_view> view;
  std::vector<float> query;
  std::vector<model::answer> nearest;
  std::vector<model::answer> text;
  std::size_t even = 0;
};

class mailbox {
 public:
  void put(std::shared_ptr<const promise> p) {
    const std::lock_guard lock(mutex_);
    promises_.push_back(std::move(p));
    if (promises_.size() > 12) promises_.erase(promises_.begin() + static_cast<std::ptrdiff_t>(promises_.size() / 2));
  }
  std::shared_ptr<const promise> any(std::size_t n) const {
    const std::lock_guard lock(mutex_);
    return promises_.empty() ? nullptr : promises_[n % promises_.size()];
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const promise>> promises_;
};

}  // namespace

TEST_CASE("a view answers the same for ever, while rows come, go, are sealed and merged") {
  scratch_directory directory;
  shard_config config;
  config.key = key_of(1);
  config.dimension = 5;
  config.directory = directory.path();
  config.bounds.seal_rows = 100;
  config.bounds.graph_rows_min = 1'000'000;
  shard_core core(config);
  model truth(metric::cosine);
  row_source_of_chance chance(17, 5);
  const auto even = filter_of(R"({"must":[{"key":"even","match":{"value":true}}]})");
  mailbox views;
  std::atomic<bool> done{false};
  std::atomic<std::size_t> wrong{0}, asked{0};

  const auto read = [&](std::size_t seed) {
    for (std::size_t i = seed; !done; i += 7) {
      const auto p = views.any(i);
      if (!p) continue;
      vector_query q;
      q.vector = p->query;
      q.limit = 25;
      const auto hits = p->view->search(q);
      bool same = hits.has_value();
      same = same && answers_of(*hits) == p->nearest;
      same = same && answers_of(p->view->search_text({"honey comb", 10, {}, nullptr})) == p->text;
      same = same && p->view->count(&even) == p->even;
      wrong += same ? 0 : 1;
      ++asked;
    }
  };
  std::thread first(read, 1), second(read, 2);

  std::optional<build_job> job;
  std::thread builder;
  std::optional<result<built_segment>> built;
  std::atomic<bool> built_ready{false};
  const std::atomic<bool> cancel{false};
  std::uint64_t seq = 0;
  for (int round = 0; round < 150 || asked < 50; ++round) {
    for (int i = 0; i < 20; ++i) {
      auto r = chance.make(++seq, "p" + std::to_string(chance.below(400)));
      auto& old = truth.rows[r.data.id.str()];
      if (old.seq != seq_no()) static_cast<void>(core.erase(old.seq, r.seq));
      old = r;
      static_cast<void>(core.insert(std::move(r)));
    }
    if (job && built_ready) {
      builder.join();
      if (*built) core.install(std::move(**built));
      job.reset(), built.reset();
    } else if (!job) {
      job = core.next_job();
      built_ready = false;
      if (job) builder = std::thread([&] { built.emplace(job->run(cancel)), built_ready = true; });
    }
    auto p = std::make_shared<promise>();
    p->view = core.publish();
    p->query = chance.coarse_vector();
    p->nearest = truth.search(p->query, 25, nullptr);
    p->text = answers_of(p->view->search_text({"honey comb", 10, {}, nullptr}));
    p->even = truth.count(even);
    views.put(std::move(p));
  }
  if (builder.joinable()) builder.join();
  done = true;
  first.join();
  second.join();
  CHECK(wrong == 0);
  CHECK(asked >= 50);
  CHECK(core.publish()->live_count() == truth.rows.size());
}

}  // namespace waggle::test
