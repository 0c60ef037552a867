#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdio>
#include <thread>

#include "actors/runtime/ask.hpp"
#include "roundtrip.hpp"

namespace roundtrip {

struct lookup {
  std::uint64_t key = 0;
};

}  // namespace roundtrip

WAGGLE_MESSAGE(roundtrip::lookup)

namespace roundtrip {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using waggle::result;

using shard_actor = caf::typed_actor<caf::replies_to<lookup>::with<result<std::uint64_t>>>;

shard_actor::behavior_type shard(shard_actor::pointer) {
  auto count = std::make_shared<std::uint64_t>(0);
  return {[count](const lookup& l) -> result<std::uint64_t> { return l.key + ++*count; }};
}

// `answer(key)` gives a number or an awaitable of one.
template <class Answer>
asio::awaitable<void> session(tcp::socket socket, Answer answer) {
  socket.set_option(tcp::no_delay(true));
  boost::beast::flat_buffer buffer;
  boost::system::error_code ec;
  for (std::uint64_t key = 0;; ++key) {
    http::request<http::string_body> request;
    co_await http::async_read(socket, buffer, request, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return;
    std::uint64_t value;
    if constexpr (std::is_same_v<std::invoke_result_t<Answer, std::uint64_t>, std::uint64_t>) {
      value = answer(key);
    } else {
      auto reply = co_await answer(key);
      value = reply ? *reply : 0;
    }
    http::response<http::string_body> response{http::status::ok, request.version()};
    response.keep_alive(request.keep_alive());
    response.body() = "{\"v\":" + std::to_string(value) + "}";
    response.prepare_payload();
    co_await http::async_write(socket, response, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return;
  }
}

template <class Answer>
asio::awaitable<void> listen(tcp::acceptor& acceptor, Answer answer) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), session(std::move(socket), answer), asio::detached);
  }
}

template <class Answer>
void start(tcp::acceptor& acceptor, Answer answer) {
  asio::co_spawn(acceptor.get_executor(), listen(acceptor, answer), asio::detached);
  std::printf("%u\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
}

const tcp::endpoint anywhere{asio::ip::address_v4::loopback(), 0};

[[noreturn]] void serve_plain() {
  asio::io_context context{1};
  tcp::acceptor acceptor(context, anywhere);
  start(acceptor, [](std::uint64_t key) -> std::uint64_t { return key; });
  for (;;) context.run();
}

// The same bridge as ours, over CAF's scheduler with one worker.
[[noreturn]] void serve_caf(const char* policy) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom_from_string(policy));
  config.set("scheduler.max-threads", 1);
  caf::actor_system system(config);
  auto target = system.spawn(shard);
  asio::io_context context{1};
  tcp::acceptor acceptor(context, anywhere);
  start(acceptor, [&](std::uint64_t key) -> asio::awaitable<result<std::uint64_t>> {
    auto set = std::make_shared<waggle::answers<std::uint64_t>>(1);
    waggle::ask_detail::send<std::uint64_t>(system, caf::actor_cast<caf::actor_control_block*>(target), lookup{key},
                                            set, 0);
    if (!set->ready()) co_await waggle::completion::wait(set, 1000);
    co_return set->take_one(waggle::ec::deadline_exceeded);
  });
  for (;;) context.run();
}

[[noreturn]] void serve_ours() {
  waggle::runtime_options options;
  options.workers = 1;
  waggle::runtime rt(options);
  auto target = rt.system().spawn(shard);
  tcp::acceptor acceptor(rt.context(0), anywhere);
  start(acceptor, [&](std::uint64_t key) { return waggle::ask<std::uint64_t>(rt, target, lookup{key}, 1000); });
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace

const char* name(mode m) {
  switch (m) {
    case mode::no_actor: return "no actor";
    case mode::caf_sharing: return "CAF sharing";
    case mode::caf_stealing: return "CAF stealing";
    case mode::ours: return "actors/runtime";
  }
  return "";
}

void serve(mode m) {
  switch (m) {
    case mode::no_actor: serve_plain();
    case mode::caf_sharing: serve_caf("sharing");
    case mode::caf_stealing: serve_caf("stealing");
    case mode::ours: break;
  }
  serve_ours();
}

}  // namespace roundtrip
