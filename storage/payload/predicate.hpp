#pragma once
// What a condition asks of one payload value. Each predicate holds or does not hold for a value that is no array; the
// evaluator (filter.cpp) applies it to the elements of arrays. Owned by a filter's tree; immutable; any thread.
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "storage/payload/datetime.hpp"
#include "storage/payload/geo.hpp"
#include "storage/payload/tokenizer.hpp"

namespace waggle {

/// A JSON integer of either sign up to 64 bits. 1 and 1.0 differ: the second is no integer.
struct json_integer {
  bool negative = false;
  std::uint64_t bits = 0;  ///< two's complement
  auto operator<=>(const json_integer&) const = default;
  /// Nothing unless `value` was written without fraction and exponent and fits.
  static std::optional<json_integer> read(const json_value& value);
};

/// Strings, integers and booleans to compare with, byte for byte and bit for bit.
class value_set {
 public:
  /// False when `value` is of another kind.
  bool insert(const json_value& value);
  /// Sorts; call once after the last insert.
  void seal();
  bool contains(const json_value& value) const;

 private:
  std::vector<std::string> strings_;
  std::vector<json_integer> integers_;
  bool has_[2] = {false, false};
};

/// match value, match any.
struct is_one_of {
  value_set set;
  bool holds(const json_value& value) const { return set.contains(value); }
};

/// match except: a value that is not null and not in the set, of whatever kind.
struct is_none_of {
  value_set set;
  bool holds(const json_value& value) const { return !value.is_null() && !set.contains(value); }
};

/// match text (every word), text_any (one word), phrase (the words side by side). No words: never.
struct has_words {
  enum class mode { every, any, phrase };
  mode how = mode::every;
  tokenizer tokens = nullptr;
  std::vector<std::string> words;  ///< sorted and unique unless a phrase
  bool holds(const json_value& value) const;
};

/// match prefix and the text forms of the Vectorizer clients: bytes, case matters.
struct has_text {
  enum class mode { exact, prefix, suffix, contains };
  mode how = mode::prefix;
  std::string text;
  bool holds(const json_value& value) const;
};

/// Vectorizer's `match_value: null`: there is a value.
struct is_present {
  bool holds(const json_value& value) const { return !value.is_null(); }
};

template <class T>
struct bounds {
  std::optional<T> gt, gte, lt, lte;
  bool hold(const T& v) const {
    return !(gt && !(v > *gt)) && !(gte && !(v >= *gte)) && !(lt && !(v < *lt)) && !(lte && !(v <= *lte));
  }
};

/// long double holds every 64-bit integer and every double exactly, so mixed comparisons lose nothing.
static_assert(std::numeric_limits<long double>::digits >= 64);
struct in_number_range {
  bounds<long double> range;
  bool holds(const json_value& value) const;
};

struct in_time_range {
  bounds<instant> range;
  bool holds(const json_value& value) const;
};

template <class Area>
struct is_within {
  Area area;
  bool holds(const json_value& value) const {
    const auto place = read_place(value);
    return place && area.contains(*place);
  }
};

using predicate = std::variant<is_one_of, is_none_of, has_words, has_text, is_present, in_number_range, in_time_range,
                               is_within<geo_box>, is_within<geo_circle>, is_within<geo_polygon>>;

/// The exact number a JSON number stands for.
long double exact_number(const json_value& value);

}  // namespace waggle
