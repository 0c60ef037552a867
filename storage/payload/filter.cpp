#include "storage/payload/filter.hpp"

#include <algorithm>

#include "storage/payload/filter_reader.hpp"

namespace waggle {
namespace {

/// The row under test, parsed when the first condition asks for its payload.
class row {
 public:
  row(std::string_view id, std::string_view payload, bool padded) : id_(id), text_(payload), padded_(padded) {}
  const std::string_view* id() const { return &id_; }
  const json_value& payload() {
    if (!read_) read();
    return payload_;
  }
  bool broken() const { return broken_; }

 private:
  void read() {
    // One row is parsed at a time on a thread, and nothing of it outlives `matches`.
    thread_local json_parser parser;
    read_ = true;
    if (text_.empty()) return;
    const auto parsed = padded_ ? parser.parse_padded(text_) : parser.parse(text_);
    if (parsed)
      payload_ = *parsed;
    else
      broken_ = true;
  }
  std::string_view id_;
  std::string_view text_;
  bool padded_;
  bool read_ = false;
  bool broken_ = false;
  json_value payload_;
};

/// An element of an array under `nested`: a payload without an id.
class element {
 public:
  explicit element(const json_value& value) : value_(value) {}
  const std::string_view* id() const { return nullptr; }
  const json_value& payload() const { return value_; }

 private:
  const json_value& value_;
};

/// True when `test` holds for the value, or, of an array, for one of its elements.
template <class Test>
bool any_element(const json_value& value, Test&& test) {
  if (!value.is_array()) return test(value);
  for (const auto item : value.as_array())
    if (test(json_value(item))) return true;
  return false;
}

std::uint64_t count_of(const json_value& value) {
  if (value.is_null()) return 0;
  return value.is_array() ? value.size() : 1;
}

/// Asks conditions about a `row` or an `element`.
template <class Subject>
class question {
 public:
  explicit question(Subject& subject) : subject_(subject) {}

  bool holds(const filter_clauses& clauses) {
    const auto check = [this](const filter_condition& c) { return std::visit(*this, c); };
    if (!std::all_of(clauses.must.begin(), clauses.must.end(), check)) return false;
    if (std::any_of(clauses.must_not.begin(), clauses.must_not.end(), check)) return false;
    if (!clauses.should.empty() && !std::any_of(clauses.should.begin(), clauses.should.end(), check)) return false;
    std::uint64_t missing = clauses.min_count;
    for (auto at = clauses.min_should.begin(); missing > 0 && at != clauses.min_should.end(); ++at)
      if (check(*at)) --missing;
    return missing == 0;
  }

  bool operator()(const id_condition& c) {
    const auto* id = subject_.id();
    return id && std::binary_search(c.ids.begin(), c.ids.end(), *id, std::less<>{});
  }
  bool operator()(const constant_condition& c) { return c.value && subject_.id(); }
  bool operator()(const value_condition& c) {
    return std::visit(
        [&](const auto& test) {
          const auto one = [&](const json_value& value) { return test.holds(value); };
          return c.path.any(subject_.payload(), [&](const json_value& value) { return any_element(value, one); });
        },
        c.test);
  }
  bool operator()(const count_condition& c) {
    bool reached = false;
    const bool held = c.path.any(subject_.payload(), [&](const json_value& value) {
      reached = true;
      return c.range.hold(count_of(value));
    });
    return held || (!reached && c.range.hold(0));
  }
  bool operator()(const empty_condition& c) {
    const bool filled = c.path.any(subject_.payload(), [](const json_value& value) {
      return !value.is_null() && !(value.is_array() && value.as_array().begin() == value.as_array().end());
    });
    return filled != c.wanted;
  }
  bool operator()(const null_condition& c) {
    const auto null = [](const json_value& value) { return value.is_null(); };
    return c.path.any(subject_.payload(), [&](const json_value& v) { return any_element(v, null); }) == c.wanted;
  }
  bool operator()(const element_condition& c) {
    return c.path.any(subject_.payload(), [&](const json_value& value) {
      if (!value.is_object()) return false;
      element inner(value);
      return question<element>(inner).holds(*c.clauses);
    });
  }
  bool operator()(const group_condition& c) { return holds(*c.clauses); }

 private:
  Subject& subject_;
};

bool always_holds(const filter_clauses& clauses);
bool always_holds(const filter_condition& condition) {
  const auto* group = std::get_if<group_condition>(&condition);
  return group && always_holds(*group->clauses);
}
/// A filter made of empty filters asks nothing, however deep they sit: a caller that refuses "all" must see through
/// them.
bool always_holds(const filter_clauses& clauses) {
  const auto always = [](const filter_condition& c) { return always_holds(c); };
  return std::all_of(clauses.must.begin(), clauses.must.end(), always) && clauses.must_not.empty() &&
         (clauses.should.empty() || std::any_of(clauses.should.begin(), clauses.should.end(), always)) &&
         clauses.min_count <=
             static_cast<std::uint64_t>(std::count_if(clauses.min_should.begin(), clauses.min_should.end(), always));
}

}  // namespace

result<filter> filter::parse(const json_value& json, tokenizer tokens, std::string_view vector_name) {
  filter out;
  if (json.missing()) return out;
  auto clauses = filter_reader(tokens, vector_name).read(json);
  if (!clauses) return clauses.error();
  if (!always_holds(*clauses)) out.clauses_ = std::make_shared<const filter_clauses>(std::move(*clauses));
  return out;
}

bool filter::matches(std::string_view id, std::string_view payload, bool padded) const {
  if (!clauses_) return true;
  row subject(id, payload, padded);
  return question<row>(subject).holds(*clauses_) && !subject.broken();
}

const std::vector<std::string>* filter::has_id_only() const {
  if (!clauses_ || clauses_->must.size() != 1 || !clauses_->must_not.empty() || !clauses_->should.empty() ||
      clauses_->min_count != 0)
    return nullptr;
  return has_id_bound();
}

const std::vector<std::string>* filter::has_id_bound() const {
  if (!clauses_) return nullptr;
  for (const auto& condition : clauses_->must)
    if (const auto* ids = std::get_if<id_condition>(&condition)) return &ids->ids;
  return nullptr;
}

}  // namespace waggle
