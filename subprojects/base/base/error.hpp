#pragma once
// The one error vocabulary: `ec` codes, `failure`, `result<T>`, and the table that maps a code to HTTP and a stable name.
// Contract README §7. Pure values; any thread.
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace waggle {

enum class ec : int {
  ok = 0,
  // 400
  validation_error,
  bad_request,
  parse_error,
  dimension_mismatch,
  invalid_dimension,
  unsupported_provider,
  unsupported_model,
  invalid_user_id,
  tenant_required,
  // 401, 403
  auth_missing_key,
  auth_invalid_format,
  auth_invalid_key,
  auth_key_expired,
  auth_signature_invalid,
  auth_service_rejected,
  forbidden,
  function_not_allowed,
  tenant_suspended,
  ip_denied,
  origin_denied,
  // 404
  collection_not_found,
  vector_not_found,
  snapshot_not_found,
  tenant_not_found,
  route_not_found,
  cluster_mode_disabled,
  // 405 … 415
  method_not_allowed,
  not_acceptable,
  payload_too_large,
  unsupported_media_type,
  headers_too_large,
  request_timeout,
  // 409, 412
  collection_already_exists,
  conflict,
  precondition_failed,
  // 429
  quota_exceeded,
  rate_limit_exceeded,
  auth_rate_limit,
  concurrency_limit,
  queue_full,
  // 5xx
  internal_error,
  not_implemented,
  deadline_exceeded,
  not_ready,
  no_quorum,
  tenant_unavailable,
  hub_unavailable,
  shutting_down,
  storage_full,
  // inside the node only; reach a client as internal_error
  corrupt_data,
  io_error,
  not_found,
  // remembered outcomes of writes hold these numbers, so what is new comes last
  invalid_credentials,
  key_not_found,
  user_not_found,
  user_exists,
  missing_api_key,
  invalid_api_key,
  hub_disabled,
  audit_unavailable,
  count_
};

struct error_info {
  ec code;
  int http_status;
  std::string_view name;  ///< stable UPPER_SNAKE, e.g. "COLLECTION_NOT_FOUND"
  std::string_view text;  ///< the safe sentence used when a failure has none of its own
};
/// Total: every `ec` has a row.
const error_info& info(ec code);

/// Why something did not happen. `message` is safe to show to the client; `details` is a JSON object or empty;
/// `extra_members` are JSON members of the error body without braces ("\"usage\":3"), or empty; `log_text` goes to the log
/// only.
struct failure {
  ec code = ec::internal_error;
  std::string message;
  std::string details;
  std::string extra_members;
  std::string log_text;
  int retry_after_seconds = 0;  ///< 0 = no Retry-After header

  failure() = default;
  explicit failure(ec c) : code(c), message(info(c).text) {}
  failure(ec c, std::string m) : code(c), message(std::move(m)) {}
  failure(ec c, std::string m, std::string d) : code(c), message(std::move(m)), details(std::move(d)) {}
  static failure internal(std::string log) {
    failure f(ec::internal_error);
    f.log_text = std::move(log);
    return f;
  }
  /// 400 VALIDATION_ERROR with details{field,reason}.
  static failure validation(std::string_view field, std::string_view reason);
};

[[noreturn]] void throw_exception_from_error(const failure& f, const boost::source_location& where);

template <class T>
using result = boost::system::result<T, failure>;

}  // namespace waggle
