#pragma once
// Reads a node record, a JSON object, member by member: the first that is missing or of another type makes the record
// unreadable, and is read as nothing. Numbers, flags and those read by a `_or_none` may be missing: later versions add some.
// One thread's.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"

namespace waggle {

class record_reader {
 public:
  explicit record_reader(std::string_view json);
  /// An object within a record; whoever reads it says of its faults to the record.
  explicit record_reader(json_value object) : root_(object), ok_(object.is_object()) {}

  bool ok() const { return ok_; }
  /// `record` when everything was there, and CORRUPT_DATA about `what` otherwise.
  template <class Record>
  result<Record> finish(Record record, std::string_view what) const {
    if (ok_) return record;
    failure f(ec::corrupt_data);
    f.log_text = "a record can't be read: " + std::string(what);
    return f;
  }

  json_value operator[](std::string_view name) const { return root_[name]; }
  std::string text(std::string_view name);
  std::string text_or_none(std::string_view name) { return root_[name].missing() ? std::string() : text(name); }
  std::vector<std::string> texts(const json_value& list);
  template <class Number>
  Number number(std::string_view name) {
    return number_or_none<Number>(name).value_or(0);
  }
  template <class Number>
  std::optional<Number> number_or_none(std::string_view name) {
    const auto v = root_[name];
    if (v.missing()) return std::nullopt;
    Number n = 0;
    if constexpr (std::is_same_v<Number, std::int64_t>) {
      if (v.get_int64(n)) return n;
    } else {
      if (v.get_uint64(n)) return n;
    }
    fail();
    return std::nullopt;
  }
  bool flag(std::string_view name);
  tenant_id tenant(std::string_view name);
  std::optional<tenant_id> tenant_or_none(std::string_view name) {
    return root_[name].missing() ? std::nullopt : std::optional(tenant(name));
  }
  /// The enumerator whose name it is.
  template <class Enum, std::size_t N>
  Enum one_of(std::string_view name, const std::array<std::string_view, N>& names) {
    const auto found = std::find(names.begin(), names.end(), text(name));
    if (found == names.end()) fail();
    return static_cast<Enum>(found == names.end() ? 0 : found - names.begin());
  }
  void fail() { ok_ = false; }

 private:
  json_parser parser_;
  json_value root_;
  bool ok_ = true;
};

}  // namespace waggle
