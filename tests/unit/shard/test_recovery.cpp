// Opening a shard again: what is lost or damaged is found and can be given back.
#include <doctest/doctest.h>

#include <filesystem>

#include "shard_world.hpp"

namespace waggle::test {
namespace {

struct world {
  world() : chance(4, 5), truth(metric::cosine), core(config()) {
    for (int i = 0; i < 330; ++i) insert("p" + std::to_string(i));
    for (int i = 0; i < 330; i += 9) erase("p" + std::to_string(i));
    for (int i = 1; i < 330; i += 13) insert("p" + std::to_string(i));
    // Several segments of different ages: no build takes in a larger neighbour.
    core.freeze();
    build_all(core);
    for (int i = 400; i < 490; ++i) insert("p" + std::to_string(i));
    core.freeze();
    build_all(core);
    for (int i = 500; i < 530; ++i) insert("p" + std::to_string(i));
    core.freeze();
    build_all(core);
    for (int i = 0; i < 500; i += 17) erase("p" + std::to_string(i));
    for (int i = 600; i < 610; ++i) insert("p" + std::to_string(i));
    sweep(core);
    recorded = core.manifest().segments;
  }
  shard_config config() const {
    shard_config c;
    c.key = key_of(1);
    c.dimension = 5;
    c.directory = directory.path();
    c.bounds.seal_rows = 500;
    return c;
  }
  void insert(const std::string& id) {
    auto r = chance.make(++seq, id);
    auto& old = truth.rows[id];
    if (old.seq != seq_no()) REQUIRE(core.erase(old.seq, r.seq).has_value());
    old = r;
    REQUIRE(core.insert(std::move(r)).has_value());
  }
  void erase(const std::string& id) {
    if (!truth.rows.contains(id)) return;
    REQUIRE(core.erase(truth.rows.at(id).seq, seq_no(++seq)).has_value());
    truth.rows.erase(id);
  }
  std::vector<row> points_in(seq_range range) const {
    std::vector<row> rows;
    for (const auto& [id, r] : truth.rows)
      if (r.seq >= range.first && r.seq <= range.last) rows.push_back(r);
    std::sort(rows.begin(), rows.end(), [](const row& a, const row& b) { return a.seq < b.seq; });
    return rows;
  }
  /// From points: missing ranges, deletes, the newest rows.
  void replay(shard_core::opened& opened) const {
    for (const auto& range : opened.missing) REQUIRE(opened.core.restore_rows(range, points_in(range)).has_value());
    const auto covered = opened.core.last_seq();
    std::vector<seq_no> live;
    for (const auto& r : points_in({seq_no(1), covered})) live.push_back(r.seq);
    REQUIRE(opened.core.retain({seq_no(1), covered}, live, seq_no(seq)).empty());
    for (auto& r : points_in({seq_no(covered.value + 1), seq_no(seq)}))
      REQUIRE(opened.core.insert(std::move(r)).has_value());
  }
  void check(shard_core& reopened) {
    const auto before = core.publish(), after = reopened.publish();
    CHECK(after->live().rows == before->live().rows);
    CHECK(after->live().bytes == before->live().bytes);
    CHECK(after->live().text_length == before->live().text_length);
    for (int i = 0; i < 5; ++i) {
      const auto query = chance.coarse_vector();
      vector_query q;
      q.vector = query;
      q.limit = 40;
      CHECK(answers_of(after->search(q)) == truth.search(query, 40, nullptr));
      const auto words = chance.words(2);
      const text_query text{words, 40, {}, nullptr};
      CHECK(answers_of(after->search_text(text)) == answers_of(before->search_text(text)));
    }
  }
  std::string path_of(std::size_t i) const { return directory.path() + "/" + recorded[i].file; }

