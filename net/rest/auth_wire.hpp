#pragma once
// Bodies of the /auth routes: what is asked for a key or a user, and how they are shown. Pure; any thread.
#include "base/text_out.hpp"
#include "net/identity/local_identity.hpp"
#include "net/rest/handler.hpp"

namespace waggle::rest {

/// What every /auth route answers where local identity is off.
failure no_local_identity();

/// The grant that a body asks for; members that it leaves out stay as in `otherwise`, null takes a limit away.
wanted_grant read_grant(decoder& d, wanted_grant otherwise);
key_request read_key_request(decoder& d);
user_request read_user_request(decoder& d);
/// A list that is left out is empty.
addresses_record read_addresses(decoder& d);

/// `permissions`, `scopes`, `allowed_functions`.
void write_grant(json_writer& w, const wanted_grant& grant);
/// Unix seconds, null for 0.
void write_seconds(json_writer& w, std::string_view name, std::int64_t unix_s);
void write_key(json_writer& w, const live_key& key, std::int64_t now_unix_s);
void write_user(json_writer& w, const live_user& user);

}  // namespace waggle::rest
