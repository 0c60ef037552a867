#include "shard_world.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.hpp"
#include "storage/index/vector_block.hpp"
#include "storage/text/analyzer.hpp"
#include "storage/text/bm25.hpp"

namespace waggle::test {

scratch_directory::scratch_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "waggle-shard-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}
scratch_directory::~scratch_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
std::vector<std::string> scratch_directory::files() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), path);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}
void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  REQUIRE_MESSAGE(out.good(), path);
}

shard_key key_of(std::uint8_t owner) {
  shard_key key;
  key.owner.bytes.fill(owner);
  key.collection = collection_id(7);
  key.shard = shard_id(3);
  return key;
}

filter filter_of(std::string_view json) {
  json_parser parser;
  const auto value = parser.parse(json);
  REQUIRE(value.has_value());
  const auto parsed = filter::parse(*value, &word_tokens);
  REQUIRE(parsed.has_value());
  return *parsed;
}

std::vector<float> row_source_of_chance::coarse_vector() {
  std::vector<float> v(dimension_);
  for (auto& x : v) x = static_cast<float>(below(3)) - 1;
  return v;
}
std::vector<float> row_source_of_chance::smooth_vector() {
  std::normal_distribution<float> normal;
  std::vector<float> v(dimension_);
  for (auto& x : v) x = normal(random_);
  return v;
}
std::string row_source_of_chance::words(std::size_t count) {
  static const char* vocabulary[] = {"bee",   "hive", "dance", "honey", "nectar", "queen",
                                     "drone", "comb", "wax",   "swarm", "pollen", "sting"};
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    // Products of two draws make some words rare.
    text += vocabulary[below(below(std::size(vocabulary)) + 1)];
    text += i + 1 < count ? " " : "";
  }
  return text;
}
sparse_vector row_source_of_chance::sparse() {
  sparse_vector v;
  for (std::uint32_t i = 0; i < 12; ++i)
    if (below(4) == 0) {
      v.indices.push_back(i);
      v.values.push_back(static_cast<float>(below(5)) - 1);
    }
  return v;
}
row row_source_of_chance::make(std::uint64_t seq, const std::string& id) {
  row r;
  r.seq = seq_no(seq);
  r.data.id = point_id::trusted(id, below(2) == 0);
  r.data.vector = coarse_vector();
  if (const auto kind = below(10); kind != 0) {
    const auto n = below(10000);
    r.data.payload = "{\"n\":" + std::to_string(n) + ",\"even\":" + (n % 2 == 0 ? "true" : "false");
    if (kind < 8) r.data.payload += ",\"content\":\"" + words(1 + below(9)) + "\"";
    r.data.payload += "}";
  }
  if (below(3) == 0) r.data.sparse = sparse();
  return r;
}

namespace {
bool accepts(const filter* accept, const row& r) {
  return !accept || accept->matches(r.data.id.str(), r.data.payload, false);
}
}  // namespace

std::vector<model::answer> model::best(std::vector<answer> all, std::size_t limit) const {
  std::sort(all.begin(), all.end(),
            [](const answer& a, const answer& b) { return a.score != b.score ? a.score > b.score : a.id < b.id; });
  if (all.size() > limit) all.resize(limit);
  return all;
}

std::vector<model::answer> model::search(std::span<const float> query, std::size_t limit, const filter* accept,
                                         std::optional<float> threshold) const {
  const prepared_query prepared(measure_, query);
  std::vector<answer> all;
  for (const auto& [id, r] : rows) {
    if (!accepts(accept, r)) continue;
    const float norm = inverse_norm(r.data.vector);
    const vector_block block{r.data.vector.data(), 1, r.data.vector.size(), &norm, measure_};
    float distance = 0;
    distances_to(block, prepared, nullptr, 1, &distance);
    const float score = score_of(measure_, distance);
    if (!threshold || score >= *threshold) all.push_back({id, r.seq.value, score});
  }
  return best(std::move(all), limit);
}

std::vector<model::answer> model::search_sparse(const sparse_vector& query, std::size_t limit,
                                                const filter* accept) const {
  std::vector<answer> all;
  for (const auto& [id, r] : rows) {
    const auto& have = r.data.sparse.indices;
    const bool shares = std::any_of(query.indices.begin(), query.indices.end(),
                                    [&](auto i) { return std::binary_search(have.begin(), have.end(), i); });
    if (shares && accepts(accept, r)) all.push_back({id, r.seq.value, dot_sparse(query, r.data.sparse)});
  }
  return best(std::move(all), limit);
}

std::size_t model::count(const filter& accept) const {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const auto& r) { return accepts(&accept, r.second); }));
}

std::vector<std::string> model::matching(const filter& accept, std::size_t limit, const std::string& after) const {
  std::vector<std::string> ids;
  for (auto at = rows.upper_bound(after); at != rows.end() && ids.size() < limit; ++at)
    if (accepts(&accept, at->second)) ids.push_back(at->first);
  return ids;
}

std::vector<model::answer> answers_of(const search_hits& hits) {
  std::vector<model::answer> out;
  for (const auto& hit : hits.hits) out.push_back({std::string(hit.row.id), hit.row.seq.value, hit.score});
  return out;
}
std::vector<model::answer> answers_of(const result<search_hits>& hits) {
  REQUIRE(hits.has_value());
  return answers_of(*hits);
}

std::size_t build_all(shard_core& core) {
  std::size_t builds = 0;
  const std::atomic<bool> cancel{false};
  while (auto job = core.next_job()) {
    auto built = job->run(cancel);
    REQUIRE_MESSAGE(built.has_value(), built.error().log_text);
    core.install(std::move(*built));
    ++builds;
    REQUIRE(builds < 1000);
  }
  return builds;
}

void sweep(shard_core& core) {
  const auto files = core.manifest().obsolete;
  for (const auto& file : files) std::filesystem::remove(core.config().directory + "/" + file);
  core.forget_obsolete(files);
}

}  // namespace waggle::test
