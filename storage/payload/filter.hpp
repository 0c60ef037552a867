#pragma once
// The filter language of every surface (contract qdrant.md §5): parsed once per request, asked once per row.
// README.md beside this file has the decided semantics. A filter is immutable and cheap to copy; any thread may ask one
// filter at the same time as others do.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "storage/payload/tokenizer.hpp"

namespace waggle {

struct filter_clauses;

class filter {
 public:
  /// Matches all.
  filter() = default;

  /// An absent or null `json` and {} match all. Errors are VALIDATION_ERROR with details{field,reason}, `field` being
  /// the place, e.g. "filter.must[0].range.gt". `tokens` must not be null. `vector_name` is the collection's one vector
  /// as has_vector asks for it; "" is Qdrant's name for the unnamed vector.
  static result<filter> parse(const json_value& json, tokenizer tokens, std::string_view vector_name = {});

  /// True when the filter has no condition that could refuse a point.
  bool matches_all() const { return clauses_ == nullptr; }

  /// `payload` is a compact JSON object or "". `padded` promises json_parser::padding readable bytes after it, so that
  /// it is parsed in place. A row that is not valid JSON does not match.
  bool matches(std::string_view id, std::string_view payload, bool padded) const;

  /// When the filter is exactly one has_id condition in `must`: its ids, sorted and unique. Otherwise null. A point
  /// matches when its id is listed; no payload is needed.
  const std::vector<std::string>* has_id_only() const;
  /// When some has_id in `must` bounds the matches: its ids, of which `matches` must still be asked. Otherwise null.
  const std::vector<std::string>* has_id_bound() const;

 private:
  std::shared_ptr<const filter_clauses> clauses_;  ///< null = matches all
};

}  // namespace waggle
