#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "net/hub/expiring_cache.hpp"

using namespace waggle;

namespace {
using cache = expiring_cache<int, std::string>;

/// What the cache must do, without cleverness: a list, last used at the end.
class naive_cache {
 public:
  explicit naive_cache(const cache_ages& ages) : ages_(ages) {}

  cache::found get(int key, std::int64_t now_ms) {
    const auto it = find(key);
    if (it == all_.end()) return {};
    const auto e = *it;
    all_.erase(it);
    const auto age_ms = now_ms - e.put_ms;
    if (age_ms >= ages_.ttl_ms + ages_.stale_max_ms) return {};
    all_.push_back(e);
    if (age_ms >= ages_.ttl_ms) return {freshness::stale, e.value};
    return {age_ms * 5 >= ages_.ttl_ms * 4 ? freshness::refresh_due : freshness::fresh, e.value};
  }
  void put(int key, const std::string& value, std::int64_t now_ms) {
    erase(key);
    if (ages_.ttl_ms + ages_.stale_max_ms == 0) return;
    all_.push_back({key, value, now_ms});
    if (all_.size() > ages_.entries_max) all_.erase(all_.begin());
  }
  void erase(int key) {
    if (const auto it = find(key); it != all_.end()) all_.erase(it);
  }
  std::size_t size() const { return all_.size(); }

 private:
  struct entry {
    int key;
    std::string value;
    std::int64_t put_ms;
  };
  std::vector<entry>::iterator find(int key) {
    return std::find_if(all_.begin(), all_.end(), [key](const entry& e) { return e.key == key; });
  }
  cache_ages ages_;
  std::vector<entry> all_;
};
/// 0 … n-1, whatever RapidCheck's size is.
int below(int n) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, n)); }
}  // namespace

TEST_CASE("cache: an entry is fresh, worth a refresh, stale, gone") {
  cache c({1'000, 500, 10});
  c.put(1, "a", 100);
  const auto age = [&](std::int64_t now_ms) { return c.get(1, now_ms).age; };
  CHECK(age(100) == freshness::fresh);
  CHECK(age(899) == freshness::fresh);
  CHECK(age(900) == freshness::refresh_due);
  CHECK(age(1'099) == freshness::refresh_due);
  CHECK(age(1'100) == freshness::stale);
  CHECK(age(1'599) == freshness::stale);
  CHECK(c.get(1, 1'599).value == "a");
  CHECK(age(1'600) == freshness::absent);
  CHECK(c.size() == 0);
  CHECK(age(100) == freshness::absent);  // gone is gone, whatever the time
}

TEST_CASE("cache: being used makes no entry younger, being put does") {
  cache c({1'000, 0, 10});
  c.put(1, "a", 0);
  for (std::int64_t t = 0; t < 1'000; ++t) REQUIRE(c.get(1, t).age != freshness::absent);
  CHECK(c.get(1, 1'000).age == freshness::absent);
  c.put(1, "a", 0);
  c.put(1, "b", 900);
  CHECK(c.get(1, 1'600).age == freshness::fresh);
  CHECK(c.get(1, 1'600).value == "b");
  CHECK(c.size() == 1);
}

TEST_CASE("cache: without a time to live nothing is kept") {
  cache c({0, 0, 10});
  c.put(1, "a", 0);
  CHECK(c.size() == 0);
  CHECK(c.get(1, 0).age == freshness::absent);
  // Without a TTL but with a grace, entries are there for when nobody answers.
  cache graceful({0, 100, 10});
  graceful.put(1, "a", 0);
  CHECK(graceful.get(1, 0).age == freshness::stale);
}

TEST_CASE("cache: many keys never take more room than allowed") {
  cache c({1'000, 0, 100});
  for (int key = 0; key < 10'000; ++key) {
    c.put(key, "v", key);
    REQUIRE(c.size() <= 100);
    REQUIRE(c.get(key, key).age == freshness::fresh);
  }
  CHECK(c.get(9'900, 10'000).age == freshness::fresh);
  CHECK(c.get(9'899, 10'000).age == freshness::absent);
}

TEST_CASE("cache: agrees with a naive one on ages, order and bounds") {
  std::array<int, 4> seen{};
  int evictions = 0;
  CHECK(rc::check("any sequence of put, get and erase", [&] {
    const cache_ages ages{5 * below(20), below(100), static_cast<std::size_t>(below(6))};
    cache real(ages);
    naive_cache model(ages);
    std::int64_t now_ms = 0;
    for (int step = 0; step < 300; ++step) {
      now_ms += below(8) == 0 ? below(40) : below(3);
      const int key = below(8);
      switch (below(8)) {
        case 0: {
          real.erase(key);
          model.erase(key);
          break;
        }
        case 1:
        case 2: {
          const auto value = std::to_string(step);
          evictions += model.size() == ages.entries_max;
          real.put(key, value, now_ms);
          model.put(key, value, now_ms);
          break;
        }
        default: {
          const auto is = real.get(key, now_ms), should = model.get(key, now_ms);
          RC_ASSERT(is.age == should.age);
          RC_ASSERT(is.value == should.value);
          ++seen[static_cast<std::size_t>(is.age)];
        }
      }
      RC_ASSERT(real.size() == model.size());
      RC_ASSERT(real.size() <= ages.entries_max);
    }
  }));
  for (const int times : seen) CHECK(times > 100);  // absent, fresh, refresh due, stale: each was met
  CHECK(evictions > 100);
}
