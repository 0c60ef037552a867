#include "tools/wagglectl/import/npy_reader.hpp"

#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "base/limits.hpp"

namespace waggle::ctl {
namespace {

template <class T>
void convert(const char* bytes, std::size_t n, float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    T v;
    std::memcpy(&v, bytes + i * sizeof v, sizeof v);
    out[i] = static_cast<float>(v);  // a double beyond float32 becomes infinite and is rejected with its row
  }
}

struct dtype_row {
  std::string_view name;
  std::size_t width;
  void (*convert)(const char*, std::size_t, float*);
};
constexpr dtype_row dtypes[] = {
    {"<f4", 4, convert<float>},         {"<f8", 8, convert<double>},        {"|u1", 1, convert<std::uint8_t>},
    {"|i1", 1, convert<std::int8_t>},   {"<u2", 2, convert<std::uint16_t>}, {"<i2", 2, convert<std::int16_t>},
    {"<u4", 4, convert<std::uint32_t>}, {"<i4", 4, convert<std::int32_t>},  {"<u8", 8, convert<std::uint64_t>},
    {"<i8", 8, convert<std::int64_t>},
};

failure damaged(std::string_view why) {
  return failure(ec::parse_error, "The .npy header is not valid: " + std::string(why));
}

/// What stands after `'key':` in the header's Python dict, blanks skipped.
std::optional<std::string_view> after_key(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    auto at = header.find(quoted);
    if (at == header.npos) continue;
    auto rest = header.substr(at + quoted.size());
    at = rest.find_first_not_of(' ');
    if (at == rest.npos || rest[at] != ':') return std::nullopt;
    rest.remove_prefix(at + 1);
    at = rest.find_first_not_of(' ');
    return at == rest.npos ? std::string_view() : rest.substr(at);
  }
  return std::nullopt;
}

/// "(12, 3)" or "(12,)" to its numbers; nullopt when it is no such tuple.
std::optional<std::vector<std::uint64_t>> parse_shape(std::string_view text) {
  if (!text.starts_with('(')) return std::nullopt;
  const auto close = text.find(')');
  if (close == text.npos) return std::nullopt;
  std::string_view inside = text.substr(1, close - 1);
  std::vector<std::uint64_t> out;
  while (true) {
    const auto begin = inside.find_first_not_of(" ,");
    if (begin == inside.npos) return out;
    inside.remove_prefix(begin);
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(inside.data(), inside.data() + inside.size(), n);
    if (error != std::errc{} || out.size() == 32) return std::nullopt;
    inside.remove_prefix(static_cast<std::size_t>(end - inside.data()));
    out.push_back(n);
  }
}

}  // namespace

result<void> npy_reader::open() {
  char magic[8];
  auto got = in_.read_exact(magic, sizeof magic);
  if (!got) return got.error();
  if (*got < sizeof magic || std::memcmp(magic, "\x93NUMPY", 6) != 0)
    return damaged("it does not begin with \\x93NUMPY");
  const int major = static_cast<unsigned char>(magic[6]);
  if (major < 1 || major > 3) return damaged("version " + std::to_string(major) + " is not known");
  std::uint32_t length = 0;
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  got = in_.read_exact(reinterpret_cast<char*>(&length), length_bytes);
  if (!got) return got.error();
  if (*got < length_bytes) return damaged("the file ends inside it");
  if (length > npy_header_bytes_max) return damaged("it claims to be over 64 KiB long");
  std::string header(length, '\0');
  got = in_.read_exact(header.data(), header.size());
  if (!got) return got.error();
  if (*got < header.size()) return damaged("the file ends inside it");
  return parse_header(header);
}

result<void> npy_reader::parse_header(std::string_view header) {
  const auto descr = after_key(header, "descr");
  const auto order = after_key(header, "fortran_order");
  const auto shape_text = after_key(header, "shape");
  if (!descr || !order || !shape_text) return damaged("descr, fortran_order or shape is missing");
  if (order->starts_with("True"))
    return failure(
        ec::validation_error,
        "The array is in Fortran order, one row is spread over the whole file; save numpy.ascontiguousarray(a)");
  if (!order->starts_with("False")) return damaged("fortran_order is neither True nor False");
  if (descr->empty() || (descr->front() != '\'' && descr->front() != '"'))
    return failure(ec::validation_error, "The array has a structured type; save a plain 2-D array of numbers");
  const auto name = descr->substr(1, descr->substr(1).find(descr->front()));
  for (const auto& row : dtypes) {
    if (row.name != name) continue;
    width_ = row.width;
    convert_ = row.convert;
  }
  if (convert_ == nullptr) return failure(ec::validation_error, "The array's type is not served; save a.astype('<f4')");
  const auto shape = parse_shape(*shape_text);
  if (!shape) return damaged("shape is no tuple of integers");
  if (shape->size() != 2)
    return failure(ec::validation_error,
                   "The array has " + std::to_string(shape->size()) + " dimensions; it needs 2 (rows, components)");
  rows_ = (*shape)[0];
  if ((*shape)[1] == 0 || (*shape)[1] > limits::dimension_max)
    return failure(ec::validation_error, "Its rows have " + std::to_string((*shape)[1]) + " components; 1 to " +
                                             std::to_string(limits::dimension_max) + " are possible");
  columns_ = static_cast<std::size_t>((*shape)[1]);
  bytes_.resize(columns_ * width_);
  return {};
}

read_event npy_reader::read(import_record& out) {
  if (consumed_ >= rows_) return read_event::end;
  auto got = in_.read_exact(bytes_.data(), bytes_.size());
  if (!got) return fail(got.error().message);
  position_ = ++consumed_;
  if (*got < bytes_.size())
    return fail("the file ends here, but its header promises " + std::to_string(rows_) + " rows");
  out.vector.resize(columns_);
  convert_(bytes_.data(), columns_, out.vector.data());
  return read_event::record;
}

}  // namespace waggle::ctl
