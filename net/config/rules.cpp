// The rules that span keys: what a node refuses to start with (contract config.md §1). One function per concern, so
// that each rule can be read next to its reason.
#include <arpa/inet.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "net/auth/ip_address.hpp"
#include "net/config/config.hpp"

namespace waggle {
namespace fs = std::filesystem;
namespace {
class rule_checker {
 public:
  rule_checker(const config& c, std::vector<config_problem>& problems) : c_(c), problems_(problems) {}

  void run() {
    cluster_mode_ = c_.flag("hub.enabled") || c_.flag("cluster.enabled");
    check_exposure();
    check_liveness();
    check_trust();
    check_cluster_mode();
    check_hub_trust();
    check_tls();
    check_data_dir();
    check_numbers();
    check_lists();
    check_forwarding();
    check_mcp();
    check_audit();
  }

 private:
  void refuse(std::string_view key, std::string message) {
    const auto& o = c_.origin(key);
    const bool file = o.layer == config_layer::file;
    const bool standard = o.layer == config_layer::standard;
    problems_.push_back({standard ? ""
                         : file   ? o.place
                                  : std::string(to_string(o.layer)),
                         o.line, std::string(key), std::move(message)});
  }
  static bool loopback(std::string_view host) {
    if (host == "localhost") return true;
    in_addr v4{};
    in6_addr v6{};
    const std::string text(host);
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
  }

  /// Whoever can reach an open node owns its data.
  void check_exposure() {
    if (c_.text("server.host").empty())
      refuse("server.host", "must not be empty");
    else if (!loopback(c_.text("server.host")) && !c_.flag("auth.enabled") && !cluster_mode_)
      refuse("server.host", "'" + c_.text("server.host") +
                                "' is not a loopback address; without authentication a node only listens on loopback");
    const auto& required = c_.get("auth.require_authentication");
    if (required.set && required.boolean && !c_.flag("auth.enabled") && !cluster_mode_)
      refuse("auth.require_authentication", "contradicts auth.enabled: false");
    if (required.set && !required.boolean && cluster_mode_)
      refuse("auth.require_authentication", "can't be false in cluster mode");
    else if (required.set && !required.boolean && c_.flag("auth.enabled"))
      refuse("auth.require_authentication", "contradicts auth.enabled: true");
  }

  /// It says nothing but whether the node is up; still it is a listener.
  void check_liveness() {
    const auto& listen = c_.text("server.liveness.listen");
    if (listen.empty() || listen.starts_with("unix:/")) return;
    const auto host = listen_host(listen);
    if (!host)
      refuse("server.liveness.listen", "'" + listen + "' must be address:port, [address]:port or unix:/path");
    else if (!loopback(*host) && !c_.flag("auth.enabled") && !cluster_mode_)
      refuse("server.liveness.listen", "'" + *host + "' is not a loopback address; that takes authentication");
  }

  /// The address of "127.0.0.1:1" or "[::1]:1".
  static std::optional<std::string> listen_host(const std::string& listen) {
    const auto colon = listen.rfind(':');
    if (colon == listen.npos || colon == 0 || colon + 1 == listen.size()) return std::nullopt;
    const auto port = listen.substr(colon + 1);
    if (port.size() > 5 || port.find_first_not_of("0123456789") != port.npos || std::stoi(port) > 65535) return std::nullopt;
    auto host = listen.substr(0, colon);
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    in_addr v4{};
    in6_addr v6{};
    const bool address = inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
    return address ? std::optional(host) : std::nullopt;
  }

  /// Exactly one says who a tenant is: HiveHub, or the node's own keys.
  void check_trust() {
    const bool local = c_.text("cluster.trust") == "local";
    if (local && c_.flag("hub.enabled")) refuse("cluster.trust", "local contradicts hub.enabled: true");
    if (local && !c_.flag("cluster.enabled")) refuse("cluster.trust", "local needs cluster.enabled: true");
    if (local && !c_.flag("auth.enabled")) refuse("cluster.trust", "local needs auth.enabled: true");
    // Local keys sign nothing.
    if (c_.flag("auth.enabled") && c_.text("hub.signing.required") == "all")
      refuse("hub.signing.required", "can't be all with auth.enabled");
    const auto& user = c_.text("auth.root_user");
    const bool named = std::all_of(user.begin(), user.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '.' || c == '_' || c == '-' || c == '@';
    });
    if (c_.get("auth.root_user").set && (!named || user.size() < 3 || user.size() > 64))
      refuse("auth.root_user", "must be 3 to 64 letters, digits, '.', '_', '-' or '@'");
  }

