#include "tools/mock-hub/routes.hpp"

#include <algorithm>
#include <utility>

#include "tools/mock-hub/types.hpp"

namespace waggle::mock {
namespace {
enum : unsigned { open = 1, changes = 2 };  // without the service key; changes the state

struct route {
  std::string_view operation, method, path;
  unsigned flags = 0;
};

constexpr route table[] = {
    {"validate_key", "POST", "/api/v1/access-keys/validate"},
    {"manage_keys", "POST", "/api/v1/access-keys", changes},
    {"manage_keys", "GET", "/api/v1/access-keys"},
    {"manage_keys", "GET", "/api/v1/access-keys/{key_id}"},
    {"manage_keys", "DELETE", "/api/v1/access-keys/{key_id}", changes},
    {"get_user", "GET", "/api/internal/users/{user_id}"},
    {"get_quota", "GET", "/api/internal/{service}/user/{user_id}/quota"},
    {"check_quota", "POST", "/api/internal/{service}/quota/check"},
    {"list_collections", "GET", "/api/internal/{service}/user/{user_id}/collections"},
    {"create_collection", "POST", "/api/internal/{service}/user/{user_id}/collections", changes},
    {"validate_collection", "GET", "/api/internal/{service}/collection/{collection_id}/validate"},
    {"delete_collection", "DELETE", "/api/internal/{service}/collection/{collection_id}", changes},
    {"report_usage", "POST", "/api/internal/{service}/usage/update", changes},
    {"ship_logs", "POST", "/api/v1/{service}/logs", changes},
    // The path set "v1".
    {"get_user", "GET", "/api/v1/users/{user_id}"},
    {"get_quota", "GET", "/api/v1/{service}/users/{user_id}/quota"},
    {"check_quota", "POST", "/api/v1/{service}/users/{user_id}/quota/check"},
    {"check_quota", "POST", "/api/v1/{service}/quota/check"},
    {"list_collections", "GET", "/api/v1/{service}/users/{user_id}/collections"},
    {"create_collection", "POST", "/api/v1/{service}/users/{user_id}/collections", changes},
    {"validate_collection", "GET", "/api/v1/{service}/collections/{collection_id}/validate"},
    {"delete_collection", "DELETE", "/api/v1/{service}/collections/{collection_id}", changes},
    {"report_usage", "POST", "/api/v1/{service}/users/{user_id}/usage", changes},
    {"report_usage", "POST", "/api/v1/{service}/usage", changes},
    // Without the service key.
    {"ping", "GET", "/health", open},
    {"ping", "HEAD", "/health", open},
    {"ping", "GET", "/v1/health", open},
    {"register", "POST", "/api/auth/register", open | changes},
    {"login", "POST", "/api/auth/login", open | changes},  // it draws a token
};

/// The next segment of a path that begins with '/', and the rest.
std::pair<std::string_view, std::string_view> cut_segment(std::string_view path) {
  path.remove_prefix(1);
  const auto end = std::min(path.find('/'), path.size());
  return {path.substr(0, end), path.substr(end)};
}
}  // namespace

std::optional<std::map<std::string, std::string>> match_path(std::string_view template_text, std::string_view path) {
  std::map<std::string, std::string> parameters;
  while (template_text.starts_with('/') && path.starts_with('/')) {
    const auto [wanted, template_rest] = cut_segment(template_text);
    const auto [segment, path_rest] = cut_segment(path);
    if (wanted.starts_with('{')) {
      if (segment.empty()) return std::nullopt;
      parameters.emplace(wanted.substr(1, wanted.size() - 2), decode_percent(segment));
    } else if (wanted != segment) {
      return std::nullopt;
    }
    template_text = template_rest;
    path = path_rest;
  }
  if (!template_text.empty() || !path.empty()) return std::nullopt;
  return parameters;
}

std::optional<route_match> find_route(std::string_view method, std::string_view path) {
  for (const auto& r : table)
    if (r.method == method)
      if (auto parameters = match_path(r.path, path))
        return route_match{std::string(r.operation), std::move(*parameters), (r.flags & open) == 0,
                           (r.flags & changes) != 0};
  return std::nullopt;
}

bool is_operation(std::string_view name) {
  return std::ranges::any_of(table, [name](const route& r) { return r.operation == name; });
}

}  // namespace waggle::mock
