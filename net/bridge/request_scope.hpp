#pragma once
// One authenticated request on its way to the actors: who asks, by when, under which ids. Lives in the session's
// coroutine; the connection's thread.
#include <array>
#include <string>

#include "base/tenant_context.hpp"
#include "net/auth/principal.hpp"
#include "net/http/types.hpp"
#include "storage/apply/records.hpp"

namespace waggle {

/// `user_{uuid}:docs` or the older `{uuid}:docs`.
bool is_canonical_name(std::string_view name);

/// What a request does, for keys that are limited to some collections.
struct scoped_access {
  const std::vector<collection_scope>* scopes = nullptr;  ///< null: no limit
  char permission_class = 'P';
  std::string_view function;
  bool read_write_manages_collections = true;
};

constexpr std::size_t quota_types = 4;
/// What was decided about a tenant's growth, by quota_type.
struct quota_decisions {
  std::array<std::uint32_t, quota_types> allowed{};
  std::array<std::uint32_t, quota_types> refused{};
  bool operator==(const quota_decisions&) const = default;
};

class request_scope {
 public:
  request_scope(http_request& http, tenant_context who, std::vector<std::string> path_values, scoped_access access = {})
      : http_(http), who_(std::move(who)), path_values_(std::move(path_values)), access_(access) {}

  /// The tenant's; what a write carries.
  const quota_limits& limits() const { return limits_; }
  void set_limits(const quota_limits& limits) { limits_ = limits; }

  http_request& http() { return http_; }
  const http_request& http() const { return http_; }
  const tenant_context& who() const { return who_; }
  /// The value of the route's n-th `{}`, percent-decoded.
  const std::string& path_value(std::size_t n) const { return path_values_[n]; }
  /// A collection's bare name: the tenant's own canonical name (`user_{uuid}:docs`, older `{uuid}:docs`, the UUID
  /// in either case) is reduced, any other text stays what it is, and no collection has such a name (tenancy.md §1).
  std::string bare_name(std::string_view name) const;
  /// COLLECTION_NOT_FOUND for a collection that the key is not limited to, whether it exists or not; FORBIDDEN for what
  /// the key may not do there.
  result<void> may_use(const std::string& bare_name) const;
  /// Milliseconds left; 0 = the deadline has passed.
  int deadline_ms() const;
  /// Client's idempotency key (X-Waggle-Request-Id), "" when absent; and the hash that tells one body from another.
  std::string_view request_key() const;
  std::uint64_t fingerprint() const;

  /// What the request came across, for metrics and audit.
  struct observations {
    std::string named;       ///< the last collection that it asked for, whether it exists or not
    std::string collection;  ///< the last one that it opened or wrote; it exists
    std::uint64_t searches = 0;  ///< executed queries
    std::size_t results = 0;
    std::uint64_t visited_nodes = 0;
    quota_decisions quotas;
  };
  const observations& seen() const { return seen_; }
  void names_collection(const std::string& name) { seen_.named = name; }
  void saw_collection(const std::string& name) { seen_.collection = name; }
  void saw_quota(quota_type type, bool allowed) {
    auto& by_type = allowed ? seen_.quotas.allowed : seen_.quotas.refused;
    ++by_type[static_cast<std::size_t>(type)];
  }
  /// Of one query.
  void saw_results(std::size_t results, std::uint64_t visited_nodes) {
    ++seen_.searches;
    seen_.results += results;
    seen_.visited_nodes += visited_nodes;
  }

 private:
  http_request& http_;
  tenant_context who_;
  std::vector<std::string> path_values_;
  quota_limits limits_;
  scoped_access access_;
  observations seen_;
};

}  // namespace waggle
