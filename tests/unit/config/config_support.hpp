#pragma once
// Loads configurations from texts in a scratch directory of its own.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "net/config/config.hpp"

namespace waggle::test {

class scratch {
 public:
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "waggle-config-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
  }
  ~scratch() { std::filesystem::remove_all(dir_); }
  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text, int mode = 0600) const {
    const auto full = path(name);
    std::ofstream(full) << text;
    ::chmod(full.c_str(), static_cast<mode_t>(mode));
    return full;
  }

 private:
  std::string dir_;
};

using pairs = std::vector<std::pair<std::string, std::string>>;

struct loader {
  scratch dir;
  pairs environment, command_line;
  /// The file is "config.yml" in the scratch directory.
  config::load_result load(const std::string& text, int mode = 0600) {
    config_sources s;
    s.file = dir.write("config.yml", text, mode);
    s.file_required = true;
    s.environment = environment;
    s.command_line = command_line;
    return config::load(s);
  }
  bool loads(const std::string& text, int mode = 0600) { return load(text, mode).has_value(); }
  /// Fails the test with the problems when it does not load.
  config good(const std::string& text, int mode = 0600) {
    auto loaded = load(text, mode);
    INFO(problems(text, mode));
    REQUIRE(loaded.has_value());
    return std::move(*loaded);
  }
  /// The problems as "LINE KEY: MESSAGE" lines.
  std::string problems(const std::string& text, int mode = 0600) {
    const auto loaded = load(text, mode);
    if (loaded) return "";
    std::string out;
    for (const auto& p : loaded.error().list) out += std::to_string(p.line) + " " + p.key + ": " + p.message + "\n";
    return out;
  }
};

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace waggle::test
