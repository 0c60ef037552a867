#pragma once
// What every search asks for besides its query. Pure; any thread.
#include <optional>

#include "net/rest/decoder.hpp"
#include "storage/payload/filter.hpp"

namespace waggle::rest {

/// Which of the alias pairs an answer carries.
struct result_options {
  bool vectors = true;
  bool metadata = true;
  bool compact = false;  ///< only `vector` and `payload` of each alias pair
};
struct search_options {
  std::size_t limit = 10;
  std::optional<float> threshold;
  std::optional<filter> accept;
  std::size_t ef = 0;
  bool exact = false;
  result_options show;
};

/// limit (1 … limits.max_search_limit, clamped), threshold and its aliases, filter, params, include_*.
search_options read_search_options(decoder& fields, std::size_t limit_max);
/// The member `filter`; nullopt when absent.
result<std::optional<filter>> read_filter(json_value root);

}  // namespace waggle::rest
