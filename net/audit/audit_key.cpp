#include "net/audit/audit_key.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/crypto.hpp"

namespace waggle {
namespace {

using md_context = std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* c) { EVP_MD_CTX_free(c); })>;
using open_file = std::unique_ptr<FILE, decltype([](FILE* f) { std::fclose(f); })>;

constexpr std::size_t signature_bytes = 64;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

failure unusable(const std::filesystem::path& file, std::string_view why) {
  failure f(ec::io_error, "the key file " + file.string() + " " + std::string(why));
  f.log_text = f.message;
  return f;
}

/// A key with a passphrase is not asked for one.
int no_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

void audit_key::free_key::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

result<audit_key::pointer> audit_key::load(const std::filesystem::path& file, bool is_private) {
  const open_file in(std::fopen(file.c_str(), "re"));
  if (!in) return unusable(file, std::string("can't be read: ") + std::strerror(errno));
  struct stat about {};
  if (is_private && (::fstat(::fileno(in.get()), &about) != 0 || (about.st_mode & (S_IRWXG | S_IRWXO))))
    return unusable(file, "must not be accessible by group or others (chmod 600)");
  handle key(is_private ? PEM_read_PrivateKey(in.get(), nullptr, no_passphrase, nullptr)
                        : PEM_read_PUBKEY(in.get(), nullptr, no_passphrase, nullptr));
  if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_ED25519)
    return unusable(file, is_private ? "holds no Ed25519 private key in PEM" : "holds no Ed25519 public key in PEM");
  return pointer(new audit_key(std::move(key)));
}

result<audit_key::pointer> audit_key::load_private(const std::filesystem::path& file) { return load(file, true); }
result<audit_key::pointer> audit_key::load_public(const std::filesystem::path& file) { return load(file, false); }

std::string audit_key::sign(std::string_view text) const {
  std::array<unsigned char, signature_bytes> signature{};
  auto size = signature.size();
  const md_context context(EVP_MD_CTX_new());
  const bool done = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
                    EVP_DigestSign(context.get(), signature.data(), &size, bytes_of(text), text.size()) == 1;
  // An empty signature is found by whoever verifies; the records go on.
  return done ? base64url_encode({reinterpret_cast<const char*>(signature.data()), size}) : std::string();
}

bool audit_key::has_signed(std::string_view text, std::string_view signature) const {
  const auto bytes = base64url_decode(signature);
  if (!bytes || bytes->size() != signature_bytes) return false;
  const md_context context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(*bytes), bytes->size(), bytes_of(text), text.size()) == 1;
}

std::string checkpoint_text(std::string_view node_id, std::uint64_t seq, std::string_view head) {
  std::string text("waggle audit checkpoint\n");
  return text.append(node_id).append("\n").append(std::to_string(seq)).append("\n").append(head);
}

}  // namespace waggle
