#include <doctest/doctest.h>

#include <csignal>

#include "tests/unit/wagglectl/scripted_node.hpp"
#include "tests/unit/wagglectl/wire.hpp"

using namespace waggle::ctl::test;

namespace {
cli_result ask(const scripted_node& node, const std::string& host, const std::string& ca_file) {
  std::vector<std::string> arguments{"status", "--timeout", "2"};
  if (!ca_file.empty()) arguments.insert(arguments.end(), {"--ca-cert", ca_file});
  return run("https://" + host + ":" + std::to_string(node.port()), arguments,
             {"", false, {{"WAGGLE_TOKEN", "s3cret"}}});
}
}  // namespace

TEST_CASE(
    "https: a certificate is accepted only from the given CA and for the asked host; no credential leaves before") {
  std::signal(SIGPIPE, SIG_IGN);  // the scripted node writes through SSL_write, which cannot ask for MSG_NOSIGNAL
  const tls_identity right("localhost"), other_host("db.example.org"), stranger("localhost");
  scratch_directory dir;
  const auto right_ca = dir.write("right.pem", right.certificate_pem());
  const auto other_ca = dir.write("other.pem", other_host.certificate_pem());
  const auto stranger_ca = dir.write("stranger.pem", stranger.certificate_pem());
  const auto answer = [](const seen_request&) { return canned_answer{200, R"({"online":true,"version":"9"})"}; };

  scripted_node node(answer, &right);
  const auto good = ask(node, "localhost", right_ca);
  CHECK(good.code == 0);
  CHECK(node.requests().front().headers.at("authorization") == "Bearer s3cret");
  const auto seen = node.requests().size();
  for (const auto& ca : {std::string(), stranger_ca}) {
    const auto refused = ask(node, "localhost", ca);
    CHECK(refused.code == 3);
    CHECK(refused.err.find("--ca-cert") != std::string::npos);
  }
  CHECK(ask(node, "127.0.0.1", right_ca).code == 3);  // the certificate names localhost only
  CHECK(node.requests().size() == seen);

  scripted_node elsewhere(answer, &other_host);
  CHECK(ask(elsewhere, "localhost", other_ca).code == 3);
  CHECK(elsewhere.requests().empty());

  scripted_node plain(answer);
  CHECK(ask(plain, "localhost", right_ca).code == 3);
  CHECK(ask(node, "localhost", dir.write("bad.pem", "no certificate")).code == 2);
}
