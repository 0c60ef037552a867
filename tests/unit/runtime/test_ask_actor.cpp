#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;

namespace {

struct go {};

}  // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(go)

namespace {

/// Runs `body(self)` inside a fresh actor.
template <class F>
caf::actor inside(runtime& rt, F body) {
  auto a = rt.system().spawn([body](caf::event_based_actor* self) -> caf::behavior {
    return {[=](const go&) { body(self); }};
  });
  rt.adopt(a);
  caf::anon_send(a, go{});
  return a;
}

template <class T>
T wait_for(std::future<T> value) {
  REQUIRE(value.wait_for(patience) == std::future_status::ready);
  return value.get();
}

}  // namespace

TEST_CASE("ask_actor: reply, failure, dead, deadline; each exactly once") {
  runtime rt(small(2));
  auto target = rt.system().spawn(difficult, std::make_shared<std::atomic<int>>(0));
  rt.adopt(target);
  auto dead = rt.system().spawn(difficult, std::make_shared<std::atomic<int>>(0));
  caf::anon_send_exit(dead, caf::exit_reason::kill);
  REQUIRE(eventually([&] { return rt.stats().actors == 1; }));

  struct outcome {
    int calls = 0;
    ec code = ec::ok;
    int value = 0;
  };
  auto run = [&](const caf::actor& to, auto request, int deadline) {
    auto done = std::make_shared<std::promise<outcome>>();
    auto out = std::make_shared<outcome>();
    auto who = inside(rt, [=](caf::event_based_actor* self) {
      ask_actor<int>(
          self, to, request, deadline,
          [=](int& v) {
            out->value = v;
            if (++out->calls == 1) done->set_value(*out);
          },
          [=](const failure& f) {
            out->code = f.code;
            if (++out->calls == 1) done->set_value(*out);
          });
    });
    wait_for(done->get_future());
    on_worker(rt, 0, ask<int>(rt, target, reply_after{1}, 5000));  // whatever is late has come by now
    caf::anon_send_exit(who, caf::exit_reason::kill);
    return *out;
  };

  auto ok = run(target, add{9}, 5000);
  CHECK(ok.value == 9);
  CHECK(ok.calls == 1);
  CHECK(run(target, reply_error{ec::not_ready}, 5000).code == ec::not_ready);
  CHECK(run(dead, add{9}, 5000).code == ec::tenant_unavailable);
  CHECK(run(caf::actor{}, add{9}, 5000).code == ec::tenant_unavailable);
  auto late = run(target, never_reply{}, 10);
  CHECK(late.code == ec::deadline_exceeded);
  CHECK(late.calls == 1);
}

TEST_CASE("ask_actor: the timeout of an answered request leaves the clock") {
  runtime rt(small(2));
  auto target = rt.system().spawn(counter);
  rt.adopt(target);
  auto left = std::make_shared<std::atomic<int>>(2000);
  inside(rt, [=](caf::event_based_actor* self) {
    for (int i = 0; i < 2000; ++i)
      ask_actor<std::int64_t>(
          self, target, add{1}, 30000, [=](std::int64_t&) { --*left; }, [](const failure&) {});
  });
  REQUIRE(eventually([&] { return *left == 0; }));
  CHECK(eventually([&] { return rt.internal_clock().pending() == 0; }));
}

TEST_CASE("gather in an actor: order, failures in place, none") {
  runtime rt(small(2));
  std::vector<caf::actor> to;
  for (int i = 0; i < 5; ++i) to.push_back(rt.system().spawn(difficult, std::make_shared<std::atomic<int>>(0)));
  for (auto& a : to) rt.adopt(a);
  caf::anon_send_exit(to[3], caf::exit_reason::kill);
  REQUIRE(eventually([&] { return rt.stats().actors == 4; }));

  auto done = std::make_shared<std::promise<std::vector<result<int>>>>();
  inside(rt, [=](caf::event_based_actor* self) {
    gather<int>(self, to, add{2}, 5000, [=](std::vector<result<int>> all) { done->set_value(std::move(all)); });
  });
  auto all = wait_for(done->get_future());
  REQUIRE(all.size() == 5);
  for (std::size_t i = 0; i < 5; ++i)
    if (i == 3)
      CHECK(all[i].error().code == ec::tenant_unavailable);
    else
      CHECK(*all[i] == 2);

  auto none = std::make_shared<std::promise<std::size_t>>();
  inside(rt, [=](caf::event_based_actor* self) {
    gather<int>(self, std::vector<caf::actor>{}, add{2}, 5000,
                [=](std::vector<result<int>> got) { none->set_value(got.size()); });
  });
  CHECK(wait_for(none->get_future()) == 0);
}
