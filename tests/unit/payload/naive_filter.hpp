#pragma once
// The filter language of contract qdrant.md §5 and storage/payload/README.md, evaluated in the plainest way from the
// filter's own JSON, with no code of storage/payload. What the fast evaluator is compared with.
#include <string_view>

#include "model.hpp"

namespace waggle::test {

/// `id` is the point's; the collection's vector has the name "".
bool naive_matches(const node& filter, const node& payload, std::string_view id);

}  // namespace waggle::test
