// The file layer: files, includes, flattening, interpolation, unknown and duplicate keys.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "net/config/layers.hpp"
#include "net/config/raw_tree.hpp"

namespace waggle {
namespace fs = std::filesystem;
namespace {
constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::size_t files_max = 64;

class file_reader {
 public:
  file_reader(const config_sources& sources, layer_reading& out) : sources_(sources), out_(out) {}

  void read(const std::string& path, bool required, const config_problem& blame) {
    std::error_code ignored;
    const auto identity = fs::weakly_canonical(path, ignored).string();
    if (open_.contains(identity)) return complain(blame, "'" + path + "' includes itself");
    if (++files_ > files_max) return complain(blame, "more than " + std::to_string(files_max) + " files are included");
    std::string text;
    if (!slurp(path, required, blame, text)) return;
    open_.insert(identity);
    const raw_value root = parse_yaml(text, path, out_.problems);
    if (root.kind == raw_value::shape::map) {
      read_includes(root, path);
      first_line_.clear();
      read_map(root, "", path);
      warn_about_readable_secrets(path);
    } else if (root.kind != raw_value::shape::null) {
      out_.problems.push_back({path, root.line, "", "a configuration is a map of keys"});
    }
    open_.erase(identity);
  }

 private:
  void complain(config_problem where, std::string message) {
    where.message = std::move(message);
    out_.problems.push_back(std::move(where));
  }
  void complain(const std::string& file, int line, std::string key, std::string message) {
    out_.problems.push_back({file, line, std::move(key), std::move(message)});
  }

  bool slurp(const std::string& path, bool required, const config_problem& blame, std::string& text) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (!fs::exists(status)) {
      if (required) complain(blame, "'" + path + "' does not exist");
      return false;
    }
    if (!fs::is_regular_file(status)) return complain(blame, "'" + path + "' is not a regular file"), false;
    std::ifstream in(path, std::ios::binary);
    text.resize(file_bytes_max + 1);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (!in.eof() && in.fail())) return complain(blame, "'" + path + "' can't be read"), false;
    if (static_cast<std::size_t>(in.gcount()) > file_bytes_max)
      return complain(blame, "'" + path + "' is larger than 1 MiB"), false;
    text.resize(static_cast<std::size_t>(in.gcount()));
    return true;
  }

  /// Included files come first, so that the including file has the last word.
  void read_includes(const raw_value& root, const std::string& path) {
    for (const auto& [key, value] : root.members) {
      if (key.text != "include") continue;
      std::vector<raw_value> names = value.items;
      if (value.kind == raw_value::shape::scalar) names.push_back(value);
      if (value.kind == raw_value::shape::map) complain(path, value.line, "include", "must be a list of files");
      for (const auto& name : names) {
        if (name.kind != raw_value::shape::scalar || name.text.empty()) {
          complain(path, name.line, "include", "must be a list of files");
          continue;
        }
        const fs::path target(name.text);
        const auto full = target.is_absolute() ? target : fs::path(path).parent_path() / target;
        read(full.string(), true, {path, name.line, "include", ""});
      }
    }
  }

  void read_map(const raw_value& map, const std::string& prefix, const std::string& file) {
    for (const auto& [key, value] : map.members) {
      if (key.kind != raw_value::shape::scalar) continue;  // already reported
      const std::string path = prefix.empty() ? key.text : prefix + "." + key.text;
      if (path == "include") {
        is_first(path, key.line, file);
        continue;
      }
      read_member(path, key, value, file);
    }
  }

  /// False when the file has set it before; that has been reported then.
  bool is_first(const std::string& path, int line, const std::string& file) {
    const auto [it, fresh] = first_line_.emplace(path, line);
    if (!fresh) complain(file, line, path, "is set twice; the first time in line " + std::to_string(it->second));
    return fresh;
  }

