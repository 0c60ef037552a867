#pragma once
// The TLS side of a listener. The door to OpenSSL is tls.cpp; Asio's wrapper type appears here because sessions use it.
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/error.hpp"

namespace waggle {

struct http_tls_options {
  bool enabled = false;
  std::string cert_path;       ///< PEM, leaf first, then intermediates
  std::string key_path;        ///< PEM
  std::string client_ca_path;  ///< PEM; when set every client must present a certificate signed by it
};

/// A server context: TLS 1.2 or 1.3, forward-secret AEAD suites, no compression, no renegotiation, ALPN "http/1.1".
/// Fails when a file can't be read, the key does not belong to the certificate, or the certificate has expired.
result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const http_tls_options& options);

}  // namespace waggle
