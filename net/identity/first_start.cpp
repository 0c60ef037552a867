#include "net/identity/first_start.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/crypto.hpp"
#include "net/config/values.hpp"

namespace waggle {
namespace {
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t password_characters = 32;

failure io(const std::filesystem::path& path, const char* act) {
  failure f(ec::io_error, std::string("can't ") + act + " '" + path.string() + "': " + std::strerror(errno));
  f.log_text = f.message;
  return f;
}

/// All of it under its name and on disk, or nothing; 0600 from its first byte on.
result<void> write_private(const std::filesystem::path& path, const std::string& text) {
  auto temporary = path;
  temporary += ".tmp";
  ::unlink(temporary.c_str());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return io(temporary, "make");
  const auto written = ::write(file, text.data(), text.size());
  const bool good = written == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!good) return io(temporary, "write");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io(path, "make");
  const int directory = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return io(path.parent_path(), "open");
  const bool synced = ::fsync(directory) == 0;
  ::close(directory);
  if (!synced) return io(path.parent_path(), "sync");
  return {};
}
}  // namespace

result<std::string> token_secret(const std::string& configured, const std::filesystem::path& node_directory) {
  if (!configured.empty()) return configured;
  const auto path = node_directory / "jwt_secret.key";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    auto secret = base64url_encode(random_bytes(secret_bytes));
    if (auto written = write_private(path, secret + "\n"); !written) return written.error();
    return secret;
  }
  auto secret = read_secret_file(path.string());
  if (secret && secret->size() < secret_bytes) return failure(ec::io_error, "'" + path.string() + "' is too short");
  return secret;
}

result<root_credentials> choose_root(const std::string& username, const std::string& password,
                                     const std::filesystem::path& node_directory) {
  root_credentials root{username.empty() ? "root" : username, password, false};
  if (!password.empty()) return root;
  root.password = random_alphanumeric(password_characters);
  root.written = true;
  const auto text = "username: " + root.username + "\npassword: " + root.password + "\n";
  if (auto written = write_private(node_directory / ".root_credentials", text); !written) return written.error();
  return root;
}

}  // namespace waggle