  void check_cluster_mode() {
    if (!cluster_mode_) return;
    const bool local = c_.text("cluster.trust") == "local";
    if (!local && (c_.text("hub.api_url").empty() || !c_.get("hub.service_api_key").set))
      refuse("hub.service_api_key", "cluster mode needs hub.api_url and hub.service_api_key (or cluster.trust: local)");
    const auto& isolation = c_.get("hub.tenant_isolation");
    if (isolation.set && isolation.text == "none" && !c_.flag("hub.allow_no_isolation"))
      refuse("hub.tenant_isolation", "none in cluster mode needs hub.allow_no_isolation: true");
    if (!c_.flag("durability.fsync")) refuse("durability.fsync", "can't be false in cluster mode");
    const auto& audit = c_.get("audit.enabled");
    if (audit.set && !audit.boolean) refuse("audit.enabled", "can't be false in cluster mode");
    for (const std::string_view key :
         {"quotas.defaults.collection_count", "quotas.defaults.vector_count", "quotas.defaults.storage_bytes"})
      if (!c_.get(key).set && c_.origin(key).layer != config_layer::standard)
        refuse(key, "can't be unlimited in cluster mode");
  }

  void check_hub_trust() {
    if (c_.flag("hub.inbound.allow_literal_true") && c_.list("hub.inbound.allowed_peers").empty())
      refuse("hub.inbound.allow_literal_true", "needs hub.inbound.allowed_peers");
    const auto& url = c_.text("hub.api_url");
    const bool https = url.starts_with("https://"), http = url.starts_with("http://");
    if (!https && !http) return refuse("hub.api_url", "must begin with https:// or http://");
    if (http && !c_.flag("hub.allow_plain_http") && !loopback(host_of(url)))
      refuse("hub.api_url", "plain http off loopback needs hub.allow_plain_http: true");
  }

  static std::string_view host_of(std::string_view url) {
    url.remove_prefix(url.find("://") + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
    if (url.starts_with('[')) return url.substr(1, std::min(url.find(']'), url.size()) - 1);
    return url.substr(0, url.find(':'));
  }

  void check_tls() {
    if (!c_.flag("server.tls.enabled")) {
      for (const std::string_view key : {"server.tls.cert_path", "server.tls.key_path", "server.tls.client_ca_path"})
        if (!c_.text(key).empty()) refuse(key, "is set, but server.tls.enabled is false");
      return;
    }
    for (const std::string_view key : {"server.tls.cert_path", "server.tls.key_path"})
      if (c_.text(key).empty())
        refuse("server.tls.enabled", "needs " + std::string(key));
      else if (::access(c_.text(key).c_str(), R_OK) != 0)
        refuse(key, "'" + c_.text(key) + "' can't be read");
    if (!c_.text("server.tls.client_ca_path").empty() &&
        ::access(c_.text("server.tls.client_ca_path").c_str(), R_OK) != 0)
      refuse("server.tls.client_ca_path", "'" + c_.text("server.tls.client_ca_path") + "' can't be read");
    check_own("server.tls.key_path");
  }

  /// A file with a secret.
  void check_own(std::string_view key) {
    struct stat about {};
    if (::stat(c_.text(key).c_str(), &about) == 0 && (about.st_mode & (S_IRWXO | S_IRWXG)))
      refuse(key, "must not be accessible by group or others (chmod 600)");
  }

  void check_data_dir() {
    const auto& path = c_.text("data_dir");
    if (path.empty()) return refuse("data_dir", "must not be empty");
    std::error_code error;
    const auto status = fs::status(path, error);
    if (fs::exists(status)) {
      if (!fs::is_directory(status))
        refuse("data_dir", "'" + path + "' is not a directory");
      else if (::access(path.c_str(), W_OK | X_OK) != 0)
        refuse("data_dir", "'" + path + "' is not writable");
      return;
    }
    // It will be created: the nearest directory that exists must allow it.
    auto parent = fs::absolute(path, error).parent_path();
    while (!parent.empty() && parent != parent.root_path() && !fs::exists(parent, error)) parent = parent.parent_path();
    if (!fs::is_directory(parent, error) || ::access(parent.c_str(), W_OK | X_OK) != 0)
      refuse("data_dir", "'" + path + "' can't be created: '" + parent.string() + "' is not a writable directory");
  }

  void check_numbers() {
    if (c_.number("backpressure.upsert_queue_high_water") > c_.number("backpressure.hard_limit"))
      refuse("backpressure.upsert_queue_high_water", "must not be higher than backpressure.hard_limit");
    if (c_.number("hub.circuit_breaker.open_seconds") > c_.number("hub.circuit_breaker.max_open_seconds"))
      refuse("hub.circuit_breaker.open_seconds", "must not be higher than hub.circuit_breaker.max_open_seconds");
    if (c_.number("cluster.heartbeat_ms") * 2 > c_.number("cluster.election_timeout_ms"))
      refuse("cluster.heartbeat_ms", "must be at most half of cluster.election_timeout_ms");
    // A nonce that is forgotten while its timestamp is still accepted could be replayed.
    if (c_.number("hub.signing.nonce_ttl_seconds") < 2 * c_.number("hub.signing.max_skew_seconds"))
      refuse("hub.signing.nonce_ttl_seconds", "must be at least twice hub.signing.max_skew_seconds");
  }

  static bool is_origin(std::string_view text) {
    if (text == "*") return true;
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos || scheme == 0) return false;
    const auto rest = text.substr(scheme + 3);
    return !rest.empty() && rest.find_first_of("/?#@ ,*") == std::string_view::npos;
  }

