#pragma once
// Payloads as they are stored: compact JSON objects, "" = none. Numbers keep their kind and precision (integers of 64
// bits, shortest form of a double, 1.0 stays 1.0), members their order; of a name written twice the last value counts.
// Pure; any thread.
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace waggle {

inline constexpr std::size_t payload_bytes_unbounded = std::numeric_limits<std::size_t>::max();

/// The stored form of a payload a client sent; "" when it is absent or null. VALIDATION_ERROR when it is no object,
/// PAYLOAD_TOO_LARGE when the stored form has more than `bytes_max` bytes.
result<std::string> compact_payload(const json_value& json, std::size_t bytes_max = payload_bytes_unbounded);

/// RFC 7396: members of `patch` replace those of `payload`, objects are merged, null removes. VALIDATION_ERROR when
/// `patch` is no object; CORRUPT_DATA when `payload` is not a stored payload (so below, too).
result<std::string> merge_patch(std::string_view payload, const json_value& patch,
                                std::size_t bytes_max = payload_bytes_unbounded);

/// Qdrant's "set payload": top-level members of `object` replace those of `payload` whole, null removes.
result<std::string> merge_set(std::string_view payload, const json_value& object,
                              std::size_t bytes_max = payload_bytes_unbounded);

/// `payload.content` when it is a string: the text that search and embedding work on.
result<std::optional<std::string>> text_content(std::string_view payload);
/// `payload.parent_id` when it is a string: the document a chunk belongs to.
result<std::optional<std::string>> parent_id(std::string_view payload);

}  // namespace waggle
