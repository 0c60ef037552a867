#pragma once
// What a request is answered with that a quota, or apply, refused as a whole. Pure; any thread.
#include <string_view>

#include "storage/apply/records.hpp"

namespace waggle {

/// "vector_count": the label and the JSON value.
std::string_view name_of(quota_type type);
failure refusal_of(const quota_refusal& quota);
/// For an outcome whose code is not ok. QUOTA_EXCEEDED says which quota, how much of it is used, and how many bytes are.
failure refusal_of(const write_outcome& outcome);

}  // namespace waggle
