#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/json.hpp"
#include "tests/unit/wagglectl/scripted_node.hpp"
#include "tools/wagglectl/completion.hpp"
#include "tools/wagglectl/endpoint.hpp"
#include "tools/wagglectl/http_client.hpp"

using namespace waggle;
using namespace waggle::ctl;
using namespace waggle::ctl::test;

namespace {
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
scripted_node::handler always(int status, std::string body = "{}") {
  return [=](const seen_request&) { return canned_answer{status, body}; };
}
canned_answer small_node(const seen_request& r) {
  if (r.target == "/status")
    return {200, R"({"online":true,"version":"0.1.0","uptime_seconds":93784,"collections_count":2})"};
  if (r.target == "/health")
    return {200, R"({"status":"healthy","version":"0.1.0","cluster":{"node_id":"n1","role":"leader"}})"};
  if (r.target == "/stats") return {403, R"({"code":"FORBIDDEN","message":"no"})"};
  if (r.target == "/collections" && r.method == "GET")
    return {
        200,
        R"({"collections":[{"name":"docs","vector_count":12,"dimension":3,"metric":"Cosine","size_bytes":2048,"status":"ready"}],"total":1})"};
  if (r.target == "/collections/docs" && r.method == "GET")
    return {200, R"({"name":"docs","vector_count":12,"dimension":3})"};
  if (r.target == "/collections/docs" && r.method == "DELETE") return {200, R"({"success":true,"vectors_deleted":12})"};
  if (r.target == "/collections" && r.method == "POST") return {200, R"({"name":"new"})"};
  if (has(r.target, "search"))
    return {200, "{\"results\":[{\"id\":\"a\\u001b[31m\",\"score\":0.91,\"payload\":{\"t\":\"bee\"}}],\"total\":1}"};
  return {404, R"({"code":"COLLECTION_NOT_FOUND","message":"Collection not found"})"};
}
}  // namespace

TEST_CASE("exit codes follow the node's answer") {
  const std::pair<int, int> table[] = {{400, 1}, {401, 4}, {403, 4}, {404, 5}, {409, 6},
                                       {412, 6}, {429, 1}, {500, 1}, {507, 1}};
  for (const auto& [status, code] : table) {
    scripted_node node(always(status, R"({"code":"X","message":"because"})"));
    const auto r = run(node.url(), {"collections", "show", "docs"});
    CHECK(r.code == code);
    CHECK(has(r.err, "because (X)"));
    CHECK(r.out.empty());
  }
  scripted_node html(always(200, "<html>"));
  CHECK(run(html.url(), {"status"}).code == 1);
  const auto dead = run(dead_url(), {"status"});
  CHECK(dead.code == 3);
  CHECK(has(dead.err, "remedy:"));
}

TEST_CASE("usage errors are 2, help and version are 0") {
  const auto code = [](std::vector<std::string> a) { return run("http://127.0.0.1:1", std::move(a)).code; };
  CHECK(code({}) == 2);
  CHECK(code({"nonsense"}) == 2);
  CHECK(has(run("http://127.0.0.1:1", {"nonsense"}).err, "Unknown command: nonsense"));
  CHECK(has(run("http://127.0.0.1:1", {"--nonsense"}).err, "Unknown option: --nonsense"));
  CHECK(has(run("http://127.0.0.1:1", {"collections", "nonsense"}).err, "nonsense"));
  CHECK(has(run("http://127.0.0.1:1", {}).err, "subcommand is required"));
  CHECK(code({"status", "--no-such-flag"}) == 2);
  CHECK(code({"--output", "xml", "status"}) == 2);
  CHECK(code({"--timeout", "0", "status"}) == 2);
  CHECK(code({"collections", "create", "x", "--dimension", "0"}) == 2);
  CHECK(code({"collections", "create", "a/b"}) == 2);
  CHECK(code({"import", "x"}) == 2);
  CHECK(code({"search", "docs"}) == 2);
  CHECK(code({"search", "docs", "[1,\"x\"]"}) == 2);
  CHECK(code({"search", "docs", "--text", "x", "--filter", "[]"}) == 2);
  CHECK(code({"search", "docs", "[1]", "--text", "x"}) == 2);
  CHECK(code({"search", "docs", "[1]", "--hybrid"}) == 2);
  CHECK(code({"completion", "tcsh"}) == 2);
  CHECK(run("ftp://x", {"status"}).code == 2);
  CHECK(code({"--ca-cert", "/nonexistent.pem", "--endpoint", "https://127.0.0.1:1", "status"}) == 2);
  const auto help = run("http://127.0.0.1:1", {"--help"});
  CHECK(help.code == 0);
  for (const char* word : {"status", "collections", "import", "search", "doctor", "audit", "usage", "completion", "Exit codes"})
    CHECK(has(help.out, word));
  const auto version = run("http://127.0.0.1:1", {"--version"});
  CHECK(version.code == 0);
  CHECK(has(version.out, "wagglectl "));
}

