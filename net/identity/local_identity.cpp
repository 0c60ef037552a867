#include "net/identity/local_identity.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <future>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "net/identity/first_start.hpp"
#include "net/identity/password.hpp"

namespace waggle {
namespace {

std::filesystem::path node_directory(const settings& config) { return std::filesystem::path(config.data_dir) / "_node"; }

/// Who the node itself is while it makes its first administrator.
principal first_start_principal() {
  principal node;
  node.may = {permission_set{permission::admin}, std::nullopt, true};
  return node;
}

bool has_administrator(const identity_book& book) {
  const auto users = book.users();
  return std::any_of(users.begin(), users.end(), [](const auto& user) { return is_administrator(user->record); });
}
}  // namespace

local_identity_policy local_policy_of(const settings& config) {
  local_identity_policy policy;
  policy.cluster_mode = config.cluster.enabled;
  policy.may_bind_tenants = config.cluster.enabled && !config.hub.enabled;
  policy.key_limits = config.auth.key_limits;
  policy.read_write_manages_collections = config.auth.read_write_manages_collections;
  return policy;
}

local_identity::local_identity(identity_book& book, node_records records, runtime& rt, const settings& config,
                               const clock& time)
    : book_(book),
      records_(std::move(records)),
      hasher_(rt),
      failures_(config.auth.failures),
      guard_(failures_, config.auth.failures),
      keys_(book_, records_, time, config.auth.rotation_grace_seconds),
      users_(book_, records_, hasher_, time) {}

result<std::unique_ptr<local_identity>> local_identity::open(identity_book& book, node_records records, runtime& rt,
                                                             const settings& config, const clock& time,
                                                             metric_registry& metrics) {
  std::unique_ptr<local_identity> made(new local_identity(book, std::move(records), rt, config, time));
  if (auto loaded = made->load(); !loaded) return loaded.error();
  if (auto opened = made->make_sessions(config, time); !opened) return opened.error();
  if (!has_administrator(book))
    if (auto root = made->make_root(config, rt); !root) return root.error();
  made->count(metrics);
  return made;
}

boost::asio::awaitable<result<void>> local_identity::set_addresses(tenant_id tenant, addresses_record wanted) {
  for (const auto& [name, list] : {std::pair{"allowlist", &wanted.allowlist}, {"blocklist", &wanted.blocklist}})
    if (!parse_networks(*list)) co_return failure::validation(name, "must hold at most 1000 addresses or networks (10.0.0.0/8)");
  const bool none = wanted.allowlist.empty() && wanted.blocklist.empty();
  std::vector<operation> changes;
  const auto known = book_.find_addresses(tenant);
  if (none && !known) co_return result<void>();
  if (none)
    changes.push_back(erase_record_op{std::string(addresses_space), to_string(tenant)});
  else
    changes.push_back(put_record_op{std::string(addresses_space), to_string(tenant), encode_addresses(wanted), std::nullopt});
  co_return co_await records_.write(std::move(changes), !none);
}

result<void> local_identity::load() {
  for (const auto space : {keys_space, users_space, revoked_tokens_space, addresses_space}) {
    const auto list = records_.read(space);
    if (!list) return list.error();
    book_.take(*list);
  }
  return {};
}

result<void> local_identity::make_sessions(const settings& config, const clock& time) {
  auto secret = token_secret(config.auth.jwt_secret, node_directory(config));
  if (!secret) return secret.error();
  auto other = hash_password(random_alphanumeric(limits::password_bytes_max));
  if (!other) return other.error();
  session_settings made{std::move(*secret), config.auth.jwt_expiration_seconds, std::move(*other)};
  sessions_ = std::make_unique<sessions>(book_, records_, hasher_, guard_, time, std::move(made));
  return {};
}

result<void> local_identity::make_root(const settings& config, runtime& rt) {
  const auto directory = node_directory(config);
  auto root = choose_root(config.auth.root_user, config.auth.root_password, directory);
  if (!root) return root.error();
  const auto node = first_start_principal();
  user_request wanted{root->username, root->password, {"Admin"}, std::nullopt};
  std::promise<result<void>> done;
  auto make = [&]() -> boost::asio::awaitable<void> {
    const auto user = co_await users_.create(node, std::move(wanted));
    done.set_value(user ? result<void>() : result<void>(user.error()));
  };
  boost::asio::co_spawn(rt.context(0), make, boost::asio::detached);
  auto outcome = done.get_future().get();
  if (!outcome) {
    auto why = outcome.error();
    why.log_text = "the first administrator can't be made: " + why.message;
    return why;
  }
  log_event(log_level::warn, "identity", "first start: an administrator was made",
            {{"username", root->username},
             {"credentials", root->written ? (directory / ".root_credentials").string() : "as configured"}});
  return {};
}

void local_identity::count(metric_registry& metrics) {
  const auto counter = [&metrics](std::string_view name, std::string_view help, std::function<double()> read) {
    metrics.family(metric_kind::counter, name, help).sampled({}, std::move(read));
  };
  counter("waggle_auth_key_digests_total", "Digests computed to check local keys",
          [this] { return static_cast<double>(book_.digests_total()); });
  counter("waggle_auth_password_hashes_total", "Argon2id hashes computed",
          [this] { return static_cast<double>(hasher_.hashes_total()); });
  counter("waggle_auth_lockouts_total", "User names locked for too many failed log-ins",
          [this] { return static_cast<double>(guard_.lockouts_total()); });
}

}  // namespace waggle
