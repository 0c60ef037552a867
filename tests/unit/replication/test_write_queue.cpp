#include <doctest/doctest.h>

#include "actors/replication/write_queue.hpp"

using namespace waggle;

namespace {
tenant_id tenant(std::uint8_t n) {
  tenant_id t;
  t.bytes[0] = n;
  return t;
}
constexpr std::size_t any = 1'000'000;
}  // namespace

TEST_CASE("write queue: tenants take turns, each in its own order") {
  write_queue<int> q;
  for (int i = 0; i < 5; ++i) q.push(tenant(1), 10 + i, 1);
  q.push(tenant(2), 20, 1);
  q.push(tenant(3), 30, 1);
  q.push(tenant(2), 21, 1);
  CHECK(q.size() == 8);
  CHECK(q.waiting(tenant(1)) == 5);
  CHECK(q.waiting(tenant(9)) == 0);
  CHECK(q.take(4, any) == std::vector<int>{10, 20, 30, 11});
  CHECK(q.take(any, any) == std::vector<int>{21, 12, 13, 14});
  CHECK(q.empty());
  CHECK(q.waiting(tenant(1)) == 0);
  CHECK(q.take(4, any).empty());
}

TEST_CASE("write queue: a batch ends at its bytes, but takes at least one") {
  write_queue<int> q;
  q.push(tenant(1), 1, 900);
  q.push(tenant(2), 2, 60);
  q.push(tenant(3), 3, 60);
  CHECK(q.take(any, 100) == std::vector<int>{1});
  CHECK(q.take(any, 120) == std::vector<int>{2, 3});
  q.push(tenant(1), 1, 60);
  q.push(tenant(1), 2, 60);
  CHECK(q.take(any, 119) == std::vector<int>{1});
  CHECK(q.take_all() == std::vector<int>{2});
}

TEST_CASE("write queue: a tenant that comes back gets the last place") {
  write_queue<int> q;
  q.push(tenant(1), 1, 1);
  q.push(tenant(2), 2, 1);
  CHECK(q.take(1, any) == std::vector<int>{1});
  q.push(tenant(1), 3, 1);
  CHECK(q.take(any, any) == std::vector<int>{2, 3});
}
