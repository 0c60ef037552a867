#pragma once
// What the bench compares: an index over rows that it may copy, squared L2, built and searched on one thread.
#include <cstddef>
#include <cstdint>
#include <memory>

namespace waggle::bench {

struct yardstick {
  virtual ~yardstick() = default;
  virtual void build(const float* rows, std::size_t count, std::size_t dimension, std::size_t m,
                     std::size_t ef_construction) = 0;
  virtual void set_ef(std::size_t ef) = 0;
  /// Writes up to k rows, any order; returns how many.
  virtual std::size_t search(const float* query, std::size_t k, std::uint32_t* out) = 0;
};

std::unique_ptr<yardstick> make_hnswlib();
std::unique_ptr<yardstick> make_faiss();

}  // namespace waggle::bench
