// The segment file: what is written reads back, bytes are stable, and no damage goes unnoticed.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>

#include "base/codec.hpp"
#include "shard_world.hpp"
#include "storage/segment/segment_writer.hpp"
#include "tests/support/segment_file_bytes.hpp"

namespace waggle::test {
namespace {

using namespace segment_file_bytes;

constexpr std::uint32_t dimension = 4;
const std::atomic<bool> never{false};

/// Rows in memory and the plan of their segment.
struct sample {
  std::shared_ptr<mutable_segment> run;
  segment_plan plan;
  std::vector<picked_row> picks;
};

sample make_sample(metric measure, std::size_t rows, bool graph, std::uint64_t seed = 11) {
  sample s;
  row_source_of_chance chance(seed, dimension);
  s.run = std::make_shared<mutable_segment>(measure, dimension, rows);
  for (std::uint32_t i = 0; i < rows; ++i) {
    s.run->append(chance.make(10 + 2 * i, "id-" + std::to_string(i)));
    s.picks.push_back({s.run.get(), i});
  }
  s.plan = {key_of(1), measure, dimension, {seq_no(5), seq_no(10 + 2 * rows)}, std::nullopt};
  if (graph) s.plan.graph = hnsw_params{4, 40, 40};
  return s;
}

std::string written(const sample& s, const std::string& path) {
  const auto done = write_segment(path, s.plan, s.picks, never);
  REQUIRE_MESSAGE(done.has_value(), done.error().log_text);
  return read_file(path);
}

result<std::shared_ptr<segment>> open_as(const std::string& path, const segment_plan& plan) {
  return open_segment(path, plan.key, plan.measure, plan.dimension);
}

/// The failure of opening `bytes`, which must be corrupt_data that says where.
std::string complaint(const std::string& path, std::string_view bytes, const segment_plan& plan) {
  write_file(path, bytes);
  const auto opened = open_as(path, plan);
  REQUIRE_FALSE(opened.has_value());
  REQUIRE(opened.error().code == ec::corrupt_data);
  REQUIRE(opened.error().log_text.size() > 10);
  return opened.error().log_text;
}

std::pair<std::size_t, std::size_t> place_of(const std::string& bytes, section kind) {
  for (std::uint32_t i = 0; i < get<std::uint32_t>(bytes, count_at); ++i) {
    const auto entry = table_at + i * entry_bytes;
    if (get<std::uint32_t>(bytes, entry) == static_cast<std::uint32_t>(kind))
      return {get<std::uint64_t>(bytes, entry + 8), get<std::uint64_t>(bytes, entry + 16)};
  }
  FAIL("no such section: ", name_of(kind));
  return {};
}

void check_same(const segment& opened, const sample& s) {
  REQUIRE(opened.rows() == s.picks.size());
  for (std::size_t i = 0; i < opened.rows(); ++i) {
    const auto a = opened.row(i), b = s.run->row(i);
    CHECK(a.seq == b.seq);
    CHECK(a.id == b.id);
    CHECK(a.integer_id == b.integer_id);
    CHECK(a.payload == b.payload);
    CHECK(std::equal(a.vector.begin(), a.vector.end(), b.vector.begin(), b.vector.end()));
    CHECK(a.inverse_norm == b.inverse_norm);
    CHECK(
        std::equal(a.sparse.indices.begin(), a.sparse.indices.end(), b.sparse.indices.begin(), b.sparse.indices.end()));
    CHECK(std::equal(a.sparse.values.begin(), a.sparse.values.end(), b.sparse.values.begin(), b.sparse.values.end()));
    CHECK((opened.text() ? opened.text()->length(static_cast<std::uint32_t>(i)) : 0) == s.run->text_length(i));
  }
}

/// Answers of an opened file, to see that a change that was let through is harmless.
void read_all(const segment& s) {
  for (std::size_t i = 0; i < s.rows(); ++i) {
    const auto r = s.row(i);
    volatile char last = 0;
    for (const char c : r.payload) last = c;
    for (const char c : r.id) last = c;
    static_cast<void>(last);
  }
}

void check_golden(const char* name, const sample& s) {
  scratch_directory directory;
  const auto bytes = written(s, directory.path() + "/a");
  const auto golden = std::string(WAGGLE_GOLDEN) + "/" + name;
  if (std::getenv("WAGGLE_GOLDEN_WRITE")) write_file(golden, bytes);
  CHECK_MESSAGE(read_file(golden) == bytes, name,
                ": the bytes on disk changed. A new layout needs a new version and a new golden file");
  const auto opened = open_as(golden, s.plan);
  REQUIRE_MESSAGE(opened.has_value(), opened.error().log_text);
  check_same(**opened, s);
}

}  // namespace

TEST_CASE("a segment file gives back what was written") {
  scratch_directory directory;
  for (const auto measure : {metric::cosine, metric::euclidean, metric::dot}) {
    for (const std::size_t rows : {0, 1, 2, 129, 600}) {
      for (const bool graph : {false, true}) {
        const auto s = make_sample(measure, rows, graph, rows);
        const auto path = directory.path() + "/s";
        const auto bytes = written(s, path);
        const auto opened = open_as(path, s.plan);
        REQUIRE_MESSAGE(opened.has_value(), opened.error().log_text);
        check_same(**opened, s);
        CHECK((*opened)->header().range == s.plan.range);
        CHECK(((*opened)->graph() != nullptr) == (graph && rows != 0));
        const auto parts = (*opened)->bytes();
        CHECK(parts.vectors == rows * dimension * sizeof(float));
        CHECK(parts.vectors + parts.payload + parts.index == bytes.size());
        CHECK(written(s, directory.path() + "/again") == bytes);
      }
    }
  }
  CHECK(directory.files() == std::vector<std::string>{"again", "s"});
}

TEST_CASE("golden segment files of version 1") {
  check_golden("segment_v1.bin", make_sample(metric::cosine, 9, false));
  // Small integers: the distances, and so the links, are the same on every CPU.
  check_golden("segment_v1_graph.bin", make_sample(metric::euclidean, 40, true));
}

TEST_CASE("every flipped bit and every cut of a segment file is noticed") {
  scratch_directory directory;
  const auto s = make_sample(metric::cosine, 24, true);
  const auto good = written(s, directory.path() + "/good");
  const auto path = directory.path() + "/bad";
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    complaint(path, bad, s.plan);
  }
  for (std::size_t size = 0; size < good.size(); size += 7) complaint(path, good.substr(0, size), s.plan);
  complaint(path, good + '\0', s.plan);
  complaint(path, good.substr(0, good.size() - 1) + "xy", s.plan);
  complaint(path, good + good, s.plan);
}

