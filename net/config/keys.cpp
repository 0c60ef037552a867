// Finding keys in the table: by path, by alias, by section, by likeness.
#include "net/config/keys.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace waggle {
namespace {
struct key_index {
  std::map<std::string_view, const key_spec*> by_path;
  std::set<std::string, std::less<>> sections;
  std::set<std::string, std::less<>> names;  ///< paths, aliases, secret files, sections

  key_index() {
    for (const auto& key : config_keys()) {
      by_path.emplace(key.path, &key);
      add_name(std::string(key.path));
      if (key.kind == value_kind::secret || key.kind == value_kind::secret_list)
        add_name(std::string(key.path) + "_file");
      if (key.alias.empty()) continue;
      by_path.emplace(key.alias, &key);
      add_name(std::string(key.alias));
    }
  }
  void add_name(std::string name) {
    for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
      sections.insert(name.substr(0, dot));
      names.insert(name.substr(0, dot));
    }
    names.insert(std::move(name));
  }
};

const key_index& index() {
  static const key_index made;
  return made;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string_view last_part(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}
}  // namespace

const key_spec* find_config_key(std::string_view path) {
  const auto it = index().by_path.find(path);
  return it == index().by_path.end() ? nullptr : it->second;
}

bool is_config_section(std::string_view path) { return index().sections.contains(path); }

const key_spec* find_secret_of_file(std::string_view path) {
  if (!path.ends_with("_file")) return nullptr;
  const auto* key = find_config_key(path.substr(0, path.size() - 5));
  return key && (key->kind == value_kind::secret || key->kind == value_kind::secret_list) ? key : nullptr;
}

std::string nearest_config_path(std::string_view path) {
  if (path.size() > 128) return {};
  const std::size_t near = std::max<std::size_t>(2, path.size() / 4);
  std::string best;
  std::size_t best_distance = near + 1;
  for (const auto& name : index().names)
    if (const auto d = edit_distance(path, name); d < best_distance) best = name, best_distance = d;
  if (!best.empty()) return best;
  for (const auto& name : index().names)
    if (last_part(name) == last_part(path)) return name;
  return {};
}

std::string environment_name(std::string_view path) {
  std::string name = "WAGGLE_";
  for (const char c : path) {
    if (c == '.')
      name += "__";
    else
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

bool is_vectorizer_only(std::string_view path) {
  // From the 3.5 example configuration. `security.*` and `api.rest.enabled` are not here: dropping them silently would
  // open what their author wanted closed.
  static constexpr std::string_view known[] = {"rpc",
                                               "file_watcher",
                                               "server.mcp_port",
                                               "logging.log_requests",
                                               "logging.log_responses",
                                               "logging.log_errors",
                                               "logging.correlation_id_enabled",
                                               "gpu",
                                               "monitoring",
                                               "cluster.discovery",
                                               "cluster.timeout_ms",
                                               "cluster.retry_count",
                                               "cluster.servers",
                                               "cluster.memory",
                                               "embedding",
                                               "collections.defaults.embedding",
                                               "collections.defaults.index",
                                               "transmutation",
                                               "summarization",
                                               "normalization",
                                               "performance",
                                               "workspace",
                                               "api.rest.cors_enabled",
                                               "api.rest.timeout_seconds",
                                               "api.mcp",
                                               "api.grpc",
                                               "auth.api_key_length",
                                               "storage",
                                               "replication",
                                               "backpressure.enabled",
                                               "backpressure.max_concurrent_vocab_builds",
                                               "backpressure.upsert_queue_hard_limit",
                                               "backpressure.read_path_isolated_runtime",
                                               "backpressure.log_rate_limit_per_5s"};
  for (const auto& name : known)
    if (path == name || (path.starts_with(name) && path.size() > name.size() && path[name.size()] == '.')) return true;
  return false;
}

}  // namespace waggle