TEST_CASE("status and collections, as table and as JSON") {
  scripted_node node(small_node);
  const auto table = run(node.url(), {"status"});
  CHECK(table.code == 0);
  CHECK(has(table.out, "1d 2h 3m 4s"));
  CHECK(has(table.out, "leader"));
  const auto json = run(node.url(), {"status", "--output", "json"});
  json_parser parser;
  auto root = parser.parse(json.out);
  REQUIRE(root.has_value());
  CHECK((*root)["health"]["status"].as_string() == "healthy");
  CHECK((*root)["stats"].is_null());  // this caller may not read them
  const auto list = run(node.url(), {"collections"});
  CHECK(has(list.out, "docs  12       3          Cosine  2.0 KiB  ready"));
  CHECK(run(node.url(), {"collections", "list", "--output", "json"}).out.starts_with("{\"collections\":["));
  CHECK(run(node.url(), {"collections", "show", "none"}).code == 5);
  scripted_node sick([](const seen_request& r) {
    return r.target == "/health" ? canned_answer{503, R"({"status":"unhealthy"})"} : small_node(r);
  });
  CHECK(run(sick.url(), {"status"}).code == 1);
}

TEST_CASE("names are percent-encoded, bodies say what was asked") {
  scripted_node node(always(200));
  run(node.url(), {"collections", "show", "my docs%é"});
  CHECK(node.requests().back().target == "/collections/my%20docs%25%C3%A9");
  run(node.url(), {"collections", "create", "new", "--dimension", "8", "--metric", "dot", "--quantization", "sq8"});
  CHECK(node.requests().back().body == R"({"name":"new","dimension":8,"metric":"dot","quantization":{"type":"sq8"}})");
  const auto before = node.requests().size();
  CHECK(run(node.url(), {"collections", "create", "new", "--dry-run"}).code == 0);
  CHECK(node.requests().size() == before);
}

TEST_CASE("keys: bodies say what was asked, secrets are shown once, revoking asks") {
  scripted_node node([](const seen_request& r) {
    if (r.target == "/auth/login") return canned_answer{200, R"({"access_token":"t.o.k"})"};
    if (r.target.ends_with("/rotate"))
      return canned_answer{200, R"({"old_key_id":"a","new_key_id":"b","new_token":"wk_new","grace_until":1700000000})"};
    if (r.method == "POST")
      return canned_answer{200, R"({"api_key":"wk_a_s","id":"a","permissions":["read"],"expires_at":null})"};
    return canned_answer{200, R"({"keys":[{"id":"a","name":"ci","tenant_id":null,"permissions":["read","write"],)"
                              R"("rotation_status":"active","last_used":1700000000,"expires_at":null}]})"};
  });
  const auto last = [&] { return node.requests().back(); };
  CHECK(has(run(node.url(), {"keys", "create", "ci"}).out, "wk_a_s"));
  CHECK(last().body == R"({"name":"ci","kind":"api"})");
  run(node.url(), {"keys", "create", "ci", "--permission", "read,write", "--function", "search", "--collection", "docs",
                   "--tenant", "T", "--expires-in", "60", "--kind", "mcp"});
  CHECK(last().body == R"({"name":"ci","kind":"mcp","permissions":["read","write"],"allowed_functions":["search"],)"
                       R"("scopes":[{"collection":"docs","permissions":["read","write"]}],"tenant_id":"T","expires_in":60})");
  const auto list = run(node.url(), {"keys", "list"});
  CHECK(has(list.out, "a   ci    -       read,write   active  2023-11-14T22:13:20.000Z  -"));
  CHECK(has(run(node.url(), {"keys", "rotate", "a"}).out, "wk_new"));
  CHECK(last().target == "/auth/keys/a/rotate");
  CHECK(run(node.url(), {"keys", "revoke", "a"}).code == 2);
  CHECK(last().method == "POST");
  CHECK(run(node.url(), {"keys", "revoke", "a", "--yes"}).code == 0);
  CHECK(last().method == "DELETE");
  CHECK(run(node.url(), {"keys", "create", "ci", "--dry-run"}).code == 0);
  CHECK(last().method == "DELETE");
  CHECK(run(node.url(), {"keys"}).code == 2);
}

