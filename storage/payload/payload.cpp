#include "storage/payload/payload.hpp"

#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text_out.hpp"

namespace waggle {
namespace {

/// The members of a JSON object, each name once: in the order of first mention, with the last value.
class members {
 public:
  using entry = std::pair<std::string_view, json_value>;

  members() = default;
  explicit members(const json_value& object) {
    if (!object.is_object()) return;
    for (const auto member : object.as_object()) {
      if (auto* known = find(member.key))
        *known = json_value(member.value);
      else
        add(member.key, json_value(member.value));
    }
  }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  /// Null when there is no such member.
  const json_value* find(std::string_view name) const { return const_cast<members*>(this)->find(name); }

 private:
  json_value* find(std::string_view name) {
    if (entries_.size() <= scanned_max) {
      for (auto& [known, value] : entries_)
        if (known == name) return &value;
      return nullptr;
    }
    const auto at = index_.find(name);
    return at == index_.end() ? nullptr : &entries_[at->second].second;
  }
  void add(std::string_view name, json_value value) {
    entries_.emplace_back(name, value);
    if (entries_.size() <= scanned_max) return;
    // Large objects get an index, so that many members cost no quadratic search.
    if (index_.empty())
      for (std::size_t i = 0; i + 1 < entries_.size(); ++i) index_.emplace(entries_[i].first, i);
    index_.emplace(name, entries_.size() - 1);
  }

  static constexpr std::size_t scanned_max = 16;
  std::vector<entry> entries_;
  std::unordered_map<std::string_view, std::size_t> index_;
};

/// Appends one JSON object, with a comma before every member but the first.
class object_text {
 public:
  explicit object_text(std::string& out) : out_(out) { out_ += '{'; }
  ~object_text() { out_ += '}'; }
  object_text(const object_text&) = delete;
  object_text& operator=(const object_text&) = delete;
  std::string& member(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    append_json_string(out_, name);
    out_ += ':';
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_value(std::string& out, const json_value& value) {
  if (value.is_object()) {
    object_text object(out);
    for (const auto& [name, item] : members(value)) append_value(object.member(name), item);
    return;
  }
  if (!value.is_array()) {
    value.append_text(out);
    return;
  }
  out += '[';
  bool first = true;
  for (const auto item : value.as_array()) {
    if (!first) out += ',';
    first = false;
    append_value(out, json_value(item));
  }
  out += ']';
}

/// RFC 7396 §2 MergePatch; a target that is no object counts as {}.
void append_merged(std::string& out, const json_value& target, const json_value& patch) {
  if (!patch.is_object()) return append_value(out, patch);
  const members changes(patch), old(target);
  object_text object(out);
  for (const auto& [name, value] : old) {
    const auto* change = changes.find(name);
    if (!change)
      append_value(object.member(name), value);
    else if (!change->is_null())
      append_merged(object.member(name), value, *change);
  }
  for (const auto& [name, value] : changes)
    if (!value.is_null() && !old.find(name)) append_merged(object.member(name), json_value(), value);
}

void append_set(std::string& out, const json_value& target, const json_value& patch) {
  const members changes(patch), old(target);
  object_text object(out);
  for (const auto& [name, value] : old) {
    const auto* change = changes.find(name);
    if (!change || !change->is_null()) append_value(object.member(name), change ? *change : value);
  }
  for (const auto& [name, value] : changes)
    if (!value.is_null() && !old.find(name)) append_value(object.member(name), value);
}

/// Parses a stored payload; the value lives until the next call on this thread. "" gives a value that is not present.
result<json_value> read_stored(std::string_view payload) {
  thread_local json_parser parser;
  if (payload.empty()) return json_value();
  const auto parsed = parser.parse(payload);
  if (parsed && parsed->is_object()) return *parsed;
  failure broken(ec::corrupt_data);
  broken.log_text = "a stored payload is no JSON object";
  return broken;
}

result<std::string> within(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  return failure(ec::payload_too_large, "The payload has " + std::to_string(text.size()) + " bytes; " +
                                            std::to_string(bytes_max) + " are allowed");
}

using merge = void (*)(std::string&, const json_value&, const json_value&);
result<std::string> merged(std::string_view payload, const json_value& patch, std::string_view field, merge append,
                           std::size_t bytes_max) {
  if (!patch.is_object()) return failure::validation(field, "must be an object");
  const auto target = read_stored(payload);
  if (!target) return target.error();
  std::string out;
  out.reserve(payload.size());
  append(out, *target, patch);
  return within(std::move(out), bytes_max);
}

result<std::optional<std::string>> string_member(std::string_view payload, std::string_view name) {
  const auto parsed = read_stored(payload);
  if (!parsed) return parsed.error();
  const auto value = (*parsed)[name];
  if (!value.is_string()) return std::optional<std::string>();
  return std::optional<std::string>(value.as_string());
}

}  // namespace

result<std::string> compact_payload(const json_value& json, std::size_t bytes_max) {
  if (json.missing()) return std::string();
  if (!json.is_object()) return failure::validation("payload", "must be an object");
  std::string out;
  append_value(out, json);
  return within(std::move(out), bytes_max);
}

result<std::string> merge_patch(std::string_view payload, const json_value& patch, std::size_t bytes_max) {
  return merged(payload, patch, "patch", append_merged, bytes_max);
}

result<std::string> merge_set(std::string_view payload, const json_value& object, std::size_t bytes_max) {
  return merged(payload, object, "payload", append_set, bytes_max);
}

result<std::optional<std::string>> text_content(std::string_view payload) { return string_member(payload, "content"); }
result<std::optional<std::string>> parent_id(std::string_view payload) { return string_member(payload, "parent_id"); }

}  // namespace waggle
