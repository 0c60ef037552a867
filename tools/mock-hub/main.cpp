// mock-hub: a test double of HiveHub. Reads the seed, listens, runs until SIGTERM or SIGINT, exits 0.
#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "base/clock.hpp"
#include "tools/mock-hub/seed_file.hpp"
#include "tools/mock-hub/server.hpp"

namespace {
using namespace waggle::mock;
namespace asio = boost::asio;
using asio::ip::tcp;

struct arguments {
  std::string listen = "127.0.0.1:12000", control = "127.0.0.1:12001";
  std::string seed_file, state_dir, tls_cert, tls_key, service_key;
  std::uint64_t rng_seed = 1;
};

tcp::endpoint parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  boost::system::error_code code;
  const auto address = asio::ip::make_address(text.substr(0, colon), code);
  const auto port = colon == text.npos ? std::string() : text.substr(colon + 1);
  if (code || port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos ||
      std::stoi(port) > 65535)
    throw std::runtime_error("an address is IP:PORT, not '" + text + "'");
  return {address, static_cast<std::uint16_t>(std::stoi(port))};
}

std::shared_ptr<asio::ssl::context> make_tls(const arguments& a) {
  if (a.tls_cert.empty() && a.tls_key.empty()) return nullptr;
  if (a.tls_cert.empty() || a.tls_key.empty()) throw std::runtime_error("--tls-cert and --tls-key belong together");
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  tls->use_certificate_chain_file(a.tls_cert);
  tls->use_private_key_file(a.tls_key, asio::ssl::context::pem);
  return tls;
}

void run(const arguments& a) {
  if (a.service_key.empty()) throw std::runtime_error("--service-key or HIVEHUB_SERVICE_API_KEY is needed");
  const auto control_at = parse_endpoint(a.control);
  if (!control_at.address().is_loopback())
    throw std::runtime_error("--control must be a loopback address: it has no key");
  hub_options options{.service_key = a.service_key, .rng_seed = a.rng_seed, .seed = {}, .state_dir = a.state_dir};
  if (!a.seed_file.empty()) options.seed = read_seed_file(a.seed_file);
  hub of(std::move(options), [] { return waggle::system_clock().unix_ms(); });

  asio::io_context context(1);
  http_listener served(
      context, parse_endpoint(a.listen), [&of](request call) { return hub_door(of, std::move(call)); }, make_tls(a));
  http_listener control(context, control_at, [&of](request call) { return control_door(of, std::move(call)); });
  of.on_refuse = [&served](std::optional<std::int64_t> ms) { served.refuse(ms); };
  served.handshake_fails = [&of] { return of.plan_connection().last.has_value(); };
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&context](const auto&, int) { context.stop(); });
  served.start();
  control.start();
  std::cout << "mock-hub listens on " << served.url() << ", control on " << control.url() << std::endl;
  context.run();
}
}  // namespace

int main(int argc, char** argv) {
  arguments a;
  CLI::App app{"mock-hub: a test double of HiveHub"};
  app.set_version_flag("--version", "mock-hub " WAGGLE_VERSION);
  app.add_option("--listen", a.listen, "where the hub listens, IP:PORT; port 0 = any free one")->capture_default_str();
  app.add_option("--control", a.control, "where /__mock listens, loopback only")->capture_default_str();
  app.add_option("--seed-file", a.seed_file, "users, keys and faults to begin with (YAML)");
  app.add_option("--rng-seed", a.rng_seed, "of drawn ids, keys and faults")->capture_default_str();
  app.add_option("--state-dir", a.state_dir, "keeps the records in this directory; what is there goes before the seed");
  app.add_option("--tls-cert", a.tls_cert, "PEM; the hub speaks HTTPS");
  app.add_option("--tls-key", a.tls_key, "PEM");
  app.add_option("--service-key", a.service_key, "the Bearer key that nodes must send")
      ->envname("HIVEHUB_SERVICE_API_KEY");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    run(a);
  } catch (const std::exception& problem) {
    std::cerr << "mock-hub: " << problem.what() << '\n';
    return 1;
  }
  return 0;
}
