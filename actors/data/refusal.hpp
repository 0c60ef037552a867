#pragma once
// What a write that was refused as a whole is answered with. Pure; any thread.
#include "storage/apply/records.hpp"

namespace waggle {

/// For an outcome whose code is not ok. QUOTA_EXCEEDED says which quota, how much of it is used, and how many bytes are.
failure refusal_of(const write_outcome& outcome);

}  // namespace waggle
