// Random lives of a shard against the naive model: whatever was sealed, merged or reopened on the way, the answers are
// those of looking at every live point.
#include <doctest/doctest.h>

#include <filesystem>

#include "shard_world.hpp"

namespace waggle::test {
namespace {

class life {
 public:
  life(std::uint64_t seed, metric measure)
      : chance_(seed, dimension), model_(measure), core_(shard_core(config(measure))) {}

  void step() {
    const auto dice = chance_.below(100);
    if (dice < 60) {
      upsert();
    } else if (dice < 80) {
      remove();
    } else if (dice < 86) {
      core_.publish();
    } else if (dice < 90) {
      core_.freeze();
    } else if (dice < 93) {
      start_build();
    } else if (dice < 97) {
      finish_build();
    } else if (dice < 98) {
      give_up_build();
    } else if (dice < 99) {
      reopen();
    } else {
      check();
    }
  }

  void check() {
    const auto view = core_.publish();
    REQUIRE(view->live_count() == model_.rows.size());
    const auto some = filter_of(R"({"must":[{"key":"n","range":{"lt":2500}}]})");
    const auto even = filter_of(R"({"must":[{"key":"even","match":{"value":true}}]})");
    for (const filter* accept : {static_cast<const filter*>(nullptr), &some, &even}) {
      for (const std::size_t limit : {1, 7, 1000}) {
        const auto query = chance_.coarse_vector();
        vector_query q;
        q.vector = query;
        q.limit = limit;
        q.accept = accept;
        REQUIRE(answers_of(view->search(q)) == model_.search(query, limit, accept));
        q.threshold = 0.3f;
        REQUIRE(answers_of(view->search(q)) == model_.search(query, limit, accept, 0.3f));
        const auto sparse = chance_.sparse();
        REQUIRE(answers_of(view->search_sparse(sparse, limit, accept)) == model_.search_sparse(sparse, limit, accept));
      }
    }
    check_listing(*view, some);
    check_text(*view, even);
  }

 private:
  static constexpr std::size_t dimension = 5;

  shard_config config(metric measure) {
    shard_config c;
    c.key = key_of(1);
    c.measure = measure;
    c.dimension = dimension;
    c.directory = directory_.path();
    c.bounds.seal_rows = 40;
    c.bounds.graph_rows_min = 1'000'000;
    c.bounds.segments_max = 4;
    return c;
  }

  void upsert() {
    auto r = chance_.make(++seq_, "p" + std::to_string(chance_.below(150)));
    auto& old = model_.rows[r.data.id.str()];
    if (old.seq != seq_no()) REQUIRE(core_.erase(old.seq, r.seq).has_value());
    old = r;
    REQUIRE(core_.insert(std::move(r)).has_value());
  }
  void remove() {
    if (model_.rows.empty()) return;
    const auto victim = std::next(model_.rows.begin(), static_cast<std::ptrdiff_t>(chance_.below(model_.rows.size())));
    REQUIRE(core_.erase(victim->second.seq, seq_no(++seq_)).has_value());
    model_.rows.erase(victim);
  }
  void start_build() {
    if (!job_) job_ = core_.next_job();
    // Half of the builds see deletes that come between their reading and their install.
    if (job_ && chance_.below(2) == 0) run_build();
  }
  void run_build() {
    const std::atomic<bool> cancel{false};
    auto built = job_->run(cancel);
    REQUIRE_MESSAGE(built.has_value(), built.error().log_text);
    built_ = std::move(*built);
  }
  void finish_build() {
    if (!job_) return;
    if (!built_) run_build();
    core_.install(std::move(*built_));
    job_.reset(), built_.reset();
    sweep(core_);
  }
  void give_up_build() {
    if (!job_) return;
    core_.give_up();
    job_.reset(), built_.reset();
  }