TEST_CASE("a user logs in, and the password is never shown") {
  scripted_node node([](const seen_request& r) {
    if (r.target != "/auth/login") return small_node(r);
    const bool right = has(r.body, "a password");
    return right ? canned_answer{200, R"({"access_token":"t.o.k"})"}
                 : canned_answer{401, R"({"code":"INVALID_CREDENTIALS","message":"Wrong user name or password"})"};
  });
  scratch_directory dir;
  const auto file = dir.write("password", "a password\n"), wrong = dir.write("wrong", "wrong\n");
  ::chmod(file.c_str(), 0600);
  const auto good = run(node.url(), {"--user", "root", "--password-file", file, "status"});
  CHECK(good.code == 0);
  CHECK(node.requests().front().target == "/auth/login");
  CHECK(node.requests().front().body == R"({"username":"root","password":"a password"})");
  CHECK_FALSE(node.requests().front().headers.contains("authorization"));
  CHECK(node.requests().back().headers.at("authorization") == "Bearer t.o.k");
  CHECK_FALSE(has(good.out + good.err, "a password"));
  CHECK(run(node.url(), {"--user", "root", "--password-file", wrong, "status"}).code == 4);
  CHECK(run(node.url(), {"--user", "root", "status"}).code == 2);
  CHECK(run(node.url(), {"--password-file", file, "status"}).code == 2);
}

TEST_CASE("delete asks, and does nothing without an answer") {
  scripted_node node(small_node);
  const auto deleted = [&] {
    for (const auto& r : node.requests())
      if (r.method == "DELETE") return true;
    return false;
  };
  CHECK(run(node.url(), {"collections", "delete", "docs"}).code == 2);
  CHECK(run(node.url(), {"collections", "delete", "docs"}, {"n\n", true, {}}).code == 1);
  CHECK(run(node.url(), {"collections", "delete", "docs"}, {"", true, {}}).code == 1);
  CHECK(run(node.url(), {"collections", "delete", "docs", "--dry-run", "--yes"}).code == 0);
  CHECK(run(node.url(), {"collections", "delete", "none", "--yes"}).code == 5);
  CHECK_FALSE(deleted());
  const auto asked = run(node.url(), {"collections", "delete", "docs"}, {"y\n", true, {}});
  CHECK(asked.code == 0);
  CHECK(has(asked.err, "with 12 vectors? [y/N]"));
  CHECK(deleted());
  CHECK(run(node.url(), {"--yes", "collections", "delete", "docs"}).code == 0);
}

