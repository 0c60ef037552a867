#include "storage/text/postings.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "base/codec.hpp"

namespace waggle {
namespace {

constexpr std::uint64_t postings_magic = 0x010054534F504757ull;  // "WGPOST\0\1" in memory
constexpr std::uint32_t postings_version = 1;
constexpr std::size_t header_bytes = 32;
constexpr std::uint64_t row_limit = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void postings_builder::add(std::uint32_t row, const document_terms& document) {
  assert(row >= lengths_.size() && row < row_limit);
  lengths_.resize(std::size_t{row} + 1);
  fingerprints_.resize(std::size_t{row} + 1);
  lengths_[row] = document.length;
  fingerprints_[row] = document.fingerprint;
  for (const auto& [term, count] : document.terms) {
    auto& list = lists_[term];
    assert(count > 0 && (list.documents == 0 || row > list.last_row));
    const std::uint64_t gap = list.documents == 0 ? row : row - list.last_row - 1;
    byte_writer out(list.bytes);
    out.varint(gap * 2 + (count == 1));
    if (count != 1) out.varint(count);
    list.last_row = row;
    ++list.documents;
  }
}

postings_data postings_builder::finish() {
  std::vector<const decltype(lists_)::value_type*> sorted;
  sorted.reserve(lists_.size());
  for (const auto& entry : lists_) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->first < b->first; });

  std::string lists;
  std::vector<std::uint64_t> offsets{0};
  offsets.reserve(sorted.size() + 1);
  for (const auto* entry : sorted) {
    byte_writer out(lists);
    out.varint(entry->second.documents);
    out.raw(entry->second.bytes);
    offsets.push_back(lists.size());
  }

  postings_data data;
  data.bytes.reserve(header_bytes + offsets.size() * 16 + lengths_.size() * 12 + lists.size());
  byte_writer out(data.bytes);
  out.fixed(postings_magic);
  out.fixed(postings_version);
  out.fixed(static_cast<std::uint32_t>(lengths_.size()));
  out.fixed(static_cast<std::uint64_t>(sorted.size()));
  out.fixed(static_cast<std::uint64_t>(lists.size()));
  for (const auto* entry : sorted) out.fixed(entry->first);
  for (const auto offset : offsets) out.fixed(offset);
  for (const auto fingerprint : fingerprints_) out.fixed(fingerprint);
  for (const auto length : lengths_) out.fixed(length);
  out.raw(lists);
  *this = {};
  return data;
}

posting_cursor::posting_cursor(std::string_view list) : at_(list.data()), end_(list.data() + list.size()) {
  std::uint64_t documents = 0;
  if (!varint(documents) || documents == 0 || documents > row_limit) return;
  documents_ = left_ = static_cast<std::uint32_t>(documents);
  read();
}

bool posting_cursor::long_varint(std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at_++);
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 128) return true;
  }
  return false;
}

result<postings_view> postings_view::open(std::span<const std::byte> bytes) {
  const char* at = reinterpret_cast<const char*>(bytes.data());
  byte_reader header(std::string_view(at, std::min(bytes.size(), header_bytes)));
  const auto magic = header.fixed<std::uint64_t>();
  const auto version = header.fixed<std::uint32_t>();
  const auto rows = header.fixed<std::uint32_t>();
  const auto terms = header.fixed<std::uint64_t>();
  const auto list_bytes = header.fixed<std::uint64_t>();
  if (!header.done() || magic != postings_magic) return failure(ec::corrupt_data, "not a postings section");
  if (version != postings_version) return failure(ec::corrupt_data, "unknown version of a postings section");
  // Each count is bounded by the size first, so the sum cannot wrap.
  const std::uint64_t size = bytes.size() - header_bytes;
  if (terms > size / 16 || rows > size / 12 || list_bytes > size ||
      terms * 16 + 8 + std::uint64_t{rows} * 12 + list_bytes != size)
    return failure(ec::corrupt_data, "a postings section has the wrong size");

  postings_view view;
  view.rows_ = rows;
  view.terms_ = static_cast<std::size_t>(terms);
  view.term_ids_ = at + header_bytes;
  view.offsets_ = view.term_ids_ + terms * 8;
  view.fingerprints_ = view.offsets_ + (terms + 1) * 8;
  view.lengths_ = view.fingerprints_ + std::size_t{rows} * 8;
  view.lists_ = view.lengths_ + std::size_t{rows} * 4;
  if (!view.lists_are_sound(list_bytes)) return failure(ec::corrupt_data, "a posting list is damaged");
  return view;
}

bool postings_view::lists_are_sound(std::uint64_t list_bytes) const {
  if (offset_at(0) != 0 || offset_at(terms_) != list_bytes) return false;
  for (std::size_t i = 0; i < terms_; ++i) {
    if (i > 0 && term_at(i - 1) >= term_at(i)) return false;
    if (offset_at(i) > offset_at(i + 1) || offset_at(i + 1) > list_bytes) return false;
    posting_cursor cursor(list_at(i));
    if (cursor.done() || cursor.documents() > rows_) return false;
    while (cursor.left_ > 1) {
      cursor.advance();
      if (cursor.done()) return false;  // the list ends before its documents do
    }
    if (cursor.row() >= rows_ || cursor.at_ != cursor.end_) return false;
  }
  return true;
}

posting_cursor postings_view::find(std::uint64_t term) const {
  std::size_t low = 0, high = terms_;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (term_at(middle) < term) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == terms_ || term_at(low) != term) return {};
  return posting_cursor(list_at(low));
}

}  // namespace waggle
