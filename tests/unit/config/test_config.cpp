// config.md §1 rule by rule: errors with lines, aliases, precedence, includes, interpolation, secrets, refusals.
#include <doctest/doctest.h>

#include "config_support.hpp"

using namespace waggle;
using namespace waggle::test;

TEST_CASE("defaults make a standalone node") {
  loader l;
  l.command_line = {{"data_dir", l.dir.path("data")}};
  const auto c = l.load("");
  REQUIRE(c.has_value());
  const auto s = c->settings();
  CHECK(s.server.host == "127.0.0.1");
  CHECK(s.server.port == 15002);
  CHECK(s.server.request_timeout_ms == 30000);
  CHECK(s.server.threads >= 1);
  CHECK(s.server.body_bytes_max == 100u << 20);
  CHECK(s.limits.payload_bytes_max == 1024u << 10);
  CHECK(s.collections.dimension == 512);
  CHECK(s.collections.metric == "cosine");
  CHECK(s.durability.fsync);
  CHECK(s.durability.group_commit_us == 500);
  CHECK(c->text("backup.backup_dir") == l.dir.path("data") + "/hub_backups");
  CHECK(c->list("hub.key_patterns") == std::vector<std::string>{"^hh_(live|test|admin)_[A-Za-z0-9]{32,64}$"});
  CHECK(c->warnings().empty());
}

TEST_CASE("a missing default file is an empty one, a missing named file is an error") {
  scratch dir;
  config_sources s;
  s.file = dir.path("none.yml");
  s.command_line = {{"data_dir", dir.path("data")}};
  CHECK(config::load(s).has_value());
  s.file_required = true;
  const auto c = config::load(s);
  REQUIRE_FALSE(c.has_value());
  CHECK(has(c.error().list[0].message, "does not exist"));
}

TEST_CASE("every problem is listed at once, with file, line and the nearest key") {
  loader l;
  const auto c = l.load(
      "server:\n"
      "  prot: 1\n"
      "  port: fast\n"
      "  port: 2\n"
      "  drain_seconds: 99999\n"
      "loging:\n"
      "  level: info\n"
      "logging:\n"
      "  level: loud\n"
      "  format: [json]\n"
      "port: 15002\n");
  REQUIRE_FALSE(c.has_value());
  std::string all;
  for (const auto& p : c.error().list) all += to_string(p) + "\n";
  INFO(all);
  CHECK(c.error().list.size() == 8);
  const auto file = l.dir.path("config.yml");
  CHECK(has(all, file + ":2: server.prot: unknown key; did you mean server.port?"));
  CHECK(has(all, file + ":3: server.port: 'fast' is not a whole number"));
  CHECK(has(all, file + ":4: server.port: is set twice; the first time in line 3"));
  CHECK(has(all, file + ":5: server.drain_seconds: must be at most 3600 s, not 99999"));
  CHECK(has(all, file + ":6: loging: unknown key; did you mean logging?"));
  CHECK(has(all, file + ":9: logging.level: must be one of trace|debug|info|warn|error|off, not 'loud'"));
  CHECK(has(all, file + ":10: logging.format: must be a single value, not a list"));
  CHECK(has(all, file + ":11: port: unknown key; did you mean "));
  for (std::size_t i = 1; i < c.error().list.size(); ++i) CHECK(c.error().list[i - 1].line <= c.error().list[i].line);
}

TEST_CASE("a key that a file sets twice is one problem") {
  for (const char* yaml : {"server:\n  port: 1\n  port: 2\n", "logging.level: info\nlogging.level: debug\n"}) {
    loader l;
    const auto c = l.load(yaml);
    REQUIRE_FALSE(c.has_value());
    REQUIRE(c.error().list.size() == 1);
    CHECK(has(c.error().list[0].message, "is set twice; the first time in line"));
  }
}

TEST_CASE("a set of paths holds where no path is written") {
  const std::string hub = "hub: {enabled: true, service_api_key: some-key, api_url: 'https://hub.example', ";
  const auto paths = [&](const std::string& more) {
    loader l;
    const auto c = l.load(hub + more + "}");
    INFO(l.problems(hub + more + "}"));
    REQUIRE(c.has_value());
    return c->settings().hub;
  };
  CHECK(paths("path_set: internal").get_quota_path == "GET /api/internal/{service}/user/{user_id}/quota");
  const auto v1 = paths("path_set: v1, paths: {get_user: '', report_usage: POST /own}");
  CHECK(v1.get_quota_path == "GET /api/v1/{service}/users/{user_id}/quota");
  CHECK(v1.get_user_path == "");
  CHECK(v1.report_usage_path == "POST /own");
}