  scratch_directory directory;
  row_source_of_chance chance;
  model truth;
  shard_core core;
  std::uint64_t seq = 0;
  std::vector<segment_ref> recorded;
};

}  // namespace

TEST_CASE("a shard opens again with the same answers") {
  world w;
  REQUIRE(w.recorded.size() == 3);
  auto opened = shard_core::open(w.config(), w.recorded);
  CHECK(opened.rejected.empty());
  CHECK(opened.missing.empty());
  CHECK(opened.core.manifest().segments == w.recorded);
  w.replay(opened);
  w.check(opened.core);
}

TEST_CASE("a lost or damaged segment is reported, restored from points and sealed anew") {
  for (std::size_t lost = 0; lost < 3; ++lost) {
    for (const bool gone : {true, false}) {
      CAPTURE(lost);
      CAPTURE(gone);
      world w;
      if (gone) {
        std::filesystem::remove(w.path_of(lost));
      } else {
        auto bytes = read_file(w.path_of(lost));
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
        std::filesystem::remove(w.path_of(lost));
        write_file(w.path_of(lost), bytes);
      }
      auto opened = shard_core::open(w.config(), w.recorded);
      REQUIRE(opened.rejected.size() == 1);
      CHECK(opened.rejected[0].ref == w.recorded[lost]);
      CHECK(opened.rejected[0].why.code == (gone ? ec::not_found : ec::corrupt_data));
      CHECK(opened.missing == std::vector{w.recorded[lost].range});
      w.replay(opened);
      w.check(opened.core);
      CHECK(build_all(opened.core) >= 1);
      const auto manifest = opened.core.manifest();
      CHECK(manifest.segments.front().range.first == w.recorded.front().range.first);
      CHECK(manifest.segments.back().range.last == w.recorded.back().range.last);
      w.check(opened.core);
      // What was sealed anew opens without any loss.
      auto again = shard_core::open(w.config(), manifest.segments);
      CHECK(again.rejected.empty());
      CHECK(again.missing.empty());
      w.replay(again);
      w.check(again.core);
    }
  }
}

TEST_CASE("a lost range may be restored in pieces") {
  world w;
  std::filesystem::remove(w.path_of(0));
  auto opened = shard_core::open(w.config(), w.recorded);
  REQUIRE(opened.missing.size() == 1);
  const auto range = opened.missing[0];
  std::vector<seq_range> pieces;
  for (auto at = range.first.value; at <= range.last.value; at += 50)
    pieces.push_back({seq_no(at), seq_no(std::min(at + 49, range.last.value))});
  opened.missing = {pieces.rbegin(), pieces.rend()};
  w.replay(opened);
  w.check(opened.core);
  build_all(opened.core);
  w.check(opened.core);
}

TEST_CASE("another tenant's segment is not opened") {
  world w;
  auto config = w.config();
  config.key = key_of(2);
  const auto opened = shard_core::open(config, w.recorded);
  CHECK(opened.rejected.size() == 3);
  for (const auto& r : opened.rejected) CHECK(r.why.code == ec::corrupt_data);
  CHECK(opened.missing == std::vector<seq_range>{{seq_no(1), w.recorded.back().range.last}});
}

TEST_CASE("a record that does not fit the files is refused") {
  world w;
  auto refs = w.recorded;
  refs[1].range.last = seq_no(refs[1].range.last.value + 1);
  const auto moved = shard_core::open(w.config(), refs);
  REQUIRE(moved.rejected.size() == 1);
  CHECK(moved.rejected[0].ref == refs[1]);
  refs = w.recorded;
  refs.push_back(refs[0]);
  const auto twice = shard_core::open(w.config(), refs);
  REQUIRE(twice.rejected.size() == 1);
  CHECK(twice.rejected[0].ref == refs[0]);
  CHECK(twice.missing.empty());
}

TEST_CASE("what does not fit is not restored") {
  world w;
  std::filesystem::remove(w.path_of(1));
  auto opened = shard_core::open(w.config(), w.recorded);
  const auto range = opened.missing.at(0);
  const auto refused = [&](seq_range r, std::vector<row> rows, ec code) {
    const auto done = opened.core.restore_rows(r, std::move(rows));
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == code);
  };
  auto rows = w.points_in(range);
  refused({seq_no(range.first.value - 1), range.last}, rows, ec::internal_error);
  refused({range.first, seq_no(range.last.value + 1000)}, rows, ec::internal_error);
  refused({range.last, range.first}, rows, ec::internal_error);
  refused({seq_no(range.first.value + 50), range.last}, rows, ec::internal_error);
  auto backwards = rows;
  std::reverse(backwards.begin(), backwards.end());
  refused(range, backwards, ec::internal_error);
  auto wrong = rows;
  wrong.back().data.vector.pop_back();
  refused(range, wrong, ec::dimension_mismatch);
  w.replay(opened);
  w.check(opened.core);
  refused(range, rows, ec::internal_error);
}

