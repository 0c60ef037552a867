// The live copy of keys and users: what lets in, when, and how much work a no costs.
#include <doctest/doctest.h>

#include "net/identity/identity_book.hpp"

using namespace waggle;

namespace {
constexpr std::int64_t now = 1'700'000'000;
const fresh_local_key key = make_local_key(), other = make_local_key();

tenant_id tenant(std::uint8_t n) {
  tenant_id id;
  id.bytes[0] = n;
  return id;
}

key_record record_of(const fresh_local_key& of) {
  key_record r;
  r.name = "test";
  r.digest = of.digest;
  r.grant.permissions = {"read"};
  r.user_id = "u";
  r.created_at = now;
  return r;
}
record_change put(const fresh_local_key& of, const key_record& r, std::uint64_t version) {
  return {std::string(keys_space), of.id, encode_key(r), version};
}
record_change gone(std::string_view space, std::string key, std::uint64_t version) {
  return {std::string(space), std::move(key), std::nullopt, version};
}

struct world {
  local_identity_policy policy;
  identity_book book{policy};
  ec ask(const fresh_local_key& with, std::int64_t at = now, bool known_only = false) {
    const auto who = book.check_key(*parse_local_key(with.text), at, known_only);
    return who ? ec::ok : who.error().code;
  }
};

user_record user() {
  user_record u;
  u.user_id = "u-1";
  u.password = "$argon2id$";
  u.roles = {"User"};
  u.generation = 3;
  return u;
}
jwt_claims claims_of_user() {
  jwt_claims c;
  c.user_id = "u-1";
  c.username = "ann";
  c.generation = 3;
  c.id = "j";
  return c;
}
ec ask(const identity_book& book, const jwt_claims& claims) {
  const auto who = book.check_token(claims);
  return who ? ec::ok : who.error().code;
}
}  // namespace

TEST_CASE("book: a key lets in from the change that makes it to the change that erases it") {
  world w;
  CHECK(w.ask(key) == ec::auth_invalid_key);
  w.book.take({put(key, record_of(key), 5)});
  CHECK(w.ask(key) == ec::ok);
  CHECK(w.ask(other) == ec::auth_invalid_key);
  w.book.take({put(key, record_of(other), 4)});  // older than what is known
  CHECK(w.ask(key) == ec::ok);
  w.book.take({gone(keys_space, key.id, 6)});
  CHECK(w.ask(key) == ec::auth_invalid_key);
}

TEST_CASE("book: the secret of one key does not fit another, and no costs as much as any no") {
  world w;
  w.book.take({put(key, record_of(key), 1)});
  auto mixed = key;
  mixed.text = key.text.substr(0, 16) + other.text.substr(16);
  const auto before = w.book.digests_total();
  CHECK(w.ask(mixed) == ec::auth_invalid_key);
  const auto wrong_secret = w.book.digests_total() - before;
  CHECK(w.ask(other) == ec::auth_invalid_key);
  CHECK(w.book.digests_total() - before - wrong_secret == wrong_secret);
  CHECK(wrong_secret == 1);
}

TEST_CASE("book: expiry") {
  world w;
  auto record = record_of(key);
  record.expires_at = now + 10;
  w.book.take({put(key, record, 1)});
  CHECK(w.ask(key, now + 9) == ec::ok);
  CHECK(w.ask(key, now + 10) == ec::auth_key_expired);
  const auto who = w.book.check_key(*parse_local_key(key.text), now, false);
  REQUIRE(who.has_value());
  CHECK((*who)->expires_at == "2023-11-14T22:13:30.000Z");
  CHECK_FALSE((*who)->deprecated);
}

TEST_CASE("book: a replaced key works until its grace is over, and says so") {
  world w;
  auto record = record_of(key);
  record.rotated_to = other.id;
  record.grace_until = now + 300;
  w.book.take({put(key, record, 1), put(other, record_of(other), 1)});
  const auto who = w.book.check_key(*parse_local_key(key.text), now + 299, false);
  REQUIRE(who.has_value());
  CHECK((*who)->deprecated);
  CHECK((*who)->deprecated_until == "2023-11-14T22:18:20.000Z");
  CHECK(w.ask(key, now + 300) == ec::auth_key_expired);
  CHECK(w.ask(other, now + 300) == ec::ok);
}

TEST_CASE("book: during a block only keys that were right before") {
  world w;
  w.book.take({put(key, record_of(key), 1), put(other, record_of(other), 1)});
  CHECK(w.ask(key, now, true) == ec::auth_rate_limit);
  CHECK(w.ask(key, now, false) == ec::ok);
  CHECK(w.ask(key, now, true) == ec::ok);
  CHECK(w.ask(other, now, true) == ec::auth_rate_limit);
  auto mixed = key;
  mixed.text = key.text.substr(0, 16) + other.text.substr(16);
  CHECK(w.ask(mixed, now, true) == ec::auth_rate_limit);
}

