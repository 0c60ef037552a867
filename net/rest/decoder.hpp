#pragma once
// Reads fields of a JSON request body. The first fault sticks: later reads return harmless values, and the handler asks
// once, after the last read. Unknown fields are ignored; a wrong type or a missing required field is 400
// VALIDATION_ERROR with details{field,reason} (contract README §5). One request; one thread.
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/names.hpp"
#include "storage/types.hpp"

namespace waggle::rest {

using aliases = std::initializer_list<std::string_view>;

class decoder {
 public:
  explicit decoder(json_value body);

  bool failed() const { return fault_.has_value(); }
  const failure& fault() const { return *fault_; }
  void refuse(std::string_view field, std::string_view reason);
  void refuse(failure f);

  /// The first present, non-null member among the names; not present() when there is none.
  json_value member(aliases names) const;
  json_value root() const { return body_; }
  /// The name that the client used; the first one when it used none. Errors name it.
  std::string_view used(aliases names) const;

  std::string text(aliases names);  ///< required
  std::optional<std::string> optional_text(aliases names);
  bool boolean(aliases names, bool otherwise);
  std::optional<bool> optional_boolean(aliases names);
  /// Clamped into [least, most] when `clamp`, else out of range is a fault.
  std::uint64_t integer(aliases names, std::uint64_t otherwise, std::uint64_t least, std::uint64_t most,
                        bool clamp = false);
  std::optional<std::uint64_t> optional_integer(aliases names, std::uint64_t least = 0,
                                                std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
  std::optional<double> optional_number(aliases names);
  std::vector<float> floats(aliases names);  ///< required
  std::optional<std::vector<float>> optional_floats(aliases names);
  json_value object(aliases names);  ///< not present() when absent
  json_value array(aliases names);   ///< required
  /// A point id: a string, or an integer 0…2^64−1.
  std::optional<point_id> id(aliases names);
  /// Compact payload of at most `bytes_max` bytes; "" when absent.
  std::string payload(aliases names, std::size_t bytes_max);
  /// {indices, values}; empty when absent.
  sparse_vector sparse(aliases names);

 private:
  json_value body_;
  std::optional<failure> fault_;
};

/// An id in a list: string or integer. `field` names the list in the error.
result<point_id> read_id(const json_value& value, std::string_view field);
result<sparse_vector> read_sparse(const json_value& value, std::string_view field);
/// Contract README §6: cosine | euclidean, euclid, l2 | dot, dot_product, dotproduct, in any case.
std::optional<metric> parse_metric(std::string_view text);

}  // namespace waggle::rest