TEST_CASE("wrong types") {
  loader l;
  const auto wrong = [&](const std::string& yaml) { return l.problems(yaml); };
  CHECK(has(wrong("server: {port: '15002'}"), "must be a number, not the text"));
  CHECK(has(wrong("server: {port: 1.5}"), "not a whole number"));
  CHECK(has(wrong("server: {port: }"), "needs a value"));
  CHECK(has(wrong("server: {port: {a: 1}}"), "takes a value, not keys"));
  CHECK(has(wrong("server: {port: -1}"), "must be at least 0"));
  CHECK(has(wrong("server: {port: 65536}"), "must be at most 65535"));
  CHECK(has(wrong("server: {port: 99999999999999999999}"), "too large"));
  CHECK(has(wrong("metrics: {enabled: yes}"), "must be true or false"));
  CHECK(has(wrong("metrics: {enabled: \"true\"}"), "must be true or false"));
  CHECK(has(wrong("metrics: {enabled: 1}"), "must be true or false"));
  CHECK(has(wrong("server: 5"), "is a section"));
  CHECK(has(wrong("server: {allowed_hosts: a}"), "must be a list"));
  CHECK(has(wrong("server: {allowed_hosts: [[a]]}"), "list of plain values"));
  CHECK(has(wrong("- a\n- b\n"), "a map of keys"));
  CHECK(has(wrong("just text"), "a map of keys"));
  CHECK(wrong("server:\nlogging:\n") == "");
}

TEST_CASE("sizes and durations take units and never round") {
  loader l;
  const auto number = [&](const std::string& yaml, const char* key) {
    const auto c = l.load(yaml);
    INFO(l.problems(yaml));
    REQUIRE(c.has_value());
    return c->number(key);
  };
  CHECK(number("api: {rest: {max_request_size_mb: 1GiB}}", "api.rest.max_request_size_mb") == 1024);
  CHECK(number("api: {rest: {max_request_size_mb: 2048KiB}}", "api.rest.max_request_size_mb") == 2);
  CHECK(number("limits: {max_payload_kb: 1 MiB}", "limits.max_payload_kb") == 1024);
  CHECK(number("server: {request_timeout_ms: 5s}", "server.request_timeout_ms") == 5000);
  CHECK(number("server: {drain_seconds: 2m}", "server.drain_seconds") == 120);
  CHECK(number("server: {keepalive_seconds: 1d}", "server.keepalive_seconds") == 86400);
  CHECK(number("durability: {group_commit_us: 2ms}", "durability.group_commit_us") == 2000);
  CHECK(number("backup: {max_backup_age_hours: 2d}", "backup.max_backup_age_hours") == 48);
  CHECK(has(l.problems("server: {drain_seconds: 1500ms}"), "not a whole number of s"));
  CHECK(has(l.problems("api: {rest: {max_request_size_mb: 1KiB}}"), "not a whole number of MiB"));
  CHECK(has(l.problems("api: {rest: {max_request_size_mb: 5MB}}"), "is not a unit"));
  CHECK(has(l.problems("server: {drain_seconds: 5 years}"), "is not a unit"));
  CHECK(has(l.problems("tenancy: {memory_budget_mb: 9223372036854775807TiB}"), "too large"));
}

TEST_CASE("JSON is accepted, with lines") {
  loader l;
  const auto c = l.load(
      "{\n\t\"server\": {\"port\": 1234, \"allowed_hosts\": [\"a.example\", \"b\"]},\n \"logging\": {\"format\": "
      "\"json\"}\n}\n");
  REQUIRE(c.has_value());
  CHECK(c->number("server.port") == 1234);
  CHECK(c->list("server.allowed_hosts") == std::vector<std::string>{"a.example", "b"});
  CHECK(has(l.problems("{\n \"server\": {\n  \"port\": \"x\"\n }\n}"), "3 server.port"));
}

