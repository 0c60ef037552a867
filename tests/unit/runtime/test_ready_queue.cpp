#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <map>
#include <vector>

#include "actors/runtime/ready_queue.hpp"
#include "fixture.hpp"

using namespace waggle;
using runtime_test::tenant;

namespace {

caf::resumable* item(std::uintptr_t n) { return reinterpret_cast<caf::resumable*>(n); }
std::uintptr_t number(caf::resumable* r) { return reinterpret_cast<std::uintptr_t>(r); }
constexpr std::int64_t us = 1000;

}  // namespace

TEST_CASE("ready_queue: one tenant's items come out in the order they went in") {
  ready_queue q(500 * us, 32);
  auto& f = q.flow_of(tenant(1));
  for (std::uintptr_t i = 1; i <= 5000; ++i) q.push(f, item(i));
  CHECK(q.depth() == 5000);
  CHECK(q.active() == 1);
  for (std::uintptr_t i = 1; i <= 5000; ++i) {
    auto p = q.pop();
    REQUIRE(number(p.what) == i);
    q.charge(*p.owner, 300 * us);
  }
  CHECK(q.pop().what == nullptr);
  CHECK(q.active() == 0);
  CHECK(f.cpu_ns() == 5000u * 300 * us);
}

TEST_CASE("ready_queue: a quiet tenant overtakes a backlog within one quantum") {
  ready_queue q(500 * us, 32);
  auto& noisy = q.flow_of(tenant(1));
  for (std::uintptr_t i = 1; i <= 5000; ++i) q.push(noisy, item(i));
  for (int i = 0; i < 100; ++i) {
    auto p = q.pop();
    q.charge(*p.owner, 200 * us);
  }
  auto& quiet = q.flow_of(tenant(2));
  q.push(quiet, item(9999));
  std::int64_t waited = 0;
  for (;;) {
    auto p = q.pop();
    q.charge(*p.owner, 200 * us);
    if (number(p.what) == 9999) break;
    waited += 200 * us;
  }
  CHECK(waited <= 700 * us);
}

TEST_CASE("ready_queue: time is shared equally, not items") {
  ready_queue q(500 * us, 32);
  auto& dear = q.flow_of(tenant(1));
  auto& cheap = q.flow_of(tenant(2));
  for (std::uintptr_t i = 0; i < 40000; ++i) q.push(cheap, item(1)), q.push(dear, item(2));
  for (std::int64_t spent = 0; spent < 2'000'000 * us;) {
    auto p = q.pop();
    const std::int64_t cost = p.owner == &dear ? 7000 * us : 60 * us;
    q.charge(*p.owner, cost);
    spent += cost;
  }
  const double ratio = static_cast<double>(dear.cpu_ns()) / static_cast<double>(cheap.cpu_ns());
  CHECK(ratio > 0.97);
  CHECK(ratio < 1.03);
}

TEST_CASE("ready_queue: a tenant that sends one long job at a time pays its debt, too") {
  ready_queue q(500 * us, 32);
  auto& serial = q.flow_of(tenant(1));
  auto& backlog = q.flow_of(tenant(2));
  for (int i = 0; i < 100000; ++i) q.push(backlog, item(1));
  q.push(serial, item(2));
  for (std::int64_t spent = 0; spent < 5'000'000 * us;) {
    auto p = q.pop();
    const std::int64_t cost = p.owner == &serial ? 10000 * us : 100 * us;
    q.charge(*p.owner, cost);
    if (p.owner == &serial) q.push(serial, item(2));  // asks again as soon as it has its answer
    spent += cost;
  }
  const double share = static_cast<double>(serial.cpu_ns()) / 5e9;
  CHECK(share > 0.45);
  CHECK(share < 0.55);
}

TEST_CASE("ready_queue: tenants that come and go can't starve one with a backlog") {
  ready_queue q(500 * us, 32);
  auto& backlog = q.flow_of(tenant(200));
  for (int i = 0; i < 100000; ++i) q.push(backlog, item(1));
  for (std::uint8_t t = 0; t < 20; ++t) q.push(q.flow_of(tenant(t)), item(2));
  for (int i = 0; i < 50000; ++i) {
    auto p = q.pop();
    q.charge(*p.owner, 100 * us);
    if (p.owner != &backlog) q.push(*p.owner, item(2));  // always back at once, always "new"
  }
  const double share = static_cast<double>(backlog.cpu_ns()) / (50000.0 * 100 * us);
  CHECK(share > 0.9 / 21);
  CHECK(share < 1.1 / 21);
}

