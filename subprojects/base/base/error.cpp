#include "base/error.hpp"

#include <array>
#include <stdexcept>

#include "base/text_out.hpp"

namespace waggle {
namespace {
constexpr std::array table{
    error_info{ec::ok, 200, "OK", "OK"},
    error_info{ec::validation_error, 400, "VALIDATION_ERROR", "The request is not valid"},
    error_info{ec::bad_request, 400, "BAD_REQUEST", "Bad request"},
    error_info{ec::parse_error, 400, "PARSE_ERROR", "The body is not valid JSON"},
    error_info{ec::dimension_mismatch, 400, "DIMENSION_MISMATCH", "Vector dimension does not match the collection"},
    error_info{ec::invalid_dimension, 400, "INVALID_DIMENSION", "Dimension must be between 1 and 65536"},
    error_info{ec::unsupported_provider, 400, "UNSUPPORTED_PROVIDER", "Embedding provider is not available"},
    error_info{ec::unsupported_model, 400, "UNSUPPORTED_MODEL", "Model is not available"},
    error_info{ec::invalid_user_id, 400, "INVALID_USER_ID", "User id is not a UUID"},
    error_info{ec::tenant_required, 400, "TENANT_REQUIRED", "A tenant must be named"},
    error_info{ec::auth_missing_key, 401, "AUTH_MISSING_KEY", "Authentication required"},
    error_info{ec::auth_invalid_format, 401, "AUTH_INVALID_FORMAT", "This is no API key"},
    error_info{ec::auth_invalid_key, 401, "AUTH_INVALID_KEY", "Invalid API key"},
    error_info{ec::auth_key_expired, 401, "AUTH_KEY_EXPIRED", "The API key has expired; rotate it"},
    error_info{ec::auth_signature_invalid, 401, "AUTH_SIGNATURE_INVALID", "Invalid request signature"},
    error_info{ec::auth_service_rejected, 401, "AUTH_SERVICE_REJECTED", "The service request is not proven"},
    error_info{ec::forbidden, 403, "FORBIDDEN", "Forbidden"},
    error_info{ec::function_not_allowed, 403, "FUNCTION_NOT_ALLOWED", "The API key is not allowed to call this function"},
    error_info{ec::tenant_suspended, 403, "TENANT_SUSPENDED", "The account is suspended"},
    error_info{ec::ip_denied, 403, "IP_DENIED", "Requests from this address are not allowed"},
    error_info{ec::origin_denied, 403, "ORIGIN_DENIED", "Origin or Host not allowed"},
    error_info{ec::collection_not_found, 404, "COLLECTION_NOT_FOUND", "Collection not found"},
    error_info{ec::vector_not_found, 404, "VECTOR_NOT_FOUND", "Vector not found"},
    error_info{ec::snapshot_not_found, 404, "SNAPSHOT_NOT_FOUND", "Snapshot not found"},
    error_info{ec::tenant_not_found, 404, "TENANT_NOT_FOUND", "Tenant not found"},
    error_info{ec::route_not_found, 404, "ROUTE_NOT_FOUND", "No such route"},
    error_info{ec::cluster_mode_disabled, 404, "CLUSTER_MODE_DISABLED", "Cluster mode is off"},
    error_info{ec::method_not_allowed, 405, "METHOD_NOT_ALLOWED", "Method not allowed"},
    error_info{ec::not_acceptable, 406, "NOT_ACCEPTABLE", "Not acceptable"},
    error_info{ec::payload_too_large, 413, "PAYLOAD_TOO_LARGE", "The request is too large"},
    error_info{ec::unsupported_media_type, 415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type or encoding"},
    error_info{ec::headers_too_large, 431, "HEADERS_TOO_LARGE", "The request header is too large"},
    error_info{ec::request_timeout, 408, "REQUEST_TIMEOUT", "The request did not arrive in time"},
    error_info{ec::collection_already_exists, 409, "COLLECTION_ALREADY_EXISTS", "Collection already exists"},
    error_info{ec::conflict, 409, "CONFLICT", "Conflict"},
    error_info{ec::precondition_failed, 412, "PRECONDITION_FAILED", "Precondition failed"},
    error_info{ec::quota_exceeded, 429, "QUOTA_EXCEEDED", "Quota exceeded"},
    error_info{ec::rate_limit_exceeded, 429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded"},
    error_info{ec::auth_rate_limit, 429, "AUTH_RATE_LIMIT", "Too many authentication failures"},
    error_info{ec::concurrency_limit, 429, "CONCURRENCY_LIMIT", "Too many concurrent requests"},
    error_info{ec::queue_full, 429, "QUEUE_FULL", "The write queue is full"},
    error_info{ec::internal_error, 500, "INTERNAL_ERROR", "Internal error"},
    error_info{ec::not_implemented, 501, "NOT_IMPLEMENTED", "Not available in this release"},
    error_info{ec::deadline_exceeded, 504, "DEADLINE_EXCEEDED", "Deadline exceeded"},
    error_info{ec::not_ready, 503, "NOT_READY", "Not ready"},
    error_info{ec::no_quorum, 503, "NO_QUORUM", "No quorum"},
    error_info{ec::tenant_unavailable, 503, "TENANT_UNAVAILABLE", "Temporarily unavailable"},
    error_info{ec::hub_unavailable, 503, "HUB_UNAVAILABLE", "Keys can't be checked at the moment"},
    error_info{ec::shutting_down, 503, "SHUTTING_DOWN", "The node is shutting down"},
    error_info{ec::storage_full, 507, "STORAGE_FULL", "The node's disk is full"},
    error_info{ec::corrupt_data, 500, "INTERNAL_ERROR", "Internal error"},
    error_info{ec::io_error, 500, "INTERNAL_ERROR", "Internal error"},
    error_info{ec::not_found, 500, "INTERNAL_ERROR", "Internal error"},
    error_info{ec::invalid_credentials, 401, "INVALID_CREDENTIALS", "Wrong user name or password"},
    error_info{ec::key_not_found, 404, "KEY_NOT_FOUND", "API key not found"},
    error_info{ec::user_not_found, 404, "USER_NOT_FOUND", "User not found"},
    error_info{ec::user_exists, 409, "USER_EXISTS", "A user of that name exists"},
    error_info{ec::missing_api_key, 401, "MISSING_API_KEY", "An API key must be given"},
    error_info{ec::invalid_api_key, 401, "INVALID_API_KEY", "Invalid API key"},
    error_info{ec::hub_disabled, 503, "HUB_DISABLED", "HiveHub is not in use here"},
    error_info{ec::audit_unavailable, 503, "AUDIT_UNAVAILABLE", "What is done can't be recorded at the moment"},
};
static_assert(table.size() == static_cast<std::size_t>(ec::count_));
constexpr bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (table[i].code != static_cast<ec>(i)) return false;
  return true;
}
static_assert(in_order(), "the table lists every code in the enum's order");
}  // namespace

const error_info& info(ec code) { return table[static_cast<std::size_t>(code)]; }

failure failure::validation(std::string_view field, std::string_view reason) {
  std::string details = "{\"field\":";
  append_json_string(details, field);
  details += ",\"reason\":";
  append_json_string(details, reason);
  details += '}';
  std::string message;
  message.append(field).append(": ").append(reason);
  return failure(ec::validation_error, std::move(message), std::move(details));
}

void throw_exception_from_error(const failure& f, const boost::source_location&) {
  throw std::runtime_error(f.message);
}

}  // namespace waggle
