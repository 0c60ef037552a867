// The door to Highway. foreach_target.h includes this file once per instruction set; each pass defines one table of
// functions in its own namespace (N_AVX3, N_AVX2, …), and the last part, compiled once, lists the tables.
#include "storage/index/kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "storage/index/kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace waggle {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using tag = hn::ScalableTag<float>;
using lanes = hn::Vec<tag>;

// Rows computed together share the loads of the query. Four sums per row hide the latency of the multiply-add; AVX-512
// has 32 registers, the others 16.
#if HWY_TARGET == HWY_SCALAR
constexpr std::size_t group_rows = 1;
#elif HWY_TARGET <= HWY_AVX3
constexpr std::size_t group_rows = 4;
#else
constexpr std::size_t group_rows = 2;
#endif
constexpr std::size_t floats_per_line = 16;
// A row's first lines are asked for; the hardware streams the rest of a longer row.
constexpr std::size_t prefetch_floats_max = 24 * floats_per_line;

struct dot_step {
  template <class V>
  static HWY_INLINE V add(V q, V x, V sum) {
    return hn::MulAdd(q, x, sum);
  }
};
struct l2_step {
  template <class V>
  static HWY_INLINE V add(V q, V x, V sum) {
    const auto difference = hn::Sub(q, x);
    return hn::MulAdd(difference, difference, sum);
  }
};

/// The last `left` < Lanes floats before `end`, the other lanes zero. Never reads outside [end - dimension, end).
#if HWY_MEM_OPS_MIGHT_FAULT
HWY_INLINE lanes load_tail(tag d, const float* end, std::size_t left) {
  // A whole vector that overlaps lanes already counted, which are blanked.
  const std::size_t n = hn::Lanes(d);
  return hn::IfThenZeroElse(hn::FirstN(d, n - left), hn::LoadU(d, end - n));
}
#else
HWY_INLINE lanes load_tail(tag d, const float* end, std::size_t left) {
  return hn::MaskedLoad(hn::FirstN(d, left), d, end - left);
}
#endif

/// R rows against one query. The order of additions within a row does not depend on R.
template <class Step, std::size_t R>
HWY_INLINE void group(const float* HWY_RESTRICT query, std::size_t dimension, const float* const* rows, float* out) {
  const tag d;
  const std::size_t n = hn::Lanes(d);
  lanes s0[R], s1[R], s2[R], s3[R];
  const float* x[R];
  for (std::size_t r = 0; r < R; ++r) {
    s0[r] = s1[r] = s2[r] = s3[r] = hn::Zero(d);
    x[r] = rows[r];
  }
  std::size_t i = 0;
  for (; i + 4 * n <= dimension; i += 4 * n) {
    const auto q0 = hn::LoadU(d, query + i), q1 = hn::LoadU(d, query + i + n);
    const auto q2 = hn::LoadU(d, query + i + 2 * n), q3 = hn::LoadU(d, query + i + 3 * n);
    for (std::size_t r = 0; r < R; ++r) {
      s0[r] = Step::add(q0, hn::LoadU(d, x[r] + i), s0[r]);
      s1[r] = Step::add(q1, hn::LoadU(d, x[r] + i + n), s1[r]);
      s2[r] = Step::add(q2, hn::LoadU(d, x[r] + i + 2 * n), s2[r]);
      s3[r] = Step::add(q3, hn::LoadU(d, x[r] + i + 3 * n), s3[r]);
    }
  }
  for (; i + n <= dimension; i += n) {
    const auto q = hn::LoadU(d, query + i);
    for (std::size_t r = 0; r < R; ++r) s0[r] = Step::add(q, hn::LoadU(d, x[r] + i), s0[r]);
  }
  float rest[R] = {};
  if (const std::size_t left = dimension - i; left != 0) {
    if (!HWY_MEM_OPS_MIGHT_FAULT || dimension >= n) {
      const auto q = load_tail(d, query + dimension, left);
      for (std::size_t r = 0; r < R; ++r) s1[r] = Step::add(q, load_tail(d, x[r] + dimension, left), s1[r]);
    } else {
      // One lane at a time, by the same operations: plain C++ here would be fused or not as the compiler likes, and
      // one row's distance would depend on its neighbours in the list.
      const hn::CappedTag<float, 1> one;
      for (std::size_t r = 0; r < R; ++r) {
        auto sum = hn::Zero(one);
        for (std::size_t j = i; j < dimension; ++j)
          sum = Step::add(hn::LoadU(one, query + j), hn::LoadU(one, x[r] + j), sum);
        rest[r] = hn::GetLane(sum);
      }
    }
  }
  for (std::size_t r = 0; r < R; ++r) {
    const auto sum = hn::Add(hn::Add(s0[r], s1[r]), hn::Add(s2[r], s3[r]));
    out[r] = hn::GetLane(hn::SumOfLanes(d, sum)) + rest[r];
  }
}

