#pragma once
// The sealed inverted index of one segment: flat bytes that can be memory-mapped and read in place.
// The builder belongs to the thread that seals; a view is immutable and may be read by any thread while its bytes live.
// Integrity (checksum, owner) is the segment file's; `open` makes sure that no bytes whatever can lead a reader astray.
//
// Layout, little endian, no alignment required:
//   header        u64 magic "WGPOST\0\1" · u32 version (1) · u32 rows · u64 terms · u64 list bytes
//   terms         u64[terms]      ascending hash_term values
//   offsets       u64[terms + 1]  into lists; list t is [offsets[t], offsets[t+1])
//   fingerprints  u64[rows]       document_terms::fingerprint, 0 for a row without text
//   lengths       u32[rows]       document_terms::length
//   lists         varint documents, then per document varint (gap·2 + (count == 1)) and, unless count is 1, varint
//   count;
//                 gap = row − previous row − 1 (the first: row)
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <unordered_map>

#include "base/error.hpp"
#include "storage/text/document_terms.hpp"

namespace waggle {

/// The sections, in the layout above.
struct postings_data {
  std::string bytes;
  std::span<const std::byte> span() const { return std::as_bytes(std::span(bytes.data(), bytes.size())); }
};

class postings_builder {
 public:
  /// Rows ascending, each at most once; rows left out have no text. `document` as analyze_document makes it.
  void add(std::uint32_t row, const document_terms& document);
  /// The builder is empty afterwards.
  postings_data finish();

 private:
  struct list {
    std::string bytes;
    std::uint32_t documents = 0;
    std::uint32_t last_row = 0;
  };
  std::unordered_map<std::uint64_t, list> lists_;
  std::vector<std::uint32_t> lengths_;
  std::vector<std::uint64_t> fingerprints_;
};

/// Walks one posting list, rows ascending. Stops rather than read outside its list.
class posting_cursor {
 public:
  posting_cursor() = default;
  explicit posting_cursor(std::string_view list);
  bool done() const { return left_ == 0; }
  std::uint32_t row() const { return row_; }      ///< while not done
  std::uint32_t count() const { return count_; }  ///< while not done
  std::uint32_t documents() const { return documents_; }
  void advance() {
    if (--left_ != 0) read();
  }

 private:
  bool varint(std::uint64_t& value) {
    if (at_ != end_ && static_cast<unsigned char>(*at_) < 128) {
      value = static_cast<unsigned char>(*at_++);
      return true;
    }
    return long_varint(value);
  }
  bool long_varint(std::uint64_t& value);
  void stop() { documents_ = left_ = 0; }
  void read() {
    std::uint64_t code = 0, count = 1;
    const bool whole = varint(code) && ((code & 1) != 0 || varint(count));
    const std::uint64_t gap = code >> 1;
    if (!whole || gap >= row_limit - next_row_ || count == 0 || count > row_limit) return stop();
    row_ = static_cast<std::uint32_t>(next_row_ + gap);
    count_ = static_cast<std::uint32_t>(count);
    next_row_ = std::uint64_t{row_} + 1;
  }

  static constexpr std::uint64_t row_limit = 0xFFFFFFFF;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::uint64_t next_row_ = 0;  // the smallest row that may follow
  std::uint32_t row_ = 0, count_ = 0, documents_ = 0, left_ = 0;
  friend class postings_view;
};

class postings_view {
 public:
  /// No rows, no terms.
  postings_view() = default;
  /// Checks every section and every list once (linear in the bytes). Errors: corrupt_data.
  /// The bytes must outlive the view.
  static result<postings_view> open(std::span<const std::byte> bytes);

  std::uint32_t rows() const { return rows_; }
  std::size_t terms() const { return terms_; }
  /// 0 for rows that have no text.
  std::uint32_t length(std::uint32_t row) const {
    return row < rows_ ? load<std::uint32_t>(lengths_ + std::size_t{row} * 4) : 0;
  }
  std::uint64_t fingerprint(std::uint32_t row) const {
    return row < rows_ ? load<std::uint64_t>(fingerprints_ + std::size_t{row} * 8) : 0;
  }
  /// Done at once when no document has the term.
  posting_cursor find(std::uint64_t term) const;
  /// f(row, count), rows ascending.
  template <class F>
  void for_each(std::uint64_t term, F&& f) const {
    for (auto cursor = find(term); !cursor.done(); cursor.advance()) f(cursor.row(), cursor.count());
  }

 private:
  template <class N>
  static N load(const char* from) {
    N value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  std::uint64_t term_at(std::size_t i) const { return load<std::uint64_t>(term_ids_ + i * 8); }
  std::uint64_t offset_at(std::size_t i) const { return load<std::uint64_t>(offsets_ + i * 8); }
  std::string_view list_at(std::size_t i) const {
    return {lists_ + offset_at(i), static_cast<std::size_t>(offset_at(i + 1) - offset_at(i))};
  }
  bool lists_are_sound(std::uint64_t list_bytes) const;

  const char* term_ids_ = nullptr;
  const char* offsets_ = nullptr;
  const char* fingerprints_ = nullptr;
  const char* lengths_ = nullptr;
  const char* lists_ = nullptr;
  std::size_t terms_ = 0;
  std::uint32_t rows_ = 0;
};

}  // namespace waggle
