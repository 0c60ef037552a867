#pragma once
// The scripted node's side of one connection, plain or TLS, and the certificates for the latter.
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace waggle::ctl::test {

/// A self-signed certificate for one host name, made on the spot.
class tls_identity {
 public:
  explicit tls_identity(const std::string& host_name);
  const std::string& certificate_pem() const { return pem_; }
  SSL_CTX* context() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::string pem_;
};

class wire {
 public:
  wire(int socket, const tls_identity* identity);
  /// Bytes read; 0 or less = the connection is over.
  long read(char* into, std::size_t capacity);
  bool write(std::string_view bytes);

 private:
  int socket_;
  bool usable_ = true;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
};

}  // namespace waggle::ctl::test
