// The server alone, on one thread, behind a handler that answers a small JSON: what the HTTP layer costs.
// bench_http PORT; then e.g. `wrk -t1 -c16 -d10 http://127.0.0.1:PORT/collections/docs` pinned to another core.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/text_out.hpp"
#include "net/http/error_body.hpp"
#include "net/http/server.hpp"

namespace {
class small_json final : public waggle::http_handler {
 public:
  boost::asio::awaitable<waggle::http_response> handle(waggle::http_request& request) override {
    waggle::http_response response;
    waggle::json_writer w(response.body);
    w.begin_object().member("name", request.segments.empty() ? std::string("root") : request.segments.back());
    w.member("dimension", 128u).member("metric", "cosine").member("vector_count", 1000u).end_object();
    co_return response;
  }
};
}  // namespace

int main(int argc, char** argv) {
  boost::asio::io_context context(1);
  small_json handler;
  waggle::http_options options;
  options.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  options.site.check_host = true;
  waggle::http_server server(options, {&context}, handler);
  if (auto started = server.start(); !started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  std::printf("http://127.0.0.1:%d\n", server.port());
  std::fflush(stdout);
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](auto, int) { context.stop(); });
  context.run();
  const auto stats = server.stats();
  std::printf("%llu requests\n", static_cast<unsigned long long>(stats.requests));
}
