#include <algorithm>

#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;
using std::chrono::microseconds;
using std::chrono::steady_clock;

namespace {

std::int64_t us_since(steady_clock::time_point start) {
  return std::chrono::duration_cast<microseconds>(steady_clock::now() - start).count();
}

template <class F>
std::int64_t median_of_five(F measure) {
  std::vector<std::int64_t> all;
  for (int i = 0; i < 5; ++i) all.push_back(measure());
  std::sort(all.begin(), all.end());
  return all[2];
}

}  // namespace

TEST_CASE("fairness: 5,000 queued jobs of one tenant delay another's single job by less than 5 ms") {
  runtime rt(small(1));
  for (int i = 0; i < 5000; ++i) REQUIRE(rt.submit(tenant(1), [] { burn(microseconds(200)); }).has_value());
  std::size_t ahead = 0;
  int tries = 0;
  const auto delay = median_of_five([&] {
    // Not in step with the jobs: a try starts somewhere in the middle of one.
    std::this_thread::sleep_for(microseconds(3000 + 47 * ++tries));
    std::promise<std::int64_t> waited;
    const auto before = rt.stats().queue_depth;
    const auto start = steady_clock::now();
    REQUIRE(rt.submit(tenant(2), [&] { waited.set_value(us_since(start)); }).has_value());
    const auto us = waited.get_future().get();
    ahead = std::max(ahead, before - std::min(before, rt.stats().queue_depth));
    return us;
  });
  MESSAGE("a quiet tenant waited " << delay << " us, behind " << rt.stats().queue_depth << " jobs");
  CHECK(rt.stats().queue_depth > 1000);  // there was something to wait behind
  CHECK(delay < 5000);
  CHECK(ahead < 25);  // the same bound in jobs, which a busy host can't stretch
}

