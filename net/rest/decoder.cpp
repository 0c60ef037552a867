#include "net/rest/decoder.hpp"

#include <algorithm>
#include <cmath>

#include "base/limits.hpp"
#include "storage/payload/payload.hpp"

namespace waggle::rest {

decoder::decoder(json_value body) : body_(body) {
  if (!body_.is_object()) refuse("body", "must be a JSON object");
}

void decoder::refuse(std::string_view field, std::string_view reason) {
  if (!fault_) fault_ = failure::validation(field, reason);
}
void decoder::refuse(failure f) {
  if (!fault_) fault_ = std::move(f);
}

std::string_view decoder::used(aliases names) const {
  for (const auto name : names)
    if (!body_[name].missing()) return name;
  return *names.begin();
}

json_value decoder::member(aliases names) const {
  for (const auto name : names)
    if (const auto value = body_[name]; !value.missing()) return value;
  return {};
}

std::string decoder::text(aliases names) {
  auto found = optional_text(names);
  if (!found) refuse(used(names), "is required");
  return found.value_or("");
}

std::optional<std::string> decoder::optional_text(aliases names) {
  const auto value = member(names);
  if (!value.present()) return std::nullopt;
  if (!value.is_string()) {
    refuse(used(names), "must be a string");
    return std::nullopt;
  }
  return std::string(value.as_string());
}

bool decoder::boolean(aliases names, bool otherwise) { return optional_boolean(names).value_or(otherwise); }

std::optional<bool> decoder::optional_boolean(aliases names) {
  const auto value = member(names);
  if (!value.present()) return std::nullopt;
  if (!value.is_bool()) {
    refuse(used(names), "must be true or false");
    return std::nullopt;
  }
  return value.as_bool();
}

std::uint64_t decoder::integer(aliases names, std::uint64_t otherwise, std::uint64_t least, std::uint64_t most,
                               bool clamp) {
  const auto value = member(names);
  if (!value.present()) return otherwise;
  const auto in_range = "must be an integer between " + std::to_string(least) + " and " + std::to_string(most);
  std::uint64_t v = 0;
  if (!value.get_uint64(v)) {
    std::int64_t negative = 0;
    if (clamp && value.get_int64(negative)) return least;
    refuse(used(names), clamp ? "must be an integer" : in_range);
    return otherwise;
  }
  if (clamp) return std::clamp(v, least, most);
  if (v < least || v > most) refuse(used(names), in_range);
  return v;
}

std::optional<std::uint64_t> decoder::optional_integer(aliases names, std::uint64_t least, std::uint64_t most) {
  if (!member(names).present()) return std::nullopt;
  return integer(names, least, least, most);
}

std::optional<double> decoder::optional_number(aliases names) {
  const auto value = member(names);
  if (!value.present()) return std::nullopt;
  if (!value.is_number()) {
    refuse(used(names), "must be a number");
    return std::nullopt;
  }
  return value.as_double();
}

std::vector<float> decoder::floats(aliases names) {
  auto found = optional_floats(names);
  if (!found) refuse(used(names), "is required");
  return found ? std::move(*found) : std::vector<float>{};
}

std::optional<std::vector<float>> decoder::optional_floats(aliases names) {
  const auto value = member(names);
  if (!value.present()) return std::nullopt;
  std::vector<float> out;
  if (auto read = read_floats(value, used(names), out); !read) {
    refuse(read.error());
    return std::nullopt;
  }
  return out;
}

json_value decoder::object(aliases names) {
  const auto value = member(names);
  if (value.present() && !value.is_object()) {
    refuse(used(names), "must be an object");
    return {};
  }
  return value;
}

json_value decoder::array(aliases names) {
  const auto value = member(names);
  if (!value.present())
    refuse(used(names), "is required");
  else if (!value.is_array())
    refuse(used(names), "must be an array");
  return value.is_array() ? value : json_value{};
}

std::optional<point_id> decoder::id(aliases names) {
  const auto value = member(names);
  if (!value.present()) return std::nullopt;
  auto read = read_id(value, used(names));
  if (!read) {
    refuse(read.error());
    return std::nullopt;
  }
  return *read;
}

std::string decoder::payload(aliases names, std::size_t bytes_max) {
  const auto value = member(names);
  if (!value.present()) return {};
  if (!value.is_object()) {
    refuse(used(names), "must be an object");
    return {};
  }
  auto text = compact_payload(value, bytes_max);
  if (!text) {
    refuse(text.error());
    return {};
  }
  return std::move(*text);
}

sparse_vector decoder::sparse(aliases names) {
  const auto value = member(names);
  if (!value.present()) return {};
  auto read = read_sparse(value, used(names));
  if (!read) {
    refuse(read.error());
    return {};
  }
  return std::move(*read);
}

result<point_id> read_id(const json_value& value, std::string_view field) {
  std::uint64_t n = 0;
  if (value.get_uint64(n)) return point_id::from_integer(n);
  if (!value.is_string()) return failure::validation(field, "must be a string or an integer 0 to 2^64-1");
  return point_id::parse(value.as_string(), field);
}

result<sparse_vector> read_sparse(const json_value& value, std::string_view field) {
  const auto indices = value["indices"], values = value["values"];
  if (!indices.is_array()) return failure::validation(field, "needs an array 'indices'");
  sparse_vector sparse;
  std::vector<float> numbers;
  if (auto read = read_floats(values, field, numbers); !read) return read.error();
  std::vector<std::pair<std::uint32_t, float>> entries;
  for (const auto item : indices.as_array()) {
    std::uint64_t index = 0;
    if (!json_value(item).get_uint64(index) || index > std::numeric_limits<std::uint32_t>::max())
      return failure::validation(field, "indices must be integers 0 to 4294967295");
    if (entries.size() < numbers.size())
      entries.emplace_back(static_cast<std::uint32_t>(index), numbers[entries.size()]);
    else
      return failure::validation(field, "indices and values must have the same length");
  }
  if (entries.size() != numbers.size())
    return failure::validation(field, "indices and values must have the same length");
  std::sort(entries.begin(), entries.end());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && entries[i].first == entries[i - 1].first)
      return failure::validation(field, "indices must be unique");
    sparse.indices.push_back(entries[i].first);
    sparse.values.push_back(entries[i].second);
  }
  return sparse;
}

std::optional<metric> parse_metric(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "cosine") return metric::cosine;
  if (lower == "euclidean" || lower == "euclid" || lower == "l2") return metric::euclidean;
  if (lower == "dot" || lower == "dot_product" || lower == "dotproduct") return metric::dot;
  return std::nullopt;
}

}  // namespace waggle::rest
