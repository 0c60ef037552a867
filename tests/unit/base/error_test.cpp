#include "base/error.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <map>
#include <set>
#include <string>

#include "base/json.hpp"

using namespace waggle;

TEST_CASE("error: every code has a status, a stable name and a sentence") {
  std::map<std::string_view, int> status_of_name;
  for (int i = 0; i < static_cast<int>(ec::count_); ++i) {
    const auto& row = info(static_cast<ec>(i));
    CAPTURE(i);
    CHECK(static_cast<int>(row.code) == i);
    CHECK(row.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == row.name.npos);
    CHECK_FALSE(row.name.empty());
    CHECK_FALSE(row.text.empty());
    if (i == 0)
      CHECK(row.http_status == 200);
    else
      CHECK((row.http_status >= 400 && row.http_status < 600));
    // One name never has two statuses: a client that knows the name knows the status.
    const auto [known, fresh] = status_of_name.emplace(row.name, row.http_status);
    CHECK(known->second == row.http_status);
  }
}

TEST_CASE("error: codes keep their numbers, which answers on disk hold: new ones come last") {
  constexpr ec order[] = {
      ec::ok, ec::validation_error, ec::bad_request, ec::parse_error, ec::dimension_mismatch, ec::invalid_dimension,
      ec::unsupported_provider, ec::unsupported_model, ec::invalid_user_id, ec::tenant_required,
      ec::auth_missing_key, ec::auth_invalid_format, ec::auth_invalid_key, ec::auth_key_expired,
      ec::auth_signature_invalid, ec::auth_service_rejected, ec::forbidden, ec::function_not_allowed,
      ec::tenant_suspended, ec::ip_denied, ec::origin_denied, ec::collection_not_found, ec::vector_not_found,
      ec::snapshot_not_found, ec::tenant_not_found, ec::route_not_found, ec::cluster_mode_disabled,
      ec::method_not_allowed, ec::not_acceptable, ec::payload_too_large, ec::unsupported_media_type,
      ec::headers_too_large, ec::request_timeout, ec::collection_already_exists, ec::conflict,
      ec::precondition_failed, ec::quota_exceeded, ec::rate_limit_exceeded, ec::auth_rate_limit,
      ec::concurrency_limit, ec::queue_full, ec::internal_error, ec::not_implemented, ec::deadline_exceeded,
      ec::not_ready, ec::no_quorum, ec::tenant_unavailable, ec::hub_unavailable, ec::shutting_down, ec::storage_full,
      ec::corrupt_data, ec::io_error, ec::not_found, ec::invalid_credentials, ec::key_not_found, ec::user_not_found,
      ec::user_exists, ec::missing_api_key, ec::invalid_api_key, ec::hub_disabled, ec::audit_unavailable};
  static_assert(std::size(order) == static_cast<std::size_t>(ec::count_), "append the new code, change no other line");
  for (std::size_t i = 0; i < std::size(order); ++i) {
    CAPTURE(info(order[i]).name);
    CHECK(static_cast<std::size_t>(order[i]) == i);
  }
}

TEST_CASE("error: the statuses of the contract's table") {
  const std::pair<ec, int> rows[] = {{ec::validation_error, 400},
                                     {ec::parse_error, 400},
                                     {ec::dimension_mismatch, 400},
                                     {ec::tenant_required, 400},
                                     {ec::auth_missing_key, 401},
                                     {ec::auth_invalid_key, 401},
                                     {ec::missing_api_key, 401},
                                     {ec::invalid_api_key, 401},
                                     {ec::hub_disabled, 503},
                                     {ec::forbidden, 403},
                                     {ec::origin_denied, 403},
                                     {ec::collection_not_found, 404},
                                     {ec::vector_not_found, 404},
                                     {ec::route_not_found, 404},
                                     {ec::cluster_mode_disabled, 404},
                                     {ec::method_not_allowed, 405},
                                     {ec::not_acceptable, 406},
                                     {ec::payload_too_large, 413},
                                     {ec::unsupported_media_type, 415},
                                     {ec::collection_already_exists, 409},
                                     {ec::conflict, 409},
                                     {ec::precondition_failed, 412},
                                     {ec::quota_exceeded, 429},
                                     {ec::rate_limit_exceeded, 429},
                                     {ec::queue_full, 429},
                                     {ec::internal_error, 500},
                                     {ec::not_implemented, 501},
                                     {ec::deadline_exceeded, 504},
                                     {ec::not_ready, 503},
                                     {ec::no_quorum, 503},
                                     {ec::tenant_unavailable, 503},
                                     {ec::shutting_down, 503},
                                     {ec::storage_full, 507}};
  for (const auto& [code, status] : rows) {
    CAPTURE(info(code).name);
    CHECK(info(code).http_status == status);
  }
}

TEST_CASE("error: codes that stay inside the node look like any internal error") {
  for (const auto code : {ec::corrupt_data, ec::io_error, ec::not_found}) {
    CHECK(info(code).name == info(ec::internal_error).name);
    CHECK(info(code).text == info(ec::internal_error).text);
    CHECK(info(code).http_status == 500);
  }
}

TEST_CASE("error: a validation failure carries field and reason as JSON, whatever they hold") {
  const auto f = failure::validation("a\"b\n", "must not be \\ or \x01");
  CHECK(f.code == ec::validation_error);
  CHECK(f.message == "a\"b\n: must not be \\ or \x01");
  json_parser parser;
  const auto details = parser.parse(f.details);
  REQUIRE(details.has_value());
  CHECK((*details)["field"].as_string() == "a\"b\n");
  CHECK((*details)["reason"].as_string() == "must not be \\ or \x01");
}

TEST_CASE("error: internal detail goes to the log and never into the message") {
  const auto f = failure::internal("/var/lib/secret: permission denied");
  CHECK(f.code == ec::internal_error);
  CHECK(f.log_text.find("secret") != f.log_text.npos);
  CHECK(f.message.find("secret") == f.message.npos);
  CHECK(f.details.empty());
}

TEST_CASE("error: a failure becomes a result, and reading past it is an exception with its message") {
  const auto fails = []() -> result<int> { return failure(ec::conflict, "taken"); };
  const auto r = fails();
  REQUIRE_FALSE(r.has_value());
  CHECK(r.error().code == ec::conflict);
  CHECK_THROWS_WITH((void)r.value(), "taken");
}