  /// What a node does at start: segments from the manifest, the rest from the points.
  void reopen() {
    job_.reset(), built_.reset();
    auto opened = shard_core::open(core_.config(), core_.manifest().segments);
    REQUIRE(opened.rejected.empty());
    std::vector<row> points;
    std::vector<seq_no> live;
    for (const auto& [id, r] : model_.rows) points.push_back(r);
    std::sort(points.begin(), points.end(), [](const row& a, const row& b) { return a.seq < b.seq; });
    for (const auto& p : points) live.push_back(p.seq);
    for (const auto& range : opened.missing) {
      std::vector<row> rows;
      for (const auto& p : points)
        if (p.seq >= range.first && p.seq <= range.last) rows.push_back(p);
      REQUIRE(opened.core.restore_rows(range, std::move(rows)).has_value());
    }
    const auto covered = opened.core.last_seq();
    REQUIRE(opened.core.retain({seq_no(1), covered}, live, seq_no(std::max<std::uint64_t>(1, seq_))).empty());
    for (auto& p : points)
      if (p.seq > covered) REQUIRE(opened.core.insert(std::move(p)).has_value());
    core_ = std::move(opened.core);
  }

  void check_listing(const shard_view& view, const filter& some) {
    REQUIRE(view.count(&some) == model_.count(some));
    std::string after;
    for (int page = 0; page < 3; ++page) {
      const auto expected = model_.matching(some, 9, after);
      std::vector<std::string> found;
      for (const auto& f : view.matching(&some, 9, after)) {
        found.emplace_back(f.row.id);
        const auto& p = model_.rows.at(found.back());
        REQUIRE(f.row.seq == p.seq);
        REQUIRE(f.row.payload == p.data.payload);
        REQUIRE(f.row.integer_id == p.data.id.integer());
        REQUIRE(std::equal(f.row.vector.begin(), f.row.vector.end(), p.data.vector.begin(), p.data.vector.end()));
        REQUIRE(std::vector(f.row.sparse.indices.begin(), f.row.sparse.indices.end()) == p.data.sparse.indices);
      }
      REQUIRE(found == expected);
      if (expected.empty()) break;
      after = expected.back();
    }
  }

  /// Text answers must not depend on segmentation: a fresh shard with the live rows in one piece gives the same.
  void check_text(const shard_view& view, const filter& even) {
    auto fresh_config = core_.config();
    fresh_config.bounds.seal_rows = 10'000;
    shard_core fresh(fresh_config);
    std::vector<row> points;
    for (const auto& [id, r] : model_.rows) points.push_back(r);
    std::sort(points.begin(), points.end(), [](const row& a, const row& b) { return a.seq < b.seq; });
    for (auto& p : points) REQUIRE(fresh.insert(std::move(p)).has_value());
    const auto whole = fresh.publish();
    REQUIRE(view.live().text_rows == whole->live().text_rows);
    REQUIRE(view.live().text_length == whole->live().text_length);
    REQUIRE(view.live().bytes == whole->live().bytes);
    for (const auto limit : {3, 500}) {
      const auto text = chance_.words(1 + chance_.below(3));
      for (const filter* accept : {static_cast<const filter*>(nullptr), &even}) {
        const text_query q{text, static_cast<std::size_t>(limit), {}, accept};
        REQUIRE(answers_of(view.search_text(q)) == answers_of(whole->search_text(q)));
      }
    }
  }

  scratch_directory directory_;
  row_source_of_chance chance_;
  model model_;
  shard_core core_;
  std::uint64_t seq_ = 0;
  std::optional<build_job> job_;
  std::optional<built_segment> built_;
};

}  // namespace

TEST_CASE("a shard answers as a list of its live points would, whatever became of its segments") {
  for (const auto measure : {metric::cosine, metric::euclidean, metric::dot}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(static_cast<int>(measure));
      CAPTURE(seed);
      life l(seed * 1000 + static_cast<std::uint64_t>(measure), measure);
      for (int i = 0; i < 1500; ++i) l.step();
      l.check();
    }
  }
}

}  // namespace waggle::test
