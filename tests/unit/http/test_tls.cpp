// TLS with certificates made here: round trip, versions, clients without a certificate, reload.
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <filesystem>

#include "http_support.hpp"

using namespace waggle;
using namespace waggle::test;

namespace {
/// A self-signed certificate and its key in files that vanish with the object.
class certificate {
 public:
  explicit certificate(const char* name, long valid_seconds = 3600) {
    std::string pattern = (std::filesystem::temp_directory_path() / "waggle-tls-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -7200);
    X509_gmtime_adj(X509_getm_notAfter(x), valid_seconds);
    X509_set_pubkey(x, key);
    X509_NAME* subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(x, subject);
    X509_sign(x, key, EVP_sha256());
    FILE* file = std::fopen(cert().c_str(), "w");
    PEM_write_X509(file, x);
    std::fclose(file);
    file = std::fopen(key_path().c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(x);
    EVP_PKEY_free(key);
  }
  ~certificate() { std::filesystem::remove_all(dir_); }
  std::string cert() const { return dir_ + "/cert.pem"; }
  std::string key_path() const { return dir_ + "/key.pem"; }

 private:
  std::string dir_;
};

class tls_client final : public raw_client {
 public:
  tls_client(std::uint16_t port, const std::function<void(SSL_CTX*)>& change = {}) : raw_client(port) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (change) change(context_);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    connected = SSL_connect(ssl_) == 1;
  }
  ~tls_client() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  bool send(std::string_view bytes) override {
    return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  long receive(char* to, std::size_t size) override { return SSL_read(ssl_, to, static_cast<int>(size)); }
  std::string peer_name() const {
    X509* x = SSL_get1_peer_certificate(ssl_);
    char name[100] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof name);
    X509_free(x);
    return name;
  }
  bool clean_end() const { return SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN; }
  SSL* native() const { return ssl_; }
  bool connected = false;

 private:
  SSL_CTX* context_;
  SSL* ssl_;
};

std::function<void(http_options&)> with(const certificate& c, const std::string& client_ca = "") {
  return [&c, client_ca](http_options& o) { o.tls = {true, c.cert(), c.key_path(), client_ca}; };
}
}  // namespace

TEST_CASE("TLS round trip: keep-alive, pipelining, large bodies, HSTS, clean end") {
  certificate cert("one");
  test_server s(with(cert));
  tls_client c(s.port());
  REQUIRE(c.connected);
  const auto r = c.ask(get("/x"));
  CHECK(r.status == 200);
  CHECK(has(r.body, "\"tls\":true"));
  CHECK(r.header("Strict-Transport-Security") == "max-age=31536000");
  c.send(get("/a") + get("/b"));
  CHECK(has(c.read().body, "[\"a\"]"));
  CHECK(has(c.read().body, "[\"b\"]"));
  const std::string body(3 << 20, 'b');
  CHECK(has(c.ask(post("/x", body)).body, "\"bytes\":3145728"));
  CHECK(c.ask(get("/bin/3000000")).body.size() == 3000000);
  c.send(get("/a") + get("/wait"));
  CHECK(has(c.read().body, "[\"a\"]"));
  s.handler.release();
  CHECK(c.read().body == "\"waited\"");
  CHECK(c.ask(get("/x", {"Connection: close"})).status == 200);
  CHECK(c.closed());
  CHECK(c.clean_end());
}

TEST_CASE("TLS: 413 is readable while the client still sends") {
  certificate cert("one");
  test_server s([&](http_options& o) {
    with(cert)(o);
    o.body_bytes_max = 1000;
  });
  tls_client c(s.port());
  REQUIRE(c.connected);
  c.send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n");
  const std::string block(16384, 'x');
  for (int i = 0; i < 30; ++i)
    if (!c.send(block)) break;
  CHECK(c.read().status == 413);
}

TEST_CASE("TLS versions, protocols, and clients that do not speak TLS") {
  certificate cert("one");
  test_server s([&](http_options& o) {
    with(cert)(o);
    o.header_read_timeout_ms = 200;
  });
  const auto with_version = [](int version) {
    return [version](SSL_CTX* context) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_min_proto_version(context, version);
      SSL_CTX_set_max_proto_version(context, version);
    };
  };
  CHECK_FALSE(tls_client(s.port(), with_version(TLS1_1_VERSION)).connected);
  CHECK(tls_client(s.port(), with_version(TLS1_2_VERSION)).connected);
  CHECK(tls_client(s.port(), with_version(TLS1_3_VERSION)).connected);
  const auto weak = [](SSL_CTX* context) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "AES128-SHA");
  };
  CHECK_FALSE(tls_client(s.port(), weak).connected);
  const unsigned char h2[] = {2, 'h', '2'}, both[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  CHECK_FALSE(tls_client(s.port(), [&](SSL_CTX* x) { SSL_CTX_set_alpn_protos(x, h2, sizeof h2); }).connected);
  CHECK(tls_client(s.port(), [&](SSL_CTX* x) { SSL_CTX_set_alpn_protos(x, both, sizeof both); }).connected);
  raw_client plain(s.port());
  plain.send(get("/x"));
  CHECK(plain.read().status == 0);
  raw_client mute(s.port());  // never says hello
  CHECK(mute.closed());
  CHECK(eventually([&] { return s.server->stats().connections_open == 0; }));
}

TEST_CASE("TLS with a client CA: no certificate, no service") {
  certificate cert("server"), client("client"), stranger("stranger");
  test_server s(with(cert, client.cert()));
  const auto presenting = [](const certificate& c) {
    return [&c](SSL_CTX* context) {
      SSL_CTX_use_certificate_chain_file(context, c.cert().c_str());
      SSL_CTX_use_PrivateKey_file(context, c.key_path().c_str(), SSL_FILETYPE_PEM);
    };
  };
  // In TLS 1.3 the client's handshake ends before the server has looked: only an answer proves admission.
  tls_client none(s.port()), wrong(s.port(), presenting(stranger)), right(s.port(), presenting(client));
  CHECK(none.ask(get("/x")).status == 0);
  CHECK(wrong.ask(get("/x")).status == 0);
  CHECK(right.ask(get("/x")).status == 200);
}

TEST_CASE("TLS: a certificate that can't be used stops the start, and a bad reload keeps the old one") {
  certificate one("one"), two("two"), old("old", -60);
  const auto start = [&](http_tls_options tls) {
    boost::asio::io_context context;
    test_handler handler;
    http_options o;
    o.tls = std::move(tls);
    http_server server(o, {&context}, handler);
    return server.start().has_value();
  };
  CHECK(start({true, one.cert(), one.key_path(), ""}));
  CHECK_FALSE(start({true, one.cert(), two.key_path(), ""}));
  CHECK_FALSE(start({true, "missing.pem", one.key_path(), ""}));
  CHECK_FALSE(start({true, one.cert(), "missing.pem", ""}));
  CHECK_FALSE(start({true, one.cert(), one.key_path(), "missing.pem"}));
  CHECK_FALSE(start({true, old.cert(), old.key_path(), ""}));
  test_server s(with(one));
  tls_client before(s.port());
  CHECK(before.peer_name() == "one");
  auto changed = s.options;
  changed.tls.key_path = two.key_path();
  CHECK_FALSE(s.server->reload(changed).has_value());
  CHECK(tls_client(s.port()).peer_name() == "one");
  changed.tls.cert_path = two.cert();
  CHECK(s.server->reload(changed).has_value());
  CHECK(tls_client(s.port()).peer_name() == "two");
  CHECK(before.ask(get("/x")).status == 200);
}
