#include "fixture.hpp"

using namespace waggle;
using namespace runtime_test;

TEST_CASE("clock: delayed messages come in the order they are due, not in the order they were sent") {
  runtime rt(small(2));
  auto order = std::make_shared<std::vector<std::int64_t>>();
  auto done = std::make_shared<std::promise<void>>();
  auto a = rt.system().spawn([=](caf::event_based_actor* self) -> caf::behavior {
    for (int ms : {40, 10, 30, 20, 1}) self->delayed_send(self, std::chrono::milliseconds(ms), add{ms});
    return {[=](const add& m) {
      order->push_back(m.amount);
      if (order->size() == 5) done->set_value();
    }};
  });
  rt.adopt(a);
  REQUIRE(done->get_future().wait_for(patience) == std::future_status::ready);
  CHECK(*order == std::vector<std::int64_t>{1, 10, 20, 30, 40});
  CHECK(rt.internal_clock().pending() == 0);
}

TEST_CASE("clock: nothing is early") {
  runtime rt(small(1));
  auto waited = std::make_shared<std::promise<std::int64_t>>();
  auto a = rt.system().spawn([=](caf::event_based_actor* self) -> caf::behavior {
    const auto start = std::chrono::steady_clock::now();
    self->delayed_send(self, std::chrono::milliseconds(15), touch{});
    return {[=](const touch&) {
      waited->set_value(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start)
                            .count());
    }};
  });
  rt.adopt(a);
  CHECK(waited->get_future().get() >= 15000);
}

TEST_CASE("clock: an actor's end takes its timeouts with it; shutting drops the rest") {
  runtime rt(small(2));
  auto a = rt.system().spawn([](caf::event_based_actor* self) -> caf::behavior {
    for (int i = 0; i < 50; ++i)
      self->request(caf::actor(self), std::chrono::seconds(25), never_reply{})
          .then([](int) {}, [](caf::error&) {});
    self->delayed_send(self, std::chrono::seconds(20), touch{});
    auto kept = std::make_shared<std::vector<caf::response_promise>>();
    return {[=](const never_reply&) {
              kept->push_back(self->make_response_promise());
              return kept->back();
            },
            [](const touch&) {}};
  });
  REQUIRE(eventually([&] { return rt.internal_clock().pending() == 51; }));
  caf::anon_send_exit(a, caf::exit_reason::kill);
  CHECK(eventually([&] { return rt.internal_clock().pending() == 1; }));  // the message isn't the actor's timeout
  a = nullptr;
  rt.stop();
  CHECK(rt.internal_clock().pending() == 0);
}

TEST_CASE("clock: set, reset and cancel from every worker at once") {
  runtime rt(small(3));
  std::atomic<int> left{30};
  for (int i = 0; i < 30; ++i) {
    auto a = rt.system().spawn([&left, i](caf::event_based_actor* self) -> caf::behavior {
      self->send(self, add{0});
      return {[&left, self, i](const add& m) {
        if (m.amount == 200) {
          --left;
          self->quit();
          return;
        }
        // Every other one by way of the clock, with times that go up and down.
        if ((m.amount + i) % 2)
          self->delayed_send(self, std::chrono::microseconds(1 + (m.amount * 37 + i * 11) % 400), add{m.amount + 1});
        else
          self->send(self, add{m.amount + 1});
      }};
    });
    rt.adopt(a);
  }
  CHECK(eventually([&] { return left == 0; }));
}
