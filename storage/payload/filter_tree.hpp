#pragma once
// A parsed filter: clauses of conditions. Built by filter_reader, walked by filter. Immutable once built; any thread.
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "storage/payload/path.hpp"
#include "storage/payload/predicate.hpp"

namespace waggle {

struct filter_clauses;

/// Some value at the path satisfies the predicate.
struct value_condition {
  payload_path path;
  predicate test;
};
/// The number of values at the path.
struct count_condition {
  payload_path path;
  bounds<std::uint64_t> range;
};
/// `wanted`: nothing but null and [] is reached. Otherwise the contrary.
struct empty_condition {
  payload_path path;
  bool wanted = true;
};
/// `wanted`: an explicit null, or an array with one, is reached. Otherwise the contrary.
struct null_condition {
  payload_path path;
  bool wanted = true;
};
struct id_condition {
  std::vector<std::string> ids;  ///< sorted, unique
};
/// Decided when the filter was read (has_vector: a collection's points all have its one vector).
struct constant_condition {
  bool value = false;
};
/// Some object in the array at the path satisfies the clauses, whose paths start at that object.
struct element_condition {
  payload_path path;  ///< ends in []
  std::unique_ptr<const filter_clauses> clauses;
};
struct group_condition {
  std::unique_ptr<const filter_clauses> clauses;
};

using filter_condition = std::variant<id_condition, constant_condition, value_condition, count_condition,
                                      empty_condition, null_condition, element_condition, group_condition>;

/// Holds when every `must`, no `must_not`, one of a non-empty `should` and `min_count` of `min_should` hold.
struct filter_clauses {
  std::vector<filter_condition> must, should, must_not, min_should;
  std::uint64_t min_count = 0;  ///< 0 = no min_should clause
};

}  // namespace waggle
