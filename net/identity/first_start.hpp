#pragma once
// What a node with local identity makes for itself when it first starts (contract auth.md §10): the secret of its tokens and
// its first administrator. Files in `{data_dir}/_node`, readable by their owner only. Main's thread.
#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace waggle {

/// `configured` if there is one, else that of `jwt_secret.key`, which is made when missing. At least 32 bytes.
result<std::string> token_secret(const std::string& configured, const std::filesystem::path& node_directory);

struct root_credentials {
  std::string username, password;
  bool written = false;  ///< to `.root_credentials`, because no password was configured
};
/// A password that nobody has given is random, and on disk before anybody can be asked for it.
result<root_credentials> choose_root(const std::string& username, const std::string& password,
                                     const std::filesystem::path& node_directory);

}  // namespace waggle