TEST_CASE("search: the three ways, the filter, and a table that no payload can spoil") {
  scripted_node node(small_node);
  const auto last = [&] { return node.requests().back(); };
  const auto hit = run(node.url(), {"search", "docs", "[0.25,-1]", "--limit", "3", "--ef", "64", "--exact"});
  CHECK(hit.code == 0);
  CHECK(last().target == "/collections/docs/search");
  CHECK(last().body == R"({"vector":[0.25,-1],"params":{"ef":64,"exact":true},"limit":3,"include_vectors":false})");
  CHECK(has(hit.out, "0.9100"));
  CHECK_FALSE(has(hit.out, "\x1b"));
  run(node.url(), {"search", "docs", "--text", "bee", "--filter", R"({"must":[]})"});
  CHECK(last().target == "/collections/docs/search/text");
  CHECK(has(last().body, R"("filter":{"must":[]})"));
  run(node.url(), {"search", "docs", "-", "--text", "bee", "--hybrid", "--alpha", "0.5"}, {"[1,2]", false, {}});
  CHECK(last().target == "/collections/docs/hybrid_search");
  CHECK(has(last().body, R"("query":"bee","vector":[1,2],"alpha":0.5)"));
  scratch_directory dir;
  run(node.url(), {"search", "docs", "@" + dir.write("v.json", "[3,4]")});
  CHECK(has(last().body, "[3,4]"));
  CHECK(run(node.url(), {"search", "docs", "@" + dir.path("none")}).code == 2);
}

TEST_CASE("the credential is sent and never shown") {
  scripted_node node(small_node);
  const std::string secret = "wgl_5ecret5ecret";
  scratch_directory dir;
  const auto file = dir.write("token", secret + "\n");
  ::chmod(file.c_str(), 0600);
  const auto by_file = run(node.url(), {"--token-file", file, "status"}, {"", false, {{"WAGGLE_TOKEN", "other"}}});
  CHECK(node.requests().back().headers.at("authorization") == "Bearer " + secret);
  CHECK_FALSE(has(by_file.err, "warning"));
  const auto by_env = run(node.url(), {"status", "--output", "json"}, {"", false, {{"WAGGLE_TOKEN", secret}}});
  CHECK(node.requests().back().headers.at("authorization") == "Bearer " + secret);
  const auto doctor = run(node.url(), {"doctor", "--token-file", file});
  const auto dead = run(dead_url(), {"status", "--token-file", file});
  for (const auto& r : {by_file, by_env, doctor, dead}) CHECK_FALSE(has(r.out + r.err, secret));
  ::chmod(file.c_str(), 0644);
  CHECK(has(run(node.url(), {"--token-file", file, "status"}).err, "chmod 600"));
  const auto injected = run(node.url(), {"status"}, {"", false, {{"WAGGLE_TOKEN", "a\r\nX-Evil: 1"}}});
  CHECK(injected.code == 2);
  CHECK_FALSE(has(injected.err, "Evil"));
  CHECK(run(node.url(), {"--token-file", dir.path("none"), "status"}).code == 2);
  run(node.url(), {"status"});
  CHECK_FALSE(node.requests().back().headers.contains("authorization"));
}

TEST_CASE("endpoints") {
  const auto text = [](const char* url) {
    auto e = parse_endpoint(url);
    return e ? e->text() : "?";
  };
  CHECK(text("http://h") == "http://h:15002");
  CHECK(text("https://h/") == "https://h:443");
  CHECK(text("http://[::1]:8080/api/v1/") == "http://[::1]:8080/api/v1");
  for (const char* bad :
       {"h:1", "ftp://h", "http://", "http://h:0", "http://h:65536", "http://h:x", "http://u:p@h", "http://h?x",
        "http://::1", "http://h /", "http://h/\r\nX", "http://[::1", "http://[::1]x", "http://h:"})
    CHECK(text(bad) == "?");
  CHECK(parse_endpoint("http://127.0.0.9")->loopback());
  CHECK(parse_endpoint("http://localhost")->loopback());
  CHECK_FALSE(parse_endpoint("http://127.0.0.1.example.org")->loopback());
  CHECK_FALSE(parse_endpoint("http://127.evil.org.x")->loopback());
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK_FALSE(parse_http_date("yesterday").has_value());
}

TEST_CASE("the base path and WAGGLE_ENDPOINT are used") {
  scripted_node node(small_node);
  run(node.url() + "/api/v1/", {"version"});
  CHECK(node.requests().back().target == "/api/v1/");
}