  void check_lists() {
    for (const std::string_view key : {"security.ip.global_allowlist", "security.ip.global_blocklist",
                                       "security.trusted_proxies", "hub.inbound.allowed_peers"})
      for (const auto& item : c_.list(key))
        if (!ip_network::parse(item)) refuse(key, "'" + item + "' is not an address or network (10.0.0.0/8)");
    for (const std::string_view key : {"server.cors.allowed_origins", "mcp.allowed_origins"})
      for (const auto& item : c_.list(key))
        if (!is_origin(item)) refuse(key, "'" + item + "' is not an origin (https://app.example.com)");
    for (const auto& item : c_.list("server.allowed_hosts"))
      if (item.find_first_of("/@ *") != std::string::npos)
        refuse("server.allowed_hosts", "'" + item + "' is not a host name");
  }

  void check_forwarding() {
    const auto& header = c_.text("security.forwarded_header");
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";  // of a token, RFC 9110 §5.6.2
    const bool token = std::all_of(header.begin(), header.end(), [&](unsigned char c) {
      return std::isalnum(c) || marks.find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (header.empty() || !token) return refuse("security.forwarded_header", "'" + header + "' is not a header name");
    // RFC 7239 has another syntax: every request through a proxy would be refused.
    if (strcasecmp(header.c_str(), "Forwarded") == 0)
      refuse("security.forwarded_header", "must be a header that lists addresses, as X-Forwarded-For does");
  }

  void check_mcp() {
    const auto& tenants = c_.get("mcp.multi_tenant");
    if (tenants.set && tenants.boolean != cluster_mode_)
      refuse("mcp.multi_tenant",
             cluster_mode_ ? "can't be false in cluster mode" : "can't be true outside cluster mode");
    const auto& auth = c_.get("mcp.require_auth");
    const bool required = cluster_mode_ || c_.flag("auth.enabled");
    if (auth.set && auth.boolean != required)
      refuse("mcp.require_auth",
             required ? "can't be false with authentication" : "can't be true without auth.enabled");
  }

  /// Without authentication there is nobody to write about.
  void check_audit() {
    const auto& audit = c_.get("audit.enabled");
    if (audit.set && audit.boolean && !cluster_mode_ && !c_.flag("auth.enabled"))
      refuse("audit.enabled", "needs auth.enabled or cluster mode");
    if (c_.text("audit.dir").empty()) refuse("audit.dir", "must not be empty");
    const auto& key = c_.text("audit.signing_key_file");
    if (key.empty()) return;
    if (!cluster_mode_ && !c_.flag("auth.enabled")) refuse("audit.signing_key_file", "needs auth.enabled or cluster mode");
    if (::access(key.c_str(), R_OK) != 0) refuse("audit.signing_key_file", "'" + key + "' can't be read");
    check_own("audit.signing_key_file");
  }

  const config& c_;
  std::vector<config_problem>& problems_;
  bool cluster_mode_ = false;
};
}  // namespace

void check_config_rules(const config& merged, std::vector<config_problem>& problems) {
  rule_checker(merged, problems).run();
}

}  // namespace waggle
