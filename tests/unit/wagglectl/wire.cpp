#include "tests/unit/wagglectl/wire.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <stdexcept>

namespace waggle::ctl::test {
namespace {
void must(bool done) {
  if (!done) throw std::runtime_error("no test certificate");
}
void add_extension(X509* certificate, int kind, const std::string& value) {
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()), X509_EXTENSION_free);
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}
}  // namespace

tls_identity::tls_identity(const std::string& host_name) : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  must(context_ && key && certificate);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("wagglectl test"), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), name);
  add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + host_name);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  must(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  must(SSL_CTX_use_certificate(context_.get(), certificate.get()) == 1);
  must(SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1);
  std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  must(memory && PEM_write_bio_X509(memory.get(), certificate.get()) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  pem_.assign(bytes, static_cast<std::size_t>(size));
}

wire::wire(int socket, const tls_identity* identity) : socket_(socket), tls_(nullptr, SSL_free) {
  if (identity == nullptr) return;
  tls_.reset(SSL_new(identity->context()));
  SSL_set_fd(tls_.get(), socket_);
  usable_ = SSL_accept(tls_.get()) == 1;
}

long wire::read(char* into, std::size_t capacity) {
  if (!usable_) return -1;
  if (!tls_) return ::recv(socket_, into, capacity, 0);
  return SSL_read(tls_.get(), into, static_cast<int>(capacity));
}

bool wire::write(std::string_view bytes) {
  if (!usable_) return false;
  if (tls_) return SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

}  // namespace waggle::ctl::test
