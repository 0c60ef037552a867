#include "base/names.hpp"

#include "base/limits.hpp"

namespace waggle {
namespace {
/// Unicode's Cc: C0, DEL and C1. `text` is UTF-8.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}
/// Unicode's White_Space, less the control characters, as UTF-8.
// clang-format off
constexpr std::string_view white_spaces[] = {
    " ",            "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",
    "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
    "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
// clang-format on
bool has_space_around(std::string_view text) {
  for (const auto space : white_spaces)
    if (text.starts_with(space) || text.ends_with(space)) return true;
  return false;
}
}  // namespace

std::string canonical_name(const tenant_id& owner, std::string_view name) {
  return owner.is_nil() ? std::string(name) : "user_" + to_string(owner) + ":" + std::string(name);
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p < end) {
    if (*p < 0x80) {
      ++p;
      continue;
    }
    int more;
    std::uint32_t code, least;
    if ((*p & 0xe0) == 0xc0)
      more = 1, code = *p & 0x1f, least = 0x80;
    else if ((*p & 0xf0) == 0xe0)
      more = 2, code = *p & 0x0f, least = 0x800;
    else if ((*p & 0xf8) == 0xf0)
      more = 3, code = *p & 0x07, least = 0x10000;
    else
      return false;
    if (end - p <= more) return false;
    for (int i = 1; i <= more; ++i) {
      if ((p[i] & 0xc0) != 0x80) return false;
      code = code << 6 | (p[i] & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    p += more + 1;
  }
  return true;
}

result<collection_name> collection_name::parse(std::string_view text, std::string_view field) {
  const auto refuse = [field](std::string_view why) { return failure::validation(field, why); };
  if (text.empty() || text.size() > limits::collection_name_bytes_max) return refuse("must be 1 to 255 bytes");
  if (!is_utf8(text)) return refuse("must be UTF-8");
  if (text.find_first_of("/\\:*?\"<>|#") != text.npos || has_control(text))
    return refuse("must not contain / \\ : * ? \" < > | # or control characters");
  if (text.front() == ' ' || text.back() == ' ') return refuse("must not begin or end with a space");
  for (const std::string_view reserved : {".", "..", "empty", "cleanup", "aliases"})
    if (text == reserved) return refuse("is reserved");
  return collection_name(std::string(text));
}

result<point_id> point_id::parse(std::string_view text, std::string_view field) {
  const auto refuse = [field](std::string_view why) { return failure::validation(field, why); };
  if (text.empty() || text.size() > limits::point_id_bytes_max) return refuse("must be 1 to 256 bytes");
  if (!is_utf8(text)) return refuse("must be UTF-8");
  if (has_control(text)) return refuse("must not contain control characters");
  if (has_space_around(text)) return refuse("must not begin or end with whitespace");
  return point_id(std::string(text), false);
}

}  // namespace waggle