TEST_CASE("tombstones replay idempotently; retain names what is not there") {
  world w;
  auto opened = shard_core::open(w.config(), w.recorded);
  const auto first = opened.core.publish()->parts().front().rows->row(3).seq;
  auto again = shard_core::open(w.config(), w.recorded);
  CHECK(again.core.tombstone(first, seq_no(w.seq)));
  CHECK_FALSE(again.core.tombstone(first, seq_no(w.seq)));
  CHECK_FALSE(again.core.tombstone(seq_no(1'000'000), seq_no(w.seq)));
  CHECK(again.core.last_seq() == seq_no(w.seq));
  const std::vector<seq_no> live{first, seq_no(999'999)};
  const auto absent = again.core.retain({seq_no(1), seq_no(1'000'000)}, live, seq_no(w.seq));
  CHECK(absent == std::vector{seq_no(999'999)});
  CHECK(again.core.publish()->live_count() == 0);
}

TEST_CASE("writer mistakes are refused, not obeyed") {
  world w;
  w.core.publish();
  auto old = w.chance.make(w.seq, "late");
  CHECK(w.core.insert(std::move(old)).error().code == ec::internal_error);
  auto narrow = w.chance.make(w.seq + 1, "narrow");
  narrow.data.vector.pop_back();
  CHECK(w.core.insert(std::move(narrow)).error().code == ec::dimension_mismatch);
  const auto alive = w.truth.rows.begin()->second.seq;
  CHECK(w.core.erase(alive, w.core.last_seq()).error().code == ec::internal_error);
  CHECK(w.core.erase(seq_no(1'000'000), seq_no(w.seq + 1)).error().code == ec::not_found);
  CHECK(w.core.erase(alive, seq_no(w.seq + 1)).has_value());
  CHECK(w.core.erase(alive, seq_no(w.seq + 1)).error().code == ec::not_found);
}

TEST_CASE("a build that fails is due again and the answers stay") {
  world w;
  w.core.freeze();
  auto job = w.core.next_job();
  REQUIRE(job.has_value());
  CHECK_FALSE(w.core.next_job().has_value());  // one at a time
  const auto parked = w.directory.path() + "-parked";
  std::filesystem::rename(w.directory.path(), parked);
  const std::atomic<bool> cancel{false};
  const auto built = job->run(cancel);
  std::filesystem::rename(parked, w.directory.path());
  REQUIRE_FALSE(built.has_value());
  w.core.give_up();
  w.check(w.core);
  const std::atomic<bool> cancelled{true};
  job = w.core.next_job();
  REQUIRE(job.has_value());
  CHECK(job->run(cancelled).error().code == ec::shutting_down);
  w.core.give_up();
  CHECK(build_all(w.core) >= 1);
  w.check(w.core);
  sweep(w.core);
  CHECK(w.directory.files().size() == w.core.manifest().segments.size());
}

TEST_CASE("a build that was given up and finishes late does no harm") {
  world w;
  w.core.freeze();
  const std::atomic<bool> cancel{false};
  const auto slow = w.core.next_job();
  REQUIRE(slow.has_value());
  w.core.give_up();
  const auto quick = w.core.next_job();
  REQUIRE(quick.has_value());
  CHECK(quick->target().file != slow->target().file);
  auto first = quick->run(cancel), late = slow->run(cancel);
  REQUIRE(first.has_value());
  REQUIRE(late.has_value());
  w.core.install(std::move(*first));
  w.erase("p601");
  const auto segments = w.core.manifest().segments;
  w.core.install(std::move(*late));
  CHECK(w.core.manifest().segments == segments);
  w.check(w.core);
  sweep(w.core);
  CHECK(w.directory.files().size() == segments.size());
}

TEST_CASE("rows that all died leave no segment behind") {
  world w;
  const auto all = w.truth.rows;
  for (const auto& [id, r] : all) w.erase(id);
  w.core.freeze();
  build_all(w.core);
  CHECK(w.core.manifest().segments.empty());
  CHECK(w.core.publish()->live_count() == 0);
  CHECK(w.core.publish()->live().bytes == 0);
  sweep(w.core);
  CHECK(w.directory.files().empty());
  w.insert("new");
  w.check(w.core);
}

TEST_CASE("memory is accounted for by what it serves") {
  world w;
  const auto bytes = w.core.memory();
  std::size_t rows = 0, payload = 0;
  const auto view = w.core.publish();
  for (const auto& part : view->parts())
    for (std::size_t i = 0; i < part.count; ++i) ++rows, payload += part.rows->row(i).payload.size();
  CHECK(bytes.vectors == rows * 5 * sizeof(float));
  CHECK(bytes.payload >= payload);
  CHECK(bytes.payload <= payload + w.recorded.size() * segment_payload_padding);
  CHECK(bytes.index > rows * 2 * sizeof(std::uint64_t));
  CHECK(view->memory() == bytes);
}

}  // namespace waggle::test