template <class Step>
float pair(const float* a, const float* b, std::size_t dimension) {
  float out;
  group<Step, 1>(a, dimension, &b, &out);
  return out;
}

HWY_INLINE void prefetch_row(const float* row, std::size_t dimension) {
  const std::size_t floats = HWY_MIN(dimension, prefetch_floats_max);
  for (std::size_t i = 0; i < floats; i += floats_per_line) hwy::Prefetch(row + i);
}

template <class Step>
void many(const float* query, std::size_t dimension, const float* base, std::size_t stride_floats,
          const std::uint32_t* rows, std::size_t count, float* out) {
  const auto at = [&](std::size_t i) { return base + (rows ? std::size_t{rows[i]} : i) * stride_floats; };
  std::size_t i = 0;
  for (; i + group_rows <= count; i += group_rows) {
    const float* x[group_rows];
    for (std::size_t r = 0; r < group_rows; ++r) x[r] = at(i + r);
    const std::size_t ahead = HWY_MIN(count, i + 2 * group_rows);
    for (std::size_t j = i + group_rows; j < ahead; ++j) prefetch_row(at(j), dimension);
    group<Step, group_rows>(query, dimension, x, out + i);
  }
  for (; i < count; ++i) out[i] = pair<Step>(query, at(i), dimension);
}

const kernels* table() {
  static const kernels functions{hwy::TargetName(HWY_TARGET), pair<dot_step>, pair<l2_step>, many<dot_step>,
                                 many<l2_step>};
  return &functions;
}

}  // namespace HWY_NAMESPACE
}  // namespace waggle
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace waggle {
namespace {

struct compiled_set {
  std::int64_t target;
  const kernels* (*table)();
};

// Highway keeps its own dispatch table private to one chosen target; tests must reach all of them.
constexpr compiled_set compiled_sets[] = {
#if HWY_TARGETS & HWY_AVX3
    {HWY_AVX3, N_AVX3::table},
#endif
#if HWY_TARGETS & HWY_AVX2
    {HWY_AVX2, N_AVX2::table},
#endif
#if HWY_TARGETS & HWY_SSE4
    {HWY_SSE4, N_SSE4::table},
#endif
#if HWY_TARGETS & HWY_SSSE3
    {HWY_SSSE3, N_SSSE3::table},
#endif
#if (HWY_STATIC_TARGET & (HWY_AVX3 | HWY_AVX2 | HWY_SSE4 | HWY_SSSE3)) == 0
    {HWY_STATIC_TARGET, HWY_STATIC_DISPATCH(table)},
#endif
};

}  // namespace

std::vector<const kernels*> all_kernels() {
  std::vector<const kernels*> found;
  for (const auto& set : compiled_sets)
    if (set.target == HWY_STATIC_TARGET || (hwy::SupportedTargets() & set.target)) found.push_back(set.table());
  return found;
}

const kernels& best_kernels() {
  static const kernels& best = *all_kernels().front();
  return best;
}

}  // namespace waggle
#endif  // HWY_ONCE
