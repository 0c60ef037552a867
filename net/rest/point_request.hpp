#pragma once
// Points with vectors, as requests carry them. Dimension and length are the collection's to judge. Pure; any thread.
#include <vector>

#include "net/rest/decoder.hpp"

namespace waggle::rest {

/// One point; without an id it gets a fresh UUIDv4.
result<point> read_point(const json_value& json, std::size_t payload_bytes_max);
/// {batch: {ids, vectors, payloads?}} as a list of points; {points: [...]} likewise. Validated as a whole.
result<std::vector<point>> read_upsert(json_value root, std::size_t payload_bytes_max);

}  // namespace waggle::rest