TEST_CASE("fairness: an actor with a long mailbox doesn't delay another tenant's actor, and the system's none") {
  runtime rt(small(1));
  auto noisy = rt.system().spawn<busy_actor>(tenant(1));
  auto quiet = rt.system().spawn<busy_actor>(tenant(2));
  auto system = rt.system().spawn(counter);
  rt.adopt(noisy);
  rt.adopt(quiet);
  rt.adopt(system);
  for (int i = 0; i < 5000; ++i) caf::anon_send(noisy, spin{200});
  // Waiting is counted in the noisy tenant's CPU time: a busy host stretches the wall clock, not this.
  auto on_quiet = median_of_five([&] {
    const auto before = rt.spent(tenant(1)).cpu_us;
    CHECK(on_worker(rt, 0, ask<int>(rt, quiet, spin{1}, 30000)).has_value());
    return static_cast<std::int64_t>(rt.spent(tenant(1)).cpu_us - before);
  });
  auto on_system = median_of_five([&] {
    const auto before = rt.spent(tenant(1)).cpu_us;
    CHECK(on_worker(rt, 0, ask<std::int64_t>(rt, system, add{1}, 30000)).has_value());
    return static_cast<std::int64_t>(rt.spent(tenant(1)).cpu_us - before);
  });
  CHECK(rt.spent(tenant(1)).cpu_us < 800'000);  // of a second: the mailbox was never empty
  MESSAGE("quiet tenant's actor " << on_quiet << " us, system's actor " << on_system << " us");
  CHECK(on_quiet < 5000);
  CHECK(on_system < 5000);
  caf::anon_send_exit(noisy, caf::exit_reason::kill);
}

TEST_CASE("fairness: sockets get their turn while tenants have work") {
  auto options = small(1);
  runtime rt(options);
  for (int i = 0; i < 3000; ++i) REQUIRE(rt.submit(tenant(1), [] { burn(microseconds(100)); }).has_value());
  const auto turn = median_of_five([&] {
    std::promise<void> ran;
    const auto before = rt.spent(tenant(1)).cpu_us;
    boost::asio::post(rt.context(0), [&] { ran.set_value(); });
    ran.get_future().get();
    return static_cast<std::int64_t>(rt.spent(tenant(1)).cpu_us - before);
  });
  CHECK(rt.stats().queue_depth > 500);
  MESSAGE("a socket's handler waited for " << turn << " us of jobs");
  CHECK(turn < 5000);
}

TEST_CASE("slices: a resume takes no more messages than the bound, and fewer when they are slow") {
  auto options = small(1);
  options.slice_messages_max = 8;
  runtime rt(options);
  auto a = rt.system().spawn(counter);
  rt.adopt(a);
  on_worker(rt, 0, ask<std::int64_t>(rt, a, add{0}, 5000));
  // The worker is held while the mailbox fills.
  std::promise<void> open;
  boost::asio::post(rt.context(0), [&] { open.get_future().wait(); });
  for (int i = 0; i < 800; ++i) caf::anon_send(a, add{1});
  const auto before = rt.stats().resumes;
  open.set_value();
  REQUIRE(*on_worker(rt, 0, ask<std::int64_t>(rt, a, read_total{}, 30000)) == 800);
  CHECK(rt.stats().resumes - before >= 100);  // 800 messages / 8

  auto slow = rt.system().spawn<busy_actor>(tenant(1));
  rt.adopt(slow);
  on_worker(rt, 0, ask<int>(rt, slow, spin{0}, 5000));
  std::promise<void> open_again;
  boost::asio::post(rt.context(0), [&] { open_again.get_future().wait(); });
  for (int i = 0; i < 400; ++i) caf::anon_send(slow, spin{250});
  const auto then = rt.stats().resumes;
  open_again.set_value();
  REQUIRE(on_worker(rt, 0, ask<int>(rt, slow, spin{0}, 30000)).has_value());
  CHECK(rt.stats().resumes - then >= 390);  // down to one message per resume
}

TEST_CASE("accounting: totals are the tenants' own, and add up to the time that passed") {
  runtime rt(small(1));
  const auto start = steady_clock::now();
  for (int i = 0; i < 100; ++i) REQUIRE(rt.submit(tenant(1), [] { burn(microseconds(300)); }).has_value());
  for (int i = 0; i < 50; ++i) REQUIRE(rt.submit(tenant(2), [] { burn(microseconds(300)); }).has_value());
  auto a = rt.system().spawn<busy_actor>(tenant(3));
  rt.adopt(a);
  for (int i = 0; i < 50; ++i) REQUIRE(on_worker(rt, 0, ask<int>(rt, a, spin{300}, 30000)).has_value());
  REQUIRE(on_worker(rt, 0, run_job(rt, tenant(1), [] { return 1; })).has_value());
  REQUIRE(eventually([&] { return rt.stats().queue_depth == 0 && rt.stats().engaged_workers == 0; }));
  const auto one = rt.spent(tenant(1)).cpu_us, two = rt.spent(tenant(2)).cpu_us, three = rt.spent(tenant(3)).cpu_us;
  CHECK(one >= 30000);
  CHECK(two >= 15000);
  CHECK(three >= 15000);
  CHECK(static_cast<std::int64_t>(one + two + three + rt.stats().system_cpu_us) <= us_since(start));
  CHECK(rt.spent(tenant(9)).cpu_us == 0);
  std::uint64_t sum = 0;
  for (auto& [who, spent] : rt.totals()) sum += spent.cpu_us;
  CHECK(sum == one + two + three);
  rt.charge(tenant(2), 1000);
  CHECK(rt.spent(tenant(2)).cpu_us == two + 1000);
  CHECK(rt.stats().known_tenants == 3);
  CHECK(rt.forget(tenant(2)));
  CHECK(rt.stats().known_tenants == 2);
}

TEST_CASE("accounting: a tenant doesn't pay for time in which its job had no core") {
  runtime rt(small(1));
  // Asleep is, to a clock on the wall, what being preempted by another process is.
  auto job = run_job(rt, tenant(1), [] {
    burn(microseconds(2000));
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
  });
  REQUIRE(on_worker(rt, 0, std::move(job)).has_value());
  REQUIRE(eventually([&] { return rt.stats().engaged_workers == 0; }));
  CHECK(rt.spent(tenant(1)).cpu_us >= 2000);
  CHECK(rt.spent(tenant(1)).cpu_us < 20000);
}
