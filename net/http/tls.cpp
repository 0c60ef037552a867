#include "net/http/tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/system/system_error.hpp>
#include <cstring>

namespace waggle {
namespace ssl = boost::asio::ssl;
namespace {
failure tls_failure(const std::string& what, const boost::system::error_code& code) {
  failure f(ec::io_error, what + ": " + code.message());
  f.log_text = f.message;
  return f;
}

/// HTTP/1.1 is all we speak; a client that offers only other protocols is refused during the handshake.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours, offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}
}  // namespace

result<std::shared_ptr<ssl::context>> make_tls_context(const http_tls_options& options) {
  boost::system::error_code code;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                           ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::no_compression,
                       code);
  if (code) return tls_failure("TLS options", code);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return failure(ec::io_error, "TLS versions or cipher suites are not available");
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  context->use_certificate_chain_file(options.cert_path, code);
  if (code) return tls_failure("server.tls.cert_path", code);
  context->use_private_key_file(options.key_path, ssl::context::pem, code);
  if (code) return tls_failure("server.tls.key_path", code);
  if (SSL_CTX_check_private_key(native) != 1)
    return failure(ec::io_error, "server.tls.key_path does not belong to server.tls.cert_path");
  const X509* certificate = SSL_CTX_get0_certificate(native);
  if (certificate && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
    return failure(ec::io_error, "server.tls.cert_path has expired");
  if (!options.client_ca_path.empty()) {
    context->load_verify_file(options.client_ca_path, code);
    if (code) return tls_failure("server.tls.client_ca_path", code);
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, code);
    if (code) return tls_failure("server.tls.client_ca_path", code);
    // With a verified client a resumed session must belong to the same service.
    static constexpr unsigned char session_context[] = "waggle";
    SSL_CTX_set_session_id_context(native, session_context, sizeof session_context - 1);
  }
  return context;
}

}  // namespace waggle