TEST_CASE("what is not plain YAML is refused, not guessed") {
  loader l;
  CHECK(has(l.problems("server:\n  port: &p 1\n"), "anchors"));
  CHECK(has(l.problems("server: {port: !!int 1}"), "tags"));
  CHECK(has(l.problems("a: [1,\nb"), "not valid YAML"));
  CHECK(has(l.problems("server: {port: 1}\n---\nserver: {port: 2}\n"), "one document"));
  CHECK(has(l.problems("? [a, b]\n: c\n"), "a key must be a plain word"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "[";
  CHECK(has(l.problems("server: " + deep), "not valid YAML"));
  CHECK(has(l.problems(std::string(2 << 20, '#')), "larger than 1 MiB"));
}

TEST_CASE("precedence: command line over environment over file over default") {
  loader l;
  CHECK(l.good("server: {port: 1000}").number("server.port") == 1000);
  l.environment = {{"WAGGLE_SERVER__PORT", "2000"}};
  CHECK(l.good("server: {port: 1000}").number("server.port") == 2000);
  l.command_line = {{"server.port", "3000"}};
  const auto c = l.load("server: {port: 1000}");
  CHECK(c->number("server.port") == 3000);
  CHECK(c->origin("server.port").layer == config_layer::command_line);
  CHECK(c->origin("server.host").layer == config_layer::standard);
}

TEST_CASE("environment: Vectorizer's names, unknown names, names of others") {
  loader l;
  l.environment = {{"VECTORIZER_PORT", "2100"},
                   {"VECTORIZER_LOG_LEVEL", "debug"},
                   {"WAGGLE_PORT", "tcp://10.0.0.1:15002"},
                   {"WAGGLE_SERVICE_HOST", "10.0.0.1"},
                   {"PATH", "/bin"}};
  const auto c = l.load("");
  REQUIRE(c.has_value());
  CHECK(c->number("server.port") == 2100);
  CHECK(c->text("logging.level") == "debug");
  l.environment = {{"WAGGLE_ENDPOINT", "http://h"},
                   {"WAGGLE_TOKEN", "t"},
                   {"WAGGLE_BUILD_DIR", "build"},
                   {"WAGGLE_PORT_15002_TCP_ADDR", "10.0.0.1"},
                   {"WAGGLE_NODE_SERVICE_PORT_HTTP", "15002"},
                   {"WAGGLE_NODE_PORT", "tcp://10.0.0.1:15002"}};
  CHECK(l.loads(""));
  const std::pair<const char*, const char*> unknown[] = {
      {"WAGGLE_NOSUCH", "unknown key"},
      {"WAGGLE_DATADIR", "did you mean data_dir? (WAGGLE_DATA_DIR)"},
      {"WAGGLE_LOGGING_LEVEL", "did you mean logging.level? (WAGGLE_LOGGING__LEVEL)"},
      {"WAGGLE_PORT", "port? (WAGGLE_"}};
  for (const auto& [name, part] : unknown) {
    l.environment = {{name, "1"}};
    CHECK(has(l.problems(""), std::string(name) + ": unknown key"));
    CHECK(has(l.problems(""), part));
  }
  l.environment = {{"WAGGLE_SERVER__PROT", "1"}};
  const auto text = l.problems("");
  CHECK(has(text, "WAGGLE_SERVER__PROT: unknown key; did you mean server.port?"));
  CHECK(has(text, "WAGGLE_SERVER__PORT"));
  l.environment = {{"VECTORIZER_PORT", "1"}, {"WAGGLE_SERVER__PORT", "2"}};
  CHECK(has(l.problems(""), "is the same key as"));
  l.environment = {{"VECTORIZER_PORT", "7"}, {"WAGGLE_SERVER__PORT", "7"}};
  CHECK(l.loads(""));
}

TEST_CASE("aliases are one key: equal is fine, different is an error, a higher layer overrides") {
  loader l;
  CHECK(l.good("cluster: {usage_report_interval: 60}").number("hub.usage_report_interval") == 60);
  CHECK(l.loads("hub: {usage_report_interval: 60}\ncluster: {usage_report_interval: 1m}"));
  const auto text = l.problems("hub: {usage_report_interval: 60}\ncluster: {usage_report_interval: 61}");
  CHECK(has(text, "2 cluster.usage_report_interval: is the same key as hub.usage_report_interval ("));
  l.environment = {{"WAGGLE_CLUSTER__USAGE_REPORT_INTERVAL", "90"}};
  CHECK(l.good("hub: {usage_report_interval: 60}").number("hub.usage_report_interval") == 90);
  l.command_line = {{"server.port", "1"}, {"server.port", "2"}};
  CHECK(has(l.problems(""), "different value"));
}

TEST_CASE("include: the including file has the last word") {
  loader l;
  l.dir.write("base.yml", "server: {port: 1, drain_seconds: 5}\nlogging: {level: warn}\n");
  l.dir.write("more.yml", "server: {drain_seconds: 6}\n");
  const auto c = l.load("include: [base.yml, more.yml]\nserver: {port: 2}\n");
  REQUIRE(c.has_value());
  CHECK(c->number("server.port") == 2);
  CHECK(c->number("server.drain_seconds") == 6);
  CHECK(c->text("logging.level") == "warn");
  CHECK(has(l.problems("include: [gone.yml]"), "1 include: "));
  CHECK(has(l.problems("include: [config.yml]"), "includes itself"));
  CHECK(has(l.problems("include: {a: b}"), "must be a list of files"));
  l.dir.write("bad.yml", "\n\nserver: {prot: 1}\n");
  const auto bad = l.load("include: [bad.yml]");
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().list[0].line == 3);
  CHECK(has(bad.error().list[0].file, "bad.yml"));
}

TEST_CASE("${VAR} and ${VAR:-default}") {
  loader l;
  l.environment = {{"P", "1234"}, {"EMPTY", ""}, {"HOSTS", "a"}};
  CHECK(l.good("server: {port: \"${P}\"}").number("server.port") == 1234);
  CHECK(l.good("server:\n  port: ${NOPE:-77}").number("server.port") == 77);
  CHECK(l.good("server:\n  port: ${EMPTY:-78}").number("server.port") == 78);
  CHECK(l.good("server: {allowed_hosts: [\"x-${HOSTS}-${NOPE:-}y\"]}").list("server.allowed_hosts")[0] == "x-a-y");
  CHECK(l.good("hub: {service_name: \"a$${P}\"}").text("hub.service_name") == "a${P}");
  CHECK(has(l.problems("\nserver.port: ${NOPE}"), "2 server.port: the variable ${NOPE} is not set"));
  CHECK(has(l.problems("hub: {service_name: \"${P\"}"), "without '}'"));
  // What a variable holds is not looked at again.
  l.environment = {{"A", "${B}"}, {"B", "x"}};
  CHECK(l.good("hub: {service_name: \"${A}\"}").text("hub.service_name") == "${B}");
}

TEST_CASE("secrets: value, file, environment; never readable by others, never shown") {
  const std::string secret = "0123456789abcdef0123456789abcdef";
  loader l;
  const auto good = l.dir.write("jwt", secret + "\n", 0600);
  auto c = l.load("auth: {jwt_secret_file: " + good + "}");
  REQUIRE(c.has_value());
  CHECK(c->text("auth.jwt_secret") == secret);
  CHECK_FALSE(has(c->dump(), secret));
  CHECK(has(c->dump(), "# auth.jwt_secret: \"***\""));
  CHECK(has(l.problems("auth: {jwt_secret_file: " + l.dir.write("open", secret, 0640) + "}"),
            "must not be accessible by group or others"));
  CHECK(has(l.problems("auth: {jwt_secret_file: " + l.dir.path("gone") + "}"), "can't open"));
  CHECK(has(l.problems("auth: {jwt_secret_file: " + l.dir.write("empty", "\n") + "}"), "is empty"));
  CHECK(has(l.problems("auth: {jwt_secret_file: " + l.dir.path("") + "}"), "not a regular file"));
  CHECK(has(l.problems("auth: {jwt_secret: short}"), "at least 32 bytes"));
  CHECK(l.loads("auth: {jwt_secret: " + secret + "}", 0600));
  CHECK(has(l.problems("auth: {jwt_secret: " + secret + "}", 0644), "secret in a file that group or others can read"));
  l.environment = {{"S", secret}};
  CHECK(l.loads("auth: {jwt_secret: \"${S}\"}", 0644));
  l.environment = {{"VECTORIZER_JWT_SECRET", secret}};
  CHECK(l.good("").text("auth.jwt_secret") == secret);
  l.environment = {{"WAGGLE_AUTH__JWT_SECRET_FILE", good}, {"WAGGLE_AUTH__JWT_SECRET", secret + "x"}};
  const auto text = l.problems("");
  CHECK(has(text, "different value"));
  CHECK_FALSE(has(text, secret));
  l.environment = {{"HIVEHUB_API_KEY_FILE", good}};
  CHECK(l.good("").text("hub.service_api_key") == secret);
  l.environment = {};
  const auto list = l.dir.write("list", secret + "\n" + secret + "2\n");
  CHECK(l.good("hub: {inbound: {secrets_file: " + list + "}}").list("hub.inbound.secrets").size() == 2);
}

TEST_CASE("lists in variables and arguments") {
  loader l;
  l.environment = {{"WAGGLE_SERVER__ALLOWED_HOSTS", "a, b"}};
  CHECK(l.good("").list("server.allowed_hosts") == std::vector<std::string>{"a", "b"});
  l.environment = {{"WAGGLE_SERVER__ALLOWED_HOSTS", "[\"a\", 'b']"}};
  CHECK(l.good("").list("server.allowed_hosts") == std::vector<std::string>{"a", "b"});
  l.environment = {{"WAGGLE_SERVER__ALLOWED_HOSTS", "[]"}};
  CHECK(l.good("server: {allowed_hosts: [z]}").list("server.allowed_hosts").empty());
  l.environment = {{"WAGGLE_HUB__KEY_PATTERNS", "^a{1\\,2}$,b"}};
  CHECK(l.good("").list("hub.key_patterns") == std::vector<std::string>{"^a{1,2}$", "b"});
  l.environment = {{"WAGGLE_SERVER__ALLOWED_HOSTS", "a,,b"}};
  CHECK(has(l.problems(""), "empty item"));
}

TEST_CASE("features of later releases are refused, not ignored") {
  loader l;
  for (const char* yaml : {"tenancy: {encryption: {enabled: true}}", "rate_limiting: {standalone: true}",
                           "qdrant: {listen: '127.0.0.1:6333'}", "cluster: {peers: ['10.0.0.2:15003']}"}) {
    INFO(yaml);
    CHECK(has(l.problems(yaml), "is not available in this release"));
  }
  CHECK(has(l.problems("hub: {enabled: true}"), "cluster mode needs"));
  CHECK(l.loads("hub: {enabled: true, service_api_key: 0123456789}"));
  CHECK(
      l.loads("hub: {enabled: false}\naudit: {enabled: false}\ncluster: {peers: []}\nquotas: {defaults: {vector_count: "
              "null}}"));
  const auto c = l.load("graphql:\n  max_depth: 5\n");
  REQUIRE(c.has_value());
  REQUIRE(c->warnings().size() == 1);
  CHECK(c->warnings()[0].key == "graphql.max_depth");
  CHECK(c->warnings()[0].line == 2);
}

TEST_CASE("what a node refuses to start with") {
  loader l;
  const auto refused = [&](const std::string& yaml, const std::string& part) {
    const auto text = l.problems(yaml);
    INFO(yaml << "\n" << text);
    CHECK(has(text, part));
  };
  refused("server: {host: 0.0.0.0}", "1 server.host: '0.0.0.0' is not a loopback address");
  refused("server: {host: '::'}", "not a loopback");
  refused("server: {liveness: {listen: '0.0.0.0:8080'}}", "server.liveness.listen: '0.0.0.0' is not a loopback address");
  refused("server: {liveness: {listen: '[::]:8080'}}", "'::' is not a loopback address");
  for (const char* wrong : {"localhost", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", ":8080", "unix:relative", "example.org:1"})
    refused("server: {liveness: {listen: '" + std::string(wrong) + "'}}", "must be address:port");
  refused("metrics: {scrape_token: short}", "metrics.scrape_token");
  refused("server: {host: 127.0.0.1.evil.example}", "not a loopback");
  refused("auth: {enabled: false, require_authentication: true}", "contradicts auth.enabled: false");
  refused("auth: {enabled: true, require_authentication: false}", "contradicts auth.enabled: true");
  refused("cluster: {enabled: true}", "cluster mode needs hub.api_url and hub.service_api_key");
  refused("cluster: {trust: local}", "local needs cluster.enabled: true");
  refused("cluster: {enabled: true, trust: local}", "local needs auth.enabled: true");
  refused("hub: {enabled: true}\ncluster: {trust: local}\nauth: {enabled: true}", "local contradicts hub.enabled: true");
  refused("auth: {enabled: true, root_user: 'a b'}", "auth.root_user: must be 3 to 64");
  refused("auth: {enabled: true}\nhub: {signing: {required: all}}", "can't be all with auth.enabled");
  refused("audit: {enabled: true}", "needs auth.enabled or cluster mode");
  refused("audit: {signing_key_file: /none}", "audit.signing_key_file: needs auth.enabled or cluster mode");
  refused("auth: {enabled: true}\naudit: {signing_key_file: /none}", "audit.signing_key_file: '/none' can't be read");
  refused("auth: {enabled: true}\naudit: {signing_key_file: /etc/hostname}", "must not be accessible by group or others");
  refused("hub: {enabled: true}", "cluster mode needs hub.api_url and hub.service_api_key");
  refused("hub: {enabled: true, tenant_isolation: none}", "needs hub.allow_no_isolation");
  refused("hub: {enabled: true}\ndurability: {fsync: false}", "can't be false in cluster mode");
  refused("hub: {enabled: true}\nquotas: {defaults: {storage_bytes: null}}", "can't be unlimited");
  refused("cluster: {enabled: true}\nauth: {require_authentication: false}", "can't be false in cluster mode");
  refused("cluster: {enabled: true}\naudit: {enabled: false}", "can't be false in cluster mode");
  refused("hub: {inbound: {allow_literal_true: true}}", "needs hub.inbound.allowed_peers");
  refused("hub: {api_url: 'http://hub.example'}", "needs hub.allow_plain_http");
  refused("hub: {api_url: 'ftp://hub.example'}", "must begin with https://");
  refused("hub: {api_url: 'http://127.0.0.1@hub.example/'}", "needs hub.allow_plain_http");
  refused("server: {tls: {enabled: true}}", "1 server.tls.enabled: needs server.tls.cert_path");
  refused("server: {tls: {cert_path: x}}", "but server.tls.enabled is false");
  refused("backpressure: {upsert_queue_high_water: 2000}", "must not be higher than backpressure.hard_limit");
  refused("hub: {signing: {max_skew_seconds: 400}}", "must be at least twice");
  refused("cluster: {heartbeat_ms: 1000}", "at most half");
  refused("security: {trusted_proxies: [10.0.0.0/33]}", "is not an address or network");
  refused("security: {ip: {global_allowlist: [10.0.0.1, 10.0.0]}}", "'10.0.0' is not an address or network");
  refused("security: {ip: {global_blocklist: ['::1/-0']}}", "'::1/-0' is not an address or network");
  refused("security: {forwarded_header: ''}", "is not a header name");
  refused("security: {forwarded_header: 'X: Y'}", "is not a header name");
  refused("security: {forwarded_header: forwarded}", "as X-Forwarded-For does");
  refused("server: {cors: {allowed_origins: [app.example.com]}}", "is not an origin");
  refused("mcp: {multi_tenant: true}", "can't be true outside cluster mode");
  refused("mcp: {require_auth: true}", "can't be true without auth.enabled");
  refused("data_dir: ''", "must not be empty");
  refused("data_dir: " + l.dir.write("plain_file", "x"), "is not a directory");
  refused("data_dir: " + l.dir.path("plain_file") + "/sub", "can't be created");
  for (const char* ok : {"server: {host: localhost}", "server: {host: '::1'}", "server: {host: 127.8.9.1}",
                         "hub: {api_url: 'http://127.0.0.1:12000'}", "hub: {api_url: 'http://[::1]:12000/x'}",
                         "security: {trusted_proxies: [10.0.0.0/8, '::1']}"}) {
    INFO(ok << l.problems(ok));
    CHECK(l.loads(ok));
  }
}

TEST_CASE("HIVEHUB_DISABLED does not turn a cluster-mode node into an open one") {
  loader l;
  l.environment = {{"HIVEHUB_DISABLED", "1"}};
  CHECK(l.loads(""));
  CHECK(has(l.problems("hub: {enabled: true}"), "HIVEHUB_DISABLED: is refused"));
}

TEST_CASE("compat.vectorizer_config turns meaningless Vectorizer keys into warnings, and only those") {
  loader l;
  const std::string old =
      "file_watcher: {enabled: true}\nserver: {mcp_port: 1}\ncollections: {defaults: {index: {type: hnsw}, "
      "quantization: {type: sq}}}\n";
  CHECK(has(l.problems(old), "1 file_watcher: unknown key"));
  const auto c = l.load("compat: {vectorizer_config: true}\n" + old);
  REQUIRE(c.has_value());
  CHECK(c->warnings().size() == 4);
  l.environment = {{"WAGGLE_COMPAT__VECTORIZER_CONFIG", "true"}};
  CHECK(l.loads(old));
  CHECK(has(l.problems("security: {tls: {enabled: true}}"), "unknown key"));
  CHECK(has(l.problems("server: {prot: 1}"), "unknown key"));
}

TEST_CASE("dump can be loaded again and gives the same configuration") {
  loader l;
  l.environment = {{"WAGGLE_SERVER__ALLOWED_HOSTS", "a b"}};
  const auto first = l.load(
      "server: {port: 4242}\nlogging: {format: json}\napi: {rest: {max_request_size_mb: 1GiB}}\n"
      "hub: {service_name: \"quote\\\" back\\\\slash\"}\nserver.drain_seconds: 3\n");
  CHECK_FALSE(first.has_value());  // a host name with a space
  l.environment = {{"WAGGLE_SERVER__ALLOWED_HOSTS", "a,b"}};
  const auto c = l.load(
      "server: {port: 4242}\nlogging: {format: json}\napi: {rest: {max_request_size_mb: 1GiB}}\n"
      "hub: {service_name: \"quote\\\" back\\\\slash\"}\n");
  REQUIRE(c.has_value());
  CHECK(has(c->dump(), "server.port: 4242  # file "));
  CHECK(has(c->dump(), "server.allowed_hosts: [\"a\", \"b\"]  # environment WAGGLE_SERVER__ALLOWED_HOSTS"));
  l.environment = {};
  INFO(l.problems(c->dump()));
  const auto again = l.load(c->dump());
  REQUIRE(again.has_value());
  const auto d = compare(*c, *again);
  CHECK(d.reloadable.empty());
  CHECK(d.restart_required.empty());
}

TEST_CASE("reload: only marked keys apply without a restart") {
  loader l;
  const auto a = l.load("");
  const auto b = l.load(
      "logging: {level: debug, format: json}\nserver: {port: 1, cors: {allowed_origins: ['https://a.example']}}");
  REQUIRE(a.has_value());
  REQUIRE(b.has_value());
  const auto d = compare(*a, *b);
  CHECK(d.reloadable == std::vector<std::string>{"server.cors.allowed_origins", "logging.level"});
  CHECK(d.restart_required == std::vector<std::string>{"server.port", "logging.format"});
}

TEST_CASE("the shipped standalone.yml loads without warnings and says what the defaults say") {
  config_sources shipped;
  shipped.file = WAGGLE_EXAMPLES "/standalone.yml";
  shipped.file_required = true;
  scratch dir;
  shipped.environment = {{"WAGGLE_DATA", dir.path("data")}};
  const auto c = config::load(shipped);
  if (!c)
    for (const auto& p : c.error().list) MESSAGE(to_string(p));
  REQUIRE(c.has_value());
  CHECK(c->warnings().empty());
  loader l;
  l.command_line = {{"data_dir", dir.path("data")}};
  const auto d = compare(l.good(""), *c);
  CHECK(d.reloadable.empty());
  CHECK(d.restart_required.empty());
}

TEST_CASE("local identity: who may come in, and what follows from it") {
  loader l;
  const auto keys = l.good("auth: {enabled: true, rate_limit_per_minute: 7, jwt_expiration: 60}\nserver: {host: 0.0.0.0}").settings();
  CHECK(keys.auth.enabled);
  CHECK_FALSE(keys.cluster.enabled);
  CHECK(keys.audit.enabled);
  CHECK(keys.auth.key_limits.per_minute == 7);
  CHECK(keys.auth.key_limits.per_hour == 0);
  CHECK(keys.auth.jwt_expiration_seconds == 60);
  const auto tenants = l.good("auth: {enabled: true}\ncluster: {enabled: true, trust: local}").settings();
  CHECK(tenants.cluster.enabled);
  CHECK_FALSE(tenants.hub.enabled);
  for (const char* yaml : {"hub: {enabled: true, service_api_key: 0123456789}",
                           "cluster: {enabled: true}\nhub: {service_api_key: 0123456789}"}) {
    const auto hub = l.good(yaml).settings();
    CHECK(hub.cluster.enabled);
    CHECK(hub.hub.enabled);
    CHECK_FALSE(hub.auth.enabled);
  }
  const auto open = l.good("").settings();
  CHECK_FALSE(open.cluster.enabled);
  CHECK_FALSE(open.auth.enabled);
  CHECK_FALSE(open.audit.enabled);
}