TEST_CASE("damage is named by its section") {
  scratch_directory directory;
  const auto s = make_sample(metric::cosine, 24, true);
  const auto good = written(s, directory.path() + "/good");
  for (std::uint32_t kind = 1; kind <= section_kinds; ++kind) {
    const auto name = name_of(static_cast<section>(kind));
    CAPTURE(name);
    auto bad = good;
    const auto [offset, size] = place_of(bad, static_cast<section>(kind));
    bad[offset + size / 2] = static_cast<char>(~bad[offset + size / 2]);
    CHECK(complaint(directory.path() + "/bad", bad, s.plan).find(name) != std::string::npos);
  }
}

TEST_CASE("a hostile file with right checksums can't lead a reader astray") {
  scratch_directory directory;
  const auto s = make_sample(metric::cosine, 24, true);
  const auto good = written(s, directory.path() + "/good");
  const auto path = directory.path() + "/bad";
  const auto tampered = [&](section kind, std::size_t at, auto value) {
    auto bad = good;
    put(bad, place_of(bad, kind).first + at, value);
    forge_checksums(bad);
    return complaint(path, bad, s.plan);
  };
  const std::uint64_t far = 1ull << 60;
  CHECK(tampered(section::seqs, 8, std::uint64_t{10}).find("ascend") != std::string::npos);
  CHECK(tampered(section::seqs, 0, std::uint64_t{1}).find("range") != std::string::npos);
  tampered(section::id_offsets, 8, far);
  tampered(section::id_offsets, 8, std::uint64_t{0});
  tampered(section::id_offsets, 0, std::uint64_t{1});
  tampered(section::id_flags, 3, std::uint8_t{2});
  tampered(section::payload_offsets, 8, far);
  tampered(section::payload_offsets, 24 * 8, far);
  tampered(section::vectors, 4, std::numeric_limits<float>::quiet_NaN());
  tampered(section::vectors, 8, std::numeric_limits<float>::infinity());
  tampered(section::inverse_norms, 4, -std::numeric_limits<float>::infinity());
  tampered(section::sparse_offsets, 8, far);
  tampered(section::sparse_values, 0, std::numeric_limits<float>::quiet_NaN());
  CHECK(tampered(section::graph_level0, 0, std::uint32_t{24}).find("graph") != std::string::npos);
  tampered(section::graph_header, 16, std::uint32_t{24});
  for (const std::uint64_t rows : {std::uint64_t{0}, std::uint64_t{23}, std::uint64_t{25}, far, ~std::uint64_t{0}}) {
    auto bad = good;
    put(bad, rows_at, rows);
    forge_checksums(bad);
    complaint(path, bad, s.plan);
  }
  // Any four bytes of any section, checksums made right: refused, or read without leaving the file.
  std::mt19937_64 random(5);
  for (int i = 0; i < 4000; ++i) {
    auto bad = good;
    const auto at = random() % (bad.size() - 4);
    put(bad, at, static_cast<std::uint32_t>(random() % 3 == 0 ? ~0u : random()));
    forge_checksums(bad);
    write_file(path, bad);
    const auto opened = open_as(path, s.plan);
    if (opened)
      read_all(**opened);
    else
      REQUIRE(opened.error().code == ec::corrupt_data);
  }
}