  void read_member(const std::string& path, const raw_value& key, const raw_value& value, const std::string& file) {
    const auto* secret = find_secret_of_file(path);
    const auto* spec = secret ? secret : find_config_key(path);
    if (spec && !(value.kind == raw_value::shape::map && is_vectorizer_only_map(path))) {
      is_first(path, key.line, file);
      return assign(path, *spec, secret != nullptr, value, key.line, file);
    }
    if (!spec && is_config_section(path)) {
      if (value.kind == raw_value::shape::map) return read_map(value, path, file);
      if (value.kind == raw_value::shape::null) return;  // "hub:" with everything below commented out
      return complain(file, key.line, path, "is a section: it takes keys, not a value");
    }
    if (!is_first(path, key.line, file)) return;
    std::string message = "unknown key";
    if (const auto near = nearest_config_path(path); !near.empty()) message += "; did you mean " + near + "?";
    auto& list = is_vectorizer_only(path) || is_vectorizer_only_map(path) ? out_.vectorizer_only : out_.problems;
    list.push_back({file, key.line, path, std::move(message)});
  }

  /// Vectorizer writes `quantization` as a map of settings; here it is a word.
  static bool is_vectorizer_only_map(const std::string& path) { return path == "collections.defaults.quantization"; }

  void assign(const std::string& path, const key_spec& spec, bool secret_file, const raw_value& value, int line,
              const std::string& file) {
    assignment a;
    a.key = &spec;
    a.path = path;
    a.from_secret_file = secret_file;
    a.origin = {config_layer::file, file, line};
    bool literal_secret = false;
    if (value.kind == raw_value::shape::map) return complain(file, line, path, "takes a value, not keys");
    if (value.kind == raw_value::shape::null) a.value.null = true;
    if (value.kind == raw_value::shape::scalar) {
      if (!expand(value, path, file, a.value.text, a.value.typed, literal_secret)) return;
    }
    if (value.kind == raw_value::shape::sequence) {
      a.value.is_list = true;
      for (const auto& item : value.items) {
        bool quoted = false;
        std::string text;
        if (item.kind != raw_value::shape::scalar)
          return complain(file, item.line, path, "must be a list of plain values");
        if (!expand(item, path, file, text, quoted, literal_secret)) return;
        a.value.list.push_back(std::move(text));
      }
    }
    const bool secret = spec.kind == value_kind::secret || spec.kind == value_kind::secret_list;
    if (secret && !secret_file && literal_secret) inline_secrets_.push_back({file, line, path, ""});
    replace(std::move(a));
  }

  bool expand(const raw_value& scalar, const std::string& path, const std::string& file, std::string& text, bool& typed,
              bool& literal) {
    bool changed = false;
    auto expanded = interpolate(scalar.text, sources_.environment, changed);
    if (!expanded) {
      complain(file, scalar.line, path, expanded.error().message);
      return false;
    }
    text = std::move(*expanded);
    // "${PORT}" needs quotes in JSON; what came from a variable may still be a number.
    typed = scalar.quoted && !changed;
    literal = literal || !changed;
    return true;
  }

  /// An including file replaces what its includes set. Of a key set twice in one file (an error already) both stay, so
  /// that both values are checked.
  void replace(assignment a) {
    for (auto& old : out_.assignments)
      if (old.path == a.path && old.origin.place != a.origin.place) {
        old = std::move(a);
        return;
      }
    out_.assignments.push_back(std::move(a));
  }

  void warn_about_readable_secrets(const std::string& path) {
    struct stat about {};
    const bool readable = ::stat(path.c_str(), &about) == 0 && (about.st_mode & (S_IRGRP | S_IROTH));
    for (auto& found : inline_secrets_) {
      found.message = "is a secret in a file that group or others can read; use a *_file key, a variable, or chmod 600";
      if (readable) out_.problems.push_back(std::move(found));
    }
    inline_secrets_.clear();
  }

  const config_sources& sources_;
  layer_reading& out_;
  std::set<std::string> open_;  ///< files being read, to find cycles
  std::size_t files_ = 0;
  std::map<std::string, int> first_line_;
  std::vector<config_problem> inline_secrets_;
};
}  // namespace

layer_reading read_file_layer(const config_sources& sources) {
  layer_reading out;
  file_reader reader(sources, out);
  reader.read(sources.file, sources.file_required, {sources.file, 0, "", ""});
  return out;
}

}  // namespace waggle