TEST_CASE("ready_queue: the system's queue has its weight") {
  ready_queue q(500 * us, 32);
  for (int i = 0; i < 50000; ++i) q.push(q.system(), item(1)), q.push(q.flow_of(tenant(1)), item(2));
  for (int i = 0; i < 20000; ++i) {
    auto p = q.pop();
    q.charge(*p.owner, 100 * us);
  }
  const double ratio =
      static_cast<double>(q.system().cpu_ns()) / static_cast<double>(q.flow_of(tenant(1)).cpu_ns());
  CHECK(ratio > ready_queue::system_weight * 0.95);
  CHECK(ratio < ready_queue::system_weight * 1.05);
}

TEST_CASE("ready_queue: how long items waited is their tenant's") {
  ready_queue q(500 * us, 32);
  const ready_queue::time_point start{std::chrono::hours(1)};
  for (std::uintptr_t i = 0; i < 3; ++i) q.push(q.flow_of(tenant(1)), item(i + 1), start + std::chrono::milliseconds(i));
  q.push(q.flow_of(tenant(2)), item(9), start + std::chrono::milliseconds(2));
  for (int left = 4; left > 0; --left) q.charge(*q.pop(start + std::chrono::milliseconds(5)).owner, 0);
  CHECK(q.flow_of(tenant(1)).spent().queued_us == 5000 + 4000 + 3000);
  CHECK(q.flow_of(tenant(2)).spent().queued_us == 3000);
  q.charge_extra(q.flow_of(tenant(2)), 7 * us, 2 * us);
  CHECK(q.flow_of(tenant(2)).spent().queued_us == 3002);
  CHECK(q.flow_of(tenant(2)).spent().cpu_us == 7);
}

TEST_CASE("ready_queue: forget keeps what is in use") {
  ready_queue q(500 * us, 32);
  auto& f = q.flow_of(tenant(1));
  q.push(f, item(1));
  CHECK_FALSE(q.forget(tenant(1)));
  auto p = q.pop();
  CHECK_FALSE(q.forget(tenant(1)));  // running
  q.charge(*p.owner, 5 * us);
  CHECK(q.totals().size() == 1);
  CHECK(q.forget(tenant(1)));
  CHECK(q.forget(tenant(1)));
  CHECK(q.known() == 0);
  CHECK(q.find(tenant(1)) == nullptr);
}

TEST_CASE("ready_queue: property: nothing is lost, doubled or reordered; totals add up") {
  CHECK(rc::check([] {
    ready_queue q(500 * us, 32);
    std::map<std::uint8_t, std::vector<std::uintptr_t>> in, out;
    std::map<std::uint8_t, std::int64_t> cost_in;
    std::map<ready_queue::flow*, std::uint8_t> who;
    std::uintptr_t next = 1;
    std::size_t held = 0;
    auto take = [&] {
      auto p = q.pop();
      RC_ASSERT((p.what != nullptr) == (held > 0));
      if (!p.what) return;
      --held;
      const auto t = who.at(p.owner);
      const std::int64_t cost = *rc::gen::inRange<std::int64_t>(0, 3'000'000);
      out[t].push_back(number(p.what));
      cost_in[t] += cost;
      q.charge(*p.owner, cost);
    };
    const auto steps = *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::inRange<std::uint8_t>(0, 12));
    for (auto s : steps) {
      if (s < 7) {
        auto& f = q.flow_of(tenant(s));
        who[&f] = s;
        in[s].push_back(next);
        q.push(f, item(next++));
        ++held;
      } else {
        take();
      }
      RC_ASSERT(q.depth() == held);
    }
    while (held) take();
    RC_ASSERT(q.pop().what == nullptr);
    RC_ASSERT(q.active() == 0u);
    RC_ASSERT(in == out);
    for (auto [t, cost] : cost_in) RC_ASSERT(q.find(tenant(t))->cpu_ns() == static_cast<std::uint64_t>(cost));
  }));
}