TEST_CASE("client: a closed keep-alive connection is replaced for repeatable requests only; silence is a timeout") {
  scripted_node node([](const seen_request&) { return canned_answer{200, "{}", "", false, true}; });
  http_client client(*parse_endpoint(node.url()), {});
  http_request get;
  get.target = "/x";
  get.repeatable = true;
  CHECK(client.send(get).has_value());
  CHECK(client.send(get).has_value());
  CHECK(node.connections() == 2);
  http_request post;
  post.method = "POST";
  post.target = "/collections";
  post.body = "{}";
  CHECK_FALSE(client.send(post).has_value());
  CHECK(client.send(post).has_value());  // on a fresh connection

  scripted_node slow([](const seen_request& r) {
    if (r.target == "/slow") std::this_thread::sleep_for(std::chrono::milliseconds(400));
    return canned_answer{};
  });
  client_options hasty;
  hasty.timeout_ms = 100;
  http_client waiting(*parse_endpoint(slow.url()), hasty);
  get.target = "/slow";
  const auto late = waiting.send(get);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == exit_code::unreachable);
  CHECK(has(late.error().message, "within 100 ms"));
}

TEST_CASE("completion: bash completes commands, options and values") {
  const auto script = run("http://127.0.0.1:1", {"completion", "bash"});
  REQUIRE(script.code == 0);
  scratch_directory dir;
  const auto file = dir.write("c.bash", script.out);
  const auto complete = [&](const std::string& words, int index) {
    const auto command = "bash -c 'source " + file + "; COMP_WORDS=(" + words +
                         "); COMP_CWORD=" + std::to_string(index) + "; _wagglectl; echo ${COMPREPLY[*]} > " +
                         dir.path("answer") + "'";
    REQUIRE(std::system(command.c_str()) == 0);
    return dir.read("answer");
  };
  CHECK(complete("wagglectl st", 1) == "status\n");
  CHECK(complete("wagglectl --output j", 2) == "json\n");
  CHECK(complete("wagglectl --endpoint http://x collections d", 4) == "delete\n");
  CHECK(complete("wagglectl import --form", 2) == "--format\n");
  CHECK(complete("wagglectl import --format n", 3) == "npy\n");
  CHECK(complete("wagglectl completion z", 2) == "zsh\n");
  CHECK(has(complete("wagglectl collections create --d", 3), "--dimension"));
  CHECK(complete("wagglectl audit v", 2) == "verify\n");
  CHECK(complete("wagglectl audit verify --anc", 3) == "--anchor\n");
}

TEST_CASE("completion: zsh and fish name every command") {
  for (const char* shell : {"zsh", "fish"}) {
    const auto script = run("http://127.0.0.1:1", {"completion", shell});
    CHECK(script.code == 0);
    for (const char* word :
         {"status", "collections", "create", "delete", "import", "search", "doctor", "verify", "bvecs", "endpoint"})
      CHECK(has(script.out, word));
  }
  const command_spec root{"x", "h", {}, {}, false, {}};
  CHECK_FALSE(completion_script(root, "sh").has_value());
}

TEST_CASE("a node that answers with the wrong kinds is an error or an empty cell, never a crash") {
  for (
      const char* body :
      {"[]", "5", "null", "{}", R"({"collections":{},"results":7,"status":[],"version":{},"timestamp":1})",
       R"({"collections":[1,null,{"name":5,"vector_count":"x","status":1}],"results":[1,{"id":3,"score":"x","payload":[]}]})"}) {
    scripted_node node(always(200, body));
    for (const std::vector<std::string>& command : {std::vector<std::string>{"status"},
                                                    {"version"},
                                                    {"collections"},
                                                    {"collections", "show", "x"},
                                                    {"collections", "delete", "x", "--yes"},
                                                    {"search", "x", "[1]"},
                                                    {"doctor"}}) {
      const auto r = run(node.url(), command);
      CHECK((r.code == 0 || r.code == 1));
    }
  }
}
