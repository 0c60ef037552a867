#pragma once
// A payload key: the path from a payload object to zero or more of its values (contract qdrant.md §5; Qdrant's JSON
// path).
//   a.b        member b of object a             a[].b   member b of every element of array a
//   a[2]       the third element of array a     "a.b".c member c of the object called "a.b"
// A step that meets a value of another kind reaches nothing. Immutable; any thread.
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace waggle {

class payload_path {
 public:
  /// `field` names the key in the error. A bare segment is one or more characters other than . [ ] " ; a quoted segment
  /// may hold anything, with \" and \\ for a quote and a backslash.
  static result<payload_path> parse(std::string_view key, std::string_view field);

  /// The same path with a last step `[]`, unless it has one.
  payload_path every_element() const;

  /// True when `accept(value)` is true for one of the values reached from `root`; stops at the first.
  template <class Accept>
  bool any(const json_value& root, Accept&& accept) const {
    return walk(root, 0, accept);
  }

  bool operator==(const payload_path&) const = default;

 private:
  enum class step_kind { member, element, every_element };
  struct step {
    step_kind kind = step_kind::member;
    std::string name;
    std::size_t index = 0;
    bool operator==(const step&) const = default;
  };

  template <class Accept>
  bool walk(const json_value& value, std::size_t at, Accept& accept) const {
    if (at == steps_.size()) return accept(value);
    const auto& next = steps_[at];
    if (next.kind == step_kind::member) {
      const auto found = value[next.name];
      return found.present() && walk(found, at + 1, accept);
    }
    if (!value.is_array()) return false;
    std::size_t index = 0;
    for (const auto item : value.as_array()) {
      const bool wanted = next.kind == step_kind::every_element || index == next.index;
      if (wanted && walk(json_value(item), at + 1, accept)) return true;
      if (index++ == next.index && next.kind == step_kind::element) return false;
    }
    return false;
  }

  std::vector<step> steps_;  ///< never empty; the first is a member
};

}  // namespace waggle
