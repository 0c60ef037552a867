#pragma once
// What the shard tests share: a scratch directory, seeded rows, filters from text, and the naive model that answers are
// compared with.
#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "storage/payload/filter.hpp"
#include "storage/shard/shard_core.hpp"

namespace waggle::test {

/// A directory that is gone with the object.
class scratch_directory {
 public:
  scratch_directory();
  ~scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  const std::string& path() const { return path_; }
  std::vector<std::string> files() const;

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view bytes);

shard_key key_of(std::uint8_t owner);
filter filter_of(std::string_view json);

/// Rows with few distinct coordinates, so that scores tie often; content from a small vocabulary, some without;
/// {"n": 0..9999, "even": bool}.
class row_source_of_chance {
 public:
  row_source_of_chance(std::uint64_t seed, std::size_t dimension) : random_(seed), dimension_(dimension) {}
  std::mt19937_64& random() { return random_; }
  std::size_t below(std::size_t n) { return random_() % n; }
  std::vector<float> coarse_vector();
  std::vector<float> smooth_vector();
  row make(std::uint64_t seq, const std::string& id);
  std::string words(std::size_t count);
  sparse_vector sparse();

 private:
  std::mt19937_64 random_;
  std::size_t dimension_;
};

/// The live points by id, answered by looking at every one.
class model {
 public:
  explicit model(metric measure) : measure_(measure) {}
  struct answer {
    std::string id;
    std::uint64_t seq;
    float score;
    bool operator==(const answer&) const = default;
  };
  std::map<std::string, row> rows;

  std::vector<answer> search(std::span<const float> query, std::size_t limit, const filter* accept,
                             std::optional<float> threshold = {}) const;
  std::vector<answer> search_sparse(const sparse_vector& query, std::size_t limit, const filter* accept) const;
  std::size_t count(const filter& accept) const;
  std::vector<std::string> matching(const filter& accept, std::size_t limit, const std::string& after) const;

 private:
  std::vector<answer> best(std::vector<answer> all, std::size_t limit) const;
  metric measure_;
};

std::vector<model::answer> answers_of(const search_hits& hits);
std::vector<model::answer> answers_of(const result<search_hits>& hits);

/// Runs due builds until none is left; returns how many.
std::size_t build_all(shard_core& core);
/// Deletes what the shard no longer needs, as its owner does after recording the manifest.
void sweep(shard_core& core);

}  // namespace waggle::test
