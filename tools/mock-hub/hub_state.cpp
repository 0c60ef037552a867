#include "tools/mock-hub/hub_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace waggle::mock {

limit_map default_limits() {
  return {{"collection_count", 10},
          {"vector_count", 100'000},
          {"storage_bytes", 1LL << 30},
          {"requests_per_minute", 1000},
          {"requests_per_hour", 10'000},
          {"requests_per_day", 100'000},
          {"requests_per_month", std::nullopt}};
}

std::string rotation_status(const access_key& key, unix_ms now) {
  if (key.revoked) return "revoked";
  if (key.expires_at && *key.expires_at <= now) return "expired";
  if (!key.rotation_expires_at) return "active";
  return *key.rotation_expires_at <= now ? "expired" : "deprecated";
}

user& hub_state::add_user(user fresh) {
  if (fresh.id.empty()) fresh.id = draw_uuid();
  const auto id = fresh.id;
  set_status(fresh, fresh.status);
  const auto [place, is_new] = users_.emplace(id, std::move(fresh));
  if (!is_new) throw refusal(409, "there is a user " + id);
  return place->second;
}

user& hub_state::find_user(const std::string& id) {
  const auto found = users_.find(id);
  if (found == users_.end()) throw refusal(404, "there is no user " + id);
  return found->second;
}

user* hub_state::find_user_by_email(const std::string& email) {
  const auto found = std::ranges::find_if(users_, [&](const auto& item) { return item.second.email == email; });
  return found == users_.end() ? nullptr : &found->second;
}

void hub_state::set_status(user& who, const std::string& status) {
  static constexpr std::array known = {"active", "suspended", "inactive", "deleted"};
  if (std::ranges::find(known, status) == known.end())
    throw refusal(400, "status must be active, suspended, inactive or deleted, not " + status);
  who.status = status;
}

access_key& hub_state::add_key(access_key fresh) {
  find_user(fresh.user_id);
  if (fresh.secret.empty()) fresh.secret = "hh_test_" + draw_hex32();
  if (fresh.id.empty()) fresh.id = draw_uuid();
  const auto id = fresh.id;
  if (keys_.contains(id)) throw refusal(409, "there is a key with the id " + id);
  if (!id_of_secret_.emplace(fresh.secret, id).second) throw refusal(409, "this key is given out already");
  return keys_.emplace(id, std::move(fresh)).first->second;
}

access_key& hub_state::find_key(const std::string& id_or_secret) {
  if (auto* key = find_key_by_secret(id_or_secret)) return *key;
  const auto found = keys_.find(id_or_secret);
  if (found == keys_.end()) throw refusal(404, "there is no such key");
  return found->second;
}

access_key* hub_state::find_key_by_secret(const std::string& secret) {
  const auto found = id_of_secret_.find(secret);
  return found == id_of_secret_.end() ? nullptr : &keys_.at(found->second);
}

access_key& hub_state::rotate_key(const std::string& id_or_secret, std::int64_t grace_ms, unix_ms now) {
  auto& old = find_key(id_or_secret);
  if (const auto status = rotation_status(old, now); status != "active")
    throw refusal(409, "only an active key is rotated; this one is " + status);
  auto fresh = old;
  fresh.id.clear();
  fresh.secret.clear();
  fresh.created_at = now;
  old.rotation_expires_at = now + grace_ms;
  return add_key(std::move(fresh));
}

std::string hub_state::draw_uuid() {
  const auto high = (draws_() & ~0xf000ULL) | 0x4000ULL;
  const auto low = (draws_() & ~(3ULL << 62)) | (1ULL << 63);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xffff, low >> 48,
                     low & 0xffff'ffff'ffffULL);
}

std::string hub_state::draw_hex32() {
  const auto high = draws_();
  return fmt::format("{:016x}{:016x}", high, draws_());
}

}  // namespace waggle::mock
