#pragma once
// Float distance kernels, compiled once per instruction set and chosen at run time: one portable binary uses AVX-512
// or AVX2 where the CPU has it. Pure functions over memory that the caller owns; any thread.
//
// Every path adds up one row in the same order whether it is asked for alone or in a group, so equal rows get
// bit-equal distances and ties can be broken by row. Different paths may differ in the last bits.
// The layout has room for int8 kernels beside the float ones.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace waggle {

/// One instruction set's functions. Lengths are in floats; rows need no alignment beyond a float's; nothing outside
/// a row is read.
struct kernels {
  using pair_fn = float (*)(const float* a, const float* b, std::size_t dimension);
  /// out[i] for the row at `base + rows[i] * stride_floats`, i < count. `rows` null means rows 0..count-1.
  /// Rows that come later in the list are prefetched while earlier ones are computed.
  using many_fn = void (*)(const float* query, std::size_t dimension, const float* base, std::size_t stride_floats,
                           const std::uint32_t* rows, std::size_t count, float* out);

  const char* name;    ///< "AVX3" (AVX-512), "AVX2", "SSE4", "SSSE3", "SCALAR", …
  pair_fn dot;         ///< sum a*b
  pair_fn l2_squared;  ///< sum (a-b)^2
  many_fn dot_many;
  many_fn l2_many;
};

/// The fastest set that this CPU supports; chosen once.
const kernels& best_kernels();

/// Every compiled set that this CPU supports, fastest first, the portable one last. Never empty.
std::vector<const kernels*> all_kernels();

}  // namespace waggle
