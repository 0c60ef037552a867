#include "storage/index/graph_view.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "base/codec.hpp"

namespace waggle {
namespace {

static_assert(std::endian::native == std::endian::little, "sections are little-endian and mapped as they are");

constexpr std::uint32_t magic = 0x31475757;  // "WWG1": layout version 1

failure corrupt(const char* what) {
  failure f(ec::corrupt_data);
  f.log_text = std::string("graph: ") + what;
  return f;
}

/// The section as an array of `n` words, or an empty span with `ok` false.
std::span<const std::uint32_t> words(std::span<const std::byte> bytes, std::uint64_t n, bool& ok) {
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  if (bytes.size() != n * sizeof(std::uint32_t) || address % alignof(std::uint32_t) != 0) {
    ok = false;
    return {};
  }
  return {reinterpret_cast<const std::uint32_t*>(bytes.data()), static_cast<std::size_t>(n)};
}

/// Neighbours below `count`, then nothing but `no_row`.
bool list_ok(std::span<const std::uint32_t> list, std::uint32_t count) {
  const auto end = std::find_if(list.begin(), list.end(), [&](std::uint32_t n) { return n >= count; });
  return std::all_of(end, list.end(), [](std::uint32_t n) { return n == no_row; });
}

bool offsets_ok(const graph_view& v) {
  if (v.upper_offsets[0] != 0) return false;
  for (std::uint32_t r = 0; r < v.count; ++r) {
    // First the order, then the difference: an unsigned difference of falling offsets would be huge or wrap.
    if (v.upper_offsets[r] > v.upper_offsets[r + 1] || v.level_of(r) > v.max_level) return false;
  }
  return true;
}

/// A neighbour at level l must itself have a list at level l: the walk goes there next.
bool upper_ok(const graph_view& v) {
  for (std::uint32_t r = 0; r < v.count; ++r) {
    for (std::uint32_t level = 1; level <= v.level_of(r); ++level) {
      const std::span list(v.upper_list(r, level), v.m);
      if (!list_ok(list, v.count)) return false;
      for (const std::uint32_t n : list)
        if (n != no_row && v.level_of(n) < level) return false;
    }
  }
  return true;
}

}  // namespace

result<graph_view> graph_view::from_sections(const graph_sections& sections, std::size_t rows) {
  byte_reader header({reinterpret_cast<const char*>(sections.header.data()), sections.header.size()});
  graph_view v;
  const auto kind = header.fixed<std::uint32_t>();
  v.count = header.fixed<std::uint32_t>();
  v.m = header.fixed<std::uint32_t>();
  v.stride = header.fixed<std::uint32_t>();
  v.entry_point = header.fixed<std::uint32_t>();
  v.max_level = header.fixed<std::uint32_t>();
  const auto upper_lists = header.fixed<std::uint32_t>();
  const auto reserved = header.fixed<std::uint32_t>();
  if (!header.done() || kind != magic || reserved != 0) return corrupt("bad header");
  if (v.count != rows || v.count > 0x7fffffff) return corrupt("row count differs from the segment's");
  if (v.m < m_min || v.m > m_max || v.stride != stride_for(v.m)) return corrupt("bad list width");
  if (v.max_level >= levels_max) return corrupt("too many levels");
  bool ok = true;
  v.level0 = words(sections.level0, std::uint64_t{v.count} * v.stride, ok);
  v.upper_offsets = words(sections.upper_offsets, std::uint64_t{v.count} + 1, ok);
  v.upper = words(sections.upper, std::uint64_t{upper_lists} * v.m, ok);
  if (!ok) return corrupt("section has a wrong size or alignment");
  if (!offsets_ok(v) || v.upper_offsets[v.count] != upper_lists) return corrupt("bad offsets");
  if (v.count == 0) {
    if (v.entry_point != no_row || v.max_level != 0) return corrupt("an empty graph with an entry point");
    return v;
  }
  if (v.entry_point >= v.count || v.level_of(v.entry_point) != v.max_level) return corrupt("bad entry point");
  for (std::uint32_t r = 0; r < v.count; ++r)
    if (!list_ok({v.level0_list(r), v.stride}, v.count)) return corrupt("bad neighbour at level 0");
  if (!upper_ok(v)) return corrupt("bad neighbour above level 0");
  return v;
}

graph_data::graph_data(std::uint32_t m, std::uint32_t entry_point, std::uint32_t max_level,
                       aligned_array<std::uint32_t> level0, aligned_array<std::uint32_t> upper_offsets,
                       aligned_array<std::uint32_t> upper)
    : m_(m),
      entry_point_(entry_point),
      max_level_(max_level),
      level0_(std::move(level0)),
      upper_offsets_(std::move(upper_offsets)),
      upper_(std::move(upper)) {
  const std::uint32_t fields[header_bytes / sizeof(std::uint32_t)] = {
      magic,      static_cast<std::uint32_t>(upper_offsets_.size() - 1), m_, graph_view::stride_for(m_), entry_point_,
      max_level_, static_cast<std::uint32_t>(upper_.size() / m_),        0};
  static_assert(sizeof fields == header_bytes);
  std::memcpy(header_.data(), fields, sizeof fields);
}

graph_view graph_data::view() const {
  graph_view v;
  if (upper_offsets_.empty()) return v;
  v.count = static_cast<std::uint32_t>(upper_offsets_.size() - 1);
  v.m = m_;
  v.stride = graph_view::stride_for(m_);
  v.entry_point = entry_point_;
  v.max_level = max_level_;
  v.level0 = level0_;
  v.upper_offsets = upper_offsets_;
  v.upper = upper_;
  return v;
}

graph_sections graph_data::sections() const {
  return {header_, std::as_bytes(std::span(level0_)), std::as_bytes(std::span(upper_offsets_)),
          std::as_bytes(std::span(upper_))};
}

std::size_t graph_data::bytes() const {
  return (level0_.capacity() + upper_offsets_.capacity() + upper_.capacity()) * sizeof(std::uint32_t);
}

}  // namespace waggle
