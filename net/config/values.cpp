#include "net/config/values.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/text_out.hpp"

namespace waggle {
namespace {
failure wrong(std::string message) { return failure(ec::validation_error, std::move(message)); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

struct unit_row {
  std::string_view name;
  std::int64_t size;  ///< bytes, or microseconds
};
constexpr std::array size_units{unit_row{"B", 1}, unit_row{"KiB", 1LL << 10}, unit_row{"MiB", 1LL << 20},
                                unit_row{"GiB", 1LL << 30}, unit_row{"TiB", 1LL << 40}};
constexpr std::array time_units{unit_row{"us", 1},         unit_row{"ms", 1000},        unit_row{"s", 1000000},
                                unit_row{"m", 60000000LL}, unit_row{"h", 3600000000LL}, unit_row{"d", 86400000000LL}};

template <class Units>
std::int64_t unit_size(const Units& units, std::string_view name) {
  for (const auto& u : units)
    if (u.name == name) return u.size;
  return 0;
}

result<std::int64_t> read_integer(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc::result_out_of_range) return wrong("'" + std::string(text) + "' is too large");
  if (error != std::errc() || end != text.data() + text.size())
    return wrong("'" + std::string(text) + "' is not a whole number");
  return n;
}

/// "5m" in seconds is 300; "1500ms" in seconds is an error, because it would have to be rounded.
template <class Units>
result<std::int64_t> read_measure(std::string_view text, const Units& units, std::string_view own_unit,
                                  const char* allowed) {
  const auto digits_end = std::min(text.find_first_not_of("0123456789-"), text.size());
  const auto number = read_integer(text.substr(0, digits_end));
  const auto unit = trimmed(text.substr(digits_end));
  if (unit.empty() || !number) return number;
  const auto factor = unit_size(units, unit), own = unit_size(units, own_unit);
  if (factor == 0) return wrong("'" + std::string(unit) + "' is not a unit; use " + allowed);
  std::int64_t product = 0;
  if (__builtin_mul_overflow(*number, factor, &product)) return wrong("'" + std::string(text) + "' is too large");
  if (product % own != 0) return wrong("'" + std::string(text) + "' is not a whole number of " + std::string(own_unit));
  return product / own;
}

result<config_value> read_boolean(const written_value& w) {
  config_value v;
  v.set = true;
  const auto& t = w.text;
  if (!w.typed && (t == "true" || t == "True" || t == "TRUE"))
    v.boolean = true;
  else if (w.typed || (t != "false" && t != "False" && t != "FALSE"))
    return wrong("must be true or false, not '" + t + "'");
  return v;
}

result<config_value> read_number(const key_spec& key, const written_value& w) {
  if (w.typed) return wrong("must be a number, not the text \"" + w.text + "\"");
  const auto n = key.kind == value_kind::size       ? read_measure(w.text, size_units, key.unit, "KiB, MiB or GiB")
                 : key.kind == value_kind::duration ? read_measure(w.text, time_units, key.unit, "ms, s, m, h or d")
                                                    : read_integer(w.text);
  if (!n) return n.error();
  const std::string unit = key.unit.empty() ? "" : " " + std::string(key.unit);
  if (*n < key.min) return wrong("must be at least " + std::to_string(key.min) + unit + ", not " + std::to_string(*n));
  if (*n > key.max) return wrong("must be at most " + std::to_string(key.max) + unit + ", not " + std::to_string(*n));
  config_value v;
  v.set = true;
  v.integer = *n;
  return v;
}

result<config_value> read_choice(const key_spec& key, const written_value& w) {
  config_value v;
  v.set = true;
  v.text = w.text;
  for (std::string_view rest = key.choices; !rest.empty();) {
    const auto end = std::min(rest.find('|'), rest.size());
    if (rest.substr(0, end) == w.text) return v;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return wrong("must be one of " + std::string(key.choices) + ", not '" + w.text + "'");
}

result<config_value> read_list(const key_spec& key, const written_value& w) {
  if (!w.is_list) return wrong("must be a list");
  config_value v;
  v.set = true;
  v.list = w.list;
  for (const auto& item : v.list) {
    if (item.empty()) return wrong("must not hold an empty item");
    if (key.kind == value_kind::secret_list && item.size() < static_cast<std::size_t>(key.secret_bytes_min))
      return wrong("each secret must have at least " + std::to_string(key.secret_bytes_min) + " bytes");
  }
  return v;
}
}  // namespace

result<config_value> read_value(const key_spec& key, const written_value& w) {
  if (w.null) {
    if (key.nullable || key.kind == value_kind::text_list || key.kind == value_kind::secret_list) return config_value{};
    return wrong("needs a value");
  }
  const bool list = key.kind == value_kind::text_list || key.kind == value_kind::secret_list;
  if (w.is_list && !list) return wrong("must be a single value, not a list");
  config_value v;
  v.set = true;
  switch (key.kind) {
    case value_kind::boolean: return read_boolean(w);
    case value_kind::integer:
    case value_kind::size:
    case value_kind::duration: return read_number(key, w);
    case value_kind::choice: return read_choice(key, w);
    case value_kind::text_list:
    case value_kind::secret_list: return read_list(key, w);
    case value_kind::secret:
      if (w.text.size() < static_cast<std::size_t>(key.secret_bytes_min))
        return wrong("must have at least " + std::to_string(key.secret_bytes_min) + " bytes");
      break;
    case value_kind::text: break;
  }
  if (w.text.find('\0') != std::string::npos) return wrong("must not hold a NUL byte");
  v.text = w.text;
  return v;
}

written_value from_flat_text(const key_spec& key, std::string_view text) {
  written_value w;
  if (key.kind != value_kind::text_list && key.kind != value_kind::secret_list) {
    w.null = key.nullable && (text == "null" || text == "~");
    w.text = text;
    if (key.kind == value_kind::boolean && (text == "1" || text == "0")) w.text = text == "1" ? "true" : "false";
    return w;
  }
  w.is_list = true;
  text = trimmed(text);
  if (text.starts_with('[') && text.ends_with(']')) text = trimmed(text.substr(1, text.size() - 2));
  std::string item;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
      item += ',';
      ++i;
    } else if (i == text.size() || text[i] == ',') {
      auto clean = trimmed(item);
      if (clean.size() >= 2 && clean.front() == clean.back() && (clean.front() == '"' || clean.front() == '\''))
        clean = clean.substr(1, clean.size() - 2);
      if (i < text.size() || !clean.empty()) w.list.emplace_back(clean);
      item.clear();
    } else {
      item += text[i];
    }
  }
  return w;
}

