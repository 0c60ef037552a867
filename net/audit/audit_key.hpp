#pragma once
// The Ed25519 key under the chain's checkpoints (RFC 8032). Who can write the files but has no private key can't make a chain
// of their own. The door to OpenSSL here. Immutable; any thread.
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

struct evp_pkey_st;

namespace waggle {

class audit_key {
 public:
  using pointer = std::shared_ptr<const audit_key>;
  /// PEM, accessible by its owner only. IO_ERROR says what is wrong with the file.
  static result<pointer> load_private(const std::filesystem::path& file);
  static result<pointer> load_public(const std::filesystem::path& file);

  /// With a private key. base64url.
  std::string sign(std::string_view text) const;
  bool has_signed(std::string_view text, std::string_view signature) const;

 private:
  struct free_key {
    void operator()(evp_pkey_st* key) const;
  };
  using handle = std::unique_ptr<evp_pkey_st, free_key>;
  explicit audit_key(handle key) : key_(std::move(key)) {}
  static result<pointer> load(const std::filesystem::path& file, bool is_private);

  handle key_;
};

/// What is signed at a checkpoint: record `seq` of this node follows the record with this hash.
std::string checkpoint_text(std::string_view node_id, std::uint64_t seq, std::string_view head);

}  // namespace waggle
