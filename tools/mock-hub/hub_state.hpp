#pragma once
// What the mock hub knows of its customers: users with plan, status and limits, and their access keys. Pure: time is an
// argument, and every id and key comes from one seeded generator, so the same calls in the same order give the same
// state. What cannot be done is a `refusal` with the HTTP status. One thread.
#include <map>
#include <random>

#include "tools/mock-hub/json_access.hpp"

namespace waggle::mock {

using unix_ms = std::int64_t;
/// No value = unlimited; a name that is not in the map is not in the hub's answer either.
using limit_map = std::map<std::string, std::optional<std::int64_t>>;

struct user {
  std::string id, name, email, password;
  std::string plan = "free";
  std::string status = "active";  ///< active, suspended, inactive, deleted
  unix_ms created_at = 0;
  limit_map limits;
  json::object quota_extras;            ///< members of the quota answer as they are: period, lease
  std::string quota_shape = "limits";   ///< which of the shapes of shapes.hpp the quota answer has
  bool quota_nested = false;            ///< the answer is {"quota": …}
  std::optional<json::value> ip_lists;  ///< as it is
};

struct access_key {
  std::string id, secret, user_id, name;
  std::vector<std::string> permissions;
  std::optional<std::vector<std::string>> functions;
  std::string scope = "tenant";
  unix_ms created_at = 0;
  std::optional<unix_ms> expires_at;
  std::optional<unix_ms> rotation_expires_at;  ///< set when it was rotated: the end of its grace
  bool revoked = false;
  std::optional<json::value> rate_limit_override;  ///< as it is
};

limit_map default_limits();
/// "active", "deprecated" (rotated, in its grace), "expired" or "revoked".
std::string rotation_status(const access_key& key, unix_ms now);

class hub_state {
 public:
  explicit hub_state(std::uint64_t rng_seed) : draws_(rng_seed) {}

  /// An empty id is drawn. 409 when there is one with that id.
  user& add_user(user fresh);
  user& find_user(const std::string& id);  ///< 404
  user* find_user_by_email(const std::string& email);
  void set_status(user& who, const std::string& status);  ///< 400 when there is no such status

  /// An empty secret or id is drawn. 404 when there is no such user, 409 when the secret or the id is taken.
  access_key& add_key(access_key fresh);
  access_key& find_key(const std::string& id_or_secret);  ///< 404
  access_key* find_key_by_secret(const std::string& secret);
  /// A new key with the same rights; the old one works until `now + grace_ms`. 409 unless the old one is active.
  access_key& rotate_key(const std::string& id_or_secret, std::int64_t grace_ms, unix_ms now);

  const std::map<std::string, user>& users() const { return users_; }
  const std::map<std::string, access_key>& keys() const { return keys_; }

  std::string draw_uuid();
  std::string draw_hex32();

 private:
  std::mt19937_64 draws_;
  std::map<std::string, user> users_;                ///< by id
  std::map<std::string, access_key> keys_;           ///< by id
  std::map<std::string, std::string> id_of_secret_;  ///< every secret ever given out
};

}  // namespace waggle::mock