config_value default_value(const key_spec& key) {
  const bool list = key.kind == value_kind::text_list || key.kind == value_kind::secret_list;
  if (list && key.fallback.empty()) {
    config_value v;
    v.set = true;
    return v;
  }
  if (key.nullable && key.fallback.empty()) return {};
  if (key.kind == value_kind::text && key.fallback.empty()) {
    config_value v;
    v.set = true;
    return v;
  }
  return read_value(key, from_flat_text(key, key.fallback)).value();
}

result<std::string> interpolate(std::string_view text,
                                const std::vector<std::pair<std::string, std::string>>& environment, bool& changed) {
  std::string out;
  changed = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("$${")) {
      out += "${";
      i += 2;
      continue;
    }
    if (!text.substr(i).starts_with("${")) {
      out += text[i];
      continue;
    }
    const auto end = text.find('}', i);
    if (end == std::string_view::npos) return wrong("'${' without '}'");
    const auto inside = text.substr(i + 2, end - i - 2);
    const auto dash = inside.find(":-");
    const auto name = inside.substr(0, dash);
    if (name.empty()) return wrong("'${}' names no variable");
    const std::string* found = nullptr;
    for (const auto& [variable, value] : environment)
      if (variable == name) found = &value;
    // As in a shell, ":-" also stands in for an empty variable.
    if (found && !(found->empty() && dash != std::string_view::npos))
      out += *found;
    else if (dash != std::string_view::npos)
      out += inside.substr(dash + 2);
    else
      return wrong("the variable ${" + std::string(name) + "} is not set and has no default");
    changed = true;
    i = end;
  }
  return out;
}

result<std::string> read_secret_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return wrong("can't open '" + path + "': " + std::strerror(errno));
  struct closer {
    int fd;
    ~closer() { ::close(fd); }
  } guard{file};
  struct stat about {};
  if (::fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) return wrong("'" + path + "' is not a regular file");
  if (about.st_mode & (S_IRWXG | S_IRWXO))
    return wrong("'" + path + "' must not be accessible by group or others (chmod 600)");
  constexpr std::size_t bytes_max = 64 * 1024;
  std::string text(bytes_max + 1, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const auto n = ::read(file, text.data() + have, text.size() - have);
    if (n < 0) return wrong("can't read '" + path + "': " + std::strerror(errno));
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  if (have > bytes_max) return wrong("'" + path + "' is larger than 64 KiB");
  text.resize(have);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) return wrong("'" + path + "' is empty");
  return text;
}

std::string format_value(const key_spec& key, const config_value& value) {
  if (!value.set) return "null";
  std::string out;
  switch (key.kind) {
    case value_kind::boolean: return value.boolean ? "true" : "false";
    case value_kind::integer:
    case value_kind::size:
    case value_kind::duration: return std::to_string(value.integer);
    case value_kind::secret: return "\"***\"";
    case value_kind::secret_list: return value.list.empty() ? "[]" : "[\"***\"]";
    case value_kind::text_list:
      out += '[';
      for (const auto& item : value.list) {
        if (out.size() > 1) out += ", ";
        append_json_string(out, item);
      }
      return out + "]";
    case value_kind::text:
    case value_kind::choice: append_json_string(out, value.text);
  }
  return out;
}

}  // namespace waggle
