#include "storage/index/kernels.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace waggle;

namespace {

/// Sizes around every unrolling boundary, and the largest that the house allows.
std::vector<std::size_t> dimensions() {
  std::vector<std::size_t> d(130);
  std::iota(d.begin(), d.end(), 1);
  d.insert(d.end(), {768, 1000, 65536});
  return d;
}

struct expected {
  double value = 0;
  double magnitude = 0;  ///< sum of |terms|: what rounding is proportional to
};

expected dot_of(const float* a, const float* b, std::size_t n) {
  expected e;
  for (std::size_t i = 0; i < n; ++i) {
    const double t = double{a[i]} * double{b[i]};
    e.value += t, e.magnitude += std::fabs(t);
  }
  return e;
}

expected l2_of(const float* a, const float* b, std::size_t n) {
  expected e;
  for (std::size_t i = 0; i < n; ++i) {
    const double t = double{a[i]} - double{b[i]};
    e.value += t * t, e.magnitude += t * t;
  }
  return e;
}

bool close(float got, const expected& want) { return std::fabs(got - want.value) <= 1e-5 * want.magnitude + 1e-12; }

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace

TEST_CASE("every instruction set of this CPU is there, the portable one last") {
  const auto sets = all_kernels();
  REQUIRE(!sets.empty());
  CHECK(&best_kernels() == sets.front());
  std::set<std::string> names;
  for (const auto* k : sets) names.insert(k->name);
  CHECK(names.size() == sets.size());
#if defined(__x86_64__)
  CHECK(std::string(sets.back()->name) == "SCALAR");
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) CHECK(names.count("AVX2") == 1);
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) CHECK(names.count("AVX3") == 1);
#endif
}

TEST_CASE("pairs agree with double precision at every length and alignment") {
  for (const auto* k : all_kernels()) {
    CAPTURE(std::string(k->name));
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (const std::size_t n : dimensions()) {
      CAPTURE(n);
      for (std::size_t shift = 0; shift < 3; ++shift) {
        // Exactly n floats at the end of the allocation: a read past them is seen by the sanitizers.
        std::vector<float> a(n + shift), b(n + 2 * shift);
        for (float& v : a) v = normal(random);
        for (float& v : b) v = normal(random);
        const float *x = a.data() + shift, *y = b.data() + 2 * shift;
        CHECK(close(k->dot(x, y, n), dot_of(x, y, n)));
        CHECK(close(k->l2_squared(x, y, n), l2_of(x, y, n)));
      }
    }
  }
}

TEST_CASE("many rows give bit for bit what the rows give one by one") {
  for (const auto* k : all_kernels()) {
    CAPTURE(std::string(k->name));
    std::mt19937 random(11);
    std::normal_distribution<float> normal;
    for (const std::size_t n : {1u, 3u, 7u, 16u, 31u, 64u, 100u, 130u, 768u}) {
      const std::size_t stride = n + 3, count = 23;
      std::vector<float> query(n), base(stride * (count - 1) + n);
      for (float& v : query) v = normal(random);
      for (float& v : base) v = normal(random);
      std::vector<std::uint32_t> rows;
      for (std::size_t i = 0; i < 41; ++i) rows.push_back(static_cast<std::uint32_t>(random() % count));
      for (std::size_t asked = 0; asked <= rows.size(); ++asked) {
        std::vector<float> out(asked + 1, -12345.0f);
        k->dot_many(query.data(), n, base.data(), stride, rows.data(), asked, out.data());
        bool same = out[asked] == -12345.0f;
        for (std::size_t i = 0; i < asked; ++i)
          same = same && same_bits(out[i], k->dot(query.data(), base.data() + rows[i] * stride, n));
        k->l2_many(query.data(), n, base.data(), stride, rows.data(), asked, out.data());
        for (std::size_t i = 0; i < asked; ++i)
          same = same && same_bits(out[i], k->l2_squared(query.data(), base.data() + rows[i] * stride, n));
        CHECK(same);
      }
      std::vector<float> out(count);
      k->l2_many(query.data(), n, base.data(), stride, nullptr, count, out.data());
      for (std::size_t i = 0; i < count; ++i)
        CHECK(same_bits(out[i], k->l2_squared(query.data(), base.data() + i * stride, n)));
    }
  }
}

TEST_CASE("zero, huge and mixed values") {
  for (const auto* k : all_kernels()) {
    CAPTURE(std::string(k->name));
    const std::vector<float> zero(37, 0.0f), huge(37, 3e38f), some(37, -2.0f);
    CHECK(k->dot(zero.data(), some.data(), 37) == 0.0f);
    CHECK(k->l2_squared(some.data(), some.data(), 37) == 0.0f);
    CHECK(k->dot(some.data(), some.data(), 37) == 148.0f);
    CHECK(std::isinf(k->l2_squared(huge.data(), some.data(), 37)));
  }
}
