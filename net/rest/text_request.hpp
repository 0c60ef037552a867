#pragma once
// A text of an insert request: read, checked, and cut into points that only lack their vectors. Pure; any thread.
#include <string>
#include <vector>

#include "net/rest/decoder.hpp"

namespace waggle::rest {

/// One text of a request: what to store, before it is embedded.
struct text_item {
  std::size_t index = 0;
  std::string id;          ///< the client's, or a fresh UUIDv4
  bool given_id = false;
  bool integer_id = false;
  std::string text;
  std::string metadata;    ///< compact JSON object or ""
  std::string file_path = "text_input";
  bool auto_chunk = true;
  std::size_t chunk_size = 2048;
  std::size_t chunk_overlap = 256;
  bool chunked = false;
  std::vector<point> points;  ///< filled by `cut_text`; their vectors come from the embedding provider
};

struct text_options {
  bool auto_chunk = true;
  std::size_t chunk_size = 2048;
  std::size_t chunk_overlap = 256;
};

/// `auto_chunk`, `chunk_size` and `chunk_overlap`, of a request or of one of its texts; faults stick to `fields`.
text_options read_text_options(decoder& fields, const text_options& defaults);
/// An item without an id gets a fresh UUIDv4.
result<text_item> read_text(const json_value& json, const text_options& defaults, std::size_t payload_bytes_max);
/// Fills `item.points`, one per chunk, and `item.chunked`.
result<void> cut_text(text_item& item, std::size_t payload_bytes_max);

}  // namespace waggle::rest
