#pragma once
// Values that several parts of storage share. Pure; any thread.
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/names.hpp"

namespace waggle {

enum class metric : std::uint8_t { cosine = 0, euclidean = 1, dot = 2 };

/// Sparse vector: `indices` ascending and unique, same length as `values`.
struct sparse_vector {
  std::vector<std::uint32_t> indices;
  std::vector<float> values;
  bool empty() const { return indices.empty(); }
  bool operator==(const sparse_vector&) const = default;
};

struct hnsw_params {
  std::uint32_t m = 16;
  std::uint32_t ef_construction = 200;
  std::uint32_t ef_search = 100;
  bool operator==(const hnsw_params&) const = default;
};

/// One stored object. `vector` holds exactly `dimension` finite floats as written; `payload` is a compact JSON object
/// ("" = none).
struct point {
  point_id id = point_id::trusted("", false);
  std::vector<float> vector;
  std::string payload;
  sparse_vector sparse;
};

/// A point version inside a shard. `seq` grows with every change of the shard; it is the point's `version`.
struct row {
  seq_no seq;
  point data;
};

/// Whose data a shard holds and how it is measured. Fixed for the life of the shard.
struct shard_key {
  tenant_id owner;
  collection_id collection;
  shard_id shard;
  auto operator<=>(const shard_key&) const = default;
};

}  // namespace waggle