TEST_CASE("a segment of another tenant, collection, shard, metric or dimension is refused") {
  scratch_directory directory;
  const auto s = make_sample(metric::cosine, 5, false);
  const auto path = directory.path() + "/s";
  written(s, path);
  const auto refused = [&](auto change) {
    auto plan = s.plan;
    change(plan);
    const auto opened = open_as(path, plan);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == ec::corrupt_data);
    CHECK(opened.error().log_text.find("header") != std::string::npos);
  };
  refused([](auto& p) { p.key.owner.bytes[15] ^= 1; });
  refused([](auto& p) { p.key.collection = collection_id(8); });
  refused([](auto& p) { p.key.shard = shard_id(4); });
  refused([](auto& p) { p.measure = metric::dot; });
  refused([](auto& p) { p.dimension = 5; });
  CHECK(open_as(path, s.plan).has_value());
  const auto gone = open_as(directory.path() + "/none", s.plan);
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().code == ec::not_found);
  CHECK_FALSE(open_as(directory.path(), s.plan).has_value());
}

TEST_CASE("a segment that can't be written leaves nothing behind") {
  scratch_directory directory;
  const auto path = directory.path() + "/s";
  const auto s = make_sample(metric::cosine, 400, true);
  SUBCASE("out of room") {
    // The kernel refuses to let a file grow past this, with the error of a file system that has no room for it.
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    for (const std::size_t room : {std::size_t{0}, std::size_t{600}, std::size_t{20000}}) {
      struct rlimit tight = before;
      tight.rlim_cur = room;
      REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
      const auto done = write_segment(path, s.plan, s.picks, never);
      REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().code == ec::storage_full);
    }
    ::signal(SIGXFSZ, handler);
  }
  SUBCASE("no directory") {
    const auto done = write_segment(directory.path() + "/none/s", s.plan, s.picks, never);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ec::not_found);
  }
  SUBCASE("cancelled") {
    const std::atomic<bool> cancel{true};
    const auto done = write_segment(path, s.plan, s.picks, cancel);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == ec::shutting_down);
  }
  CHECK(directory.files().empty());
}

TEST_CASE("errors of the file system have their codes") {
  CHECK(io_failure(ENOSPC, "write", "f").code == ec::storage_full);
  CHECK(io_failure(EDQUOT, "write", "f").code == ec::storage_full);
  CHECK(io_failure(EIO, "write", "f").code == ec::io_error);
  // A real device without room: everything that is appended fails.
  scratch_directory directory;
  std::filesystem::create_symlink("/dev/full", directory.path() + "/s.tmp");
  durable_file file(directory.path() + "/s");
  file.append("bytes");
  const auto done = file.commit();
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == ec::storage_full);
}

}  // namespace waggle::test