TEST_CASE("book: whose a key is") {
  auto bound = record_of(key);
  bound.tenant = tenant(1);
  world standalone;
  standalone.book.take({put(other, record_of(other), 1)});
  auto who = standalone.book.check_key(*parse_local_key(other.text), now, false);
  CHECK((*who)->tenant == tenant_id{});
  CHECK((*who)->may.operator_scope);
  world cluster{{true, true, {}, true}};
  cluster.book.take({put(key, bound, 1), put(other, record_of(other), 1)});
  who = cluster.book.check_key(*parse_local_key(key.text), now, false);
  CHECK((*who)->tenant == tenant(1));
  CHECK_FALSE((*who)->may.operator_scope);
  who = cluster.book.check_key(*parse_local_key(other.text), now, false);
  CHECK((*who)->tenant == std::nullopt);
  CHECK((*who)->may.operator_scope);
}

TEST_CASE("book: a record that can't be read lets nobody in") {
  world w;
  w.book.take({put(key, record_of(key), 1)});
  for (const auto& bad : {"", "{}", "[]", R"({"name":1})"}) {
    w.book.take({put(key, record_of(key), 2)});
    REQUIRE(w.ask(key) == ec::ok);
    w.book.take({{std::string(keys_space), key.id, bad, 3}});
    CHECK_MESSAGE(w.ask(key) == ec::auth_invalid_key, bad);
  }
}

TEST_CASE("book: limits of a key's own, else those of all keys") {
  world w{{false, false, {2, 0, 0}, true}};
  auto own = record_of(other);
  own.own_limits.per_minute = 3;
  w.book.take({put(key, record_of(key), 1), put(other, own, 1)});
  for (const auto& [of, most] : {std::pair{&key, 2}, std::pair{&other, 3}}) {
    const auto who = *w.book.check_key(*parse_local_key(of->text), now, false);
    int admitted = 0;
    for (int i = 0; i < 10; ++i) admitted += who->own_rate->admit(1000 * now).admitted;
    CHECK(admitted == most);
  }
}

TEST_CASE("book: a token is as good as its user is now") {
  world w;
  const auto put_user = [&w](const user_record& u, std::uint64_t version) {
    w.book.take({{std::string(users_space), "ann", encode_user(u), version}});
  };
  CHECK(ask(w.book, claims_of_user()) == ec::auth_invalid_key);
  put_user(user(), 1);
  CHECK(ask(w.book, claims_of_user()) == ec::ok);
  CHECK((*w.book.check_token(claims_of_user()))->may.permissions == permission_set{permission::read_write});
  auto demoted = user();
  demoted.roles = {"ReadOnly"};
  put_user(demoted, 2);
  CHECK((*w.book.check_token(claims_of_user()))->may.permissions == permission_set{permission::read_only});
  auto new_password = user();
  new_password.generation = 4;
  put_user(new_password, 3);
  CHECK(ask(w.book, claims_of_user()) == ec::auth_invalid_key);
  auto another_ann = user();
  another_ann.user_id = "u-2";
  put_user(another_ann, 4);
  CHECK(ask(w.book, claims_of_user()) == ec::auth_invalid_key);
}

TEST_CASE("book: a revoked token, and when it is forgotten") {
  world w;
  w.book.take({{std::string(users_space), "ann", encode_user(user()), 1}});
  w.book.take({{std::string(revoked_tokens_space), "j", encode_revoked_token({now + 10}), 2}});
  CHECK(ask(w.book, claims_of_user()) == ec::auth_invalid_key);
  CHECK(w.book.outdated_tokens(now + 9, 10).empty());
  CHECK(w.book.outdated_tokens(now + 10, 10) == std::vector<std::string>{"j"});
  CHECK(w.book.outdated_tokens(now + 10, 0).empty());
}

TEST_CASE("book: records come back as they went in") {
  auto k = record_of(key);
  k.name = "näme \"x\"";
  k.kind = "mcp";
  k.grant = {{"read", "ADMIN"}, std::vector<std::string>{"search"}, std::vector<written_scope>{{"docs", {"read"}}}};
  k.tenant = tenant(7);
  k.own_limits = {5, 6, 0};
  k.expires_at = now + 1;
  k.rotated_to = "x";
  k.grace_until = now + 2;
  const auto back = decode_key(encode_key(k));
  REQUIRE(back.has_value());
  CHECK(encode_key(*back) == encode_key(k));
  CHECK(back->grant.scopes == k.grant.scopes);
  CHECK(back->tenant == k.tenant);
  CHECK(back->own_limits.per_hour == 6);
  auto u = user();
  u.tenant = tenant(9);
  REQUIRE(decode_user(encode_user(u)).has_value());
  CHECK(encode_user(*decode_user(encode_user(u))) == encode_user(u));
}

TEST_CASE("key usage: by hour and day") {
  key_usage usage;
  CHECK(usage.last_used() == 0);
  for (int i = 0; i < 3; ++i) usage.used(now - 86400 * 2);
  usage.used(now - 3600);
  usage.used(now);
  CHECK(usage.last_used() == now);
  CHECK(usage.total() == 5);
  CHECK(usage.last_24_hours(now) == 2);
  const auto days = usage.days(now, 3);
  REQUIRE(days.size() == 3);
  CHECK(days[0].count == 3);
  CHECK(days[1].count == 0);
  CHECK(days[2].count == 2);
  CHECK(usage.last_24_hours(now + 30 * 3600) == 0);
}
