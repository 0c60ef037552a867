#pragma once
// Pull parser of import sources: next() gives a record, a rejected position with its reason, the end, or a failure.
//
//   byte_source ─▶ buffered_input ─▶ record_reader (jsonl, csv, fvecs, bvecs, npy)
//
// Pure: no network, no clock, no threads; fuzzable through memory_source. Memory is bounded by `limits` below, never by
// a number found in the source. A rejected record costs only itself; `failed` means nothing after it can be trusted.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "tools/wagglectl/import/buffered_input.hpp"

namespace waggle::ctl {

inline constexpr std::size_t record_bytes_max = 16u << 20;  ///< one line, or one CSV record with its line breaks
inline constexpr std::size_t csv_columns_max = 70000;
inline constexpr std::size_t npy_header_bytes_max = 64u << 10;

struct import_record {
  std::uint64_t position = 0;  ///< 1-based: line (of its first byte) for text formats, record number for binary ones
  std::string id;              ///< as found; after next() never empty
  std::vector<float> vector;   ///< empty = none
  std::string text;
  bool has_text = false;
  std::string payload;  ///< a JSON object, or empty
};

struct reader_options {
  std::string id_field = "id";
  std::string vector_field;  ///< "" = vector, embedding or data
  std::string text_field = "text";
  std::vector<std::string> payload_fields;  ///< only these; empty = all
  std::uint64_t start_id = 1;               ///< the id of position 1 where the source has none
  std::size_t dimension = 0;                ///< 0 = learnt from the first vector
};

enum class read_event { record, reject, end, failed };

class record_reader {
 public:
  record_reader(buffered_input& in, reader_options options) : in_(in), options_(std::move(options)) {}
  virtual ~record_reader() = default;
  record_reader(const record_reader&) = delete;
  record_reader& operator=(const record_reader&) = delete;

  /// Reads what stands before the records (CSV header row, .npy header). Call once, before next().
  virtual result<void> open() { return {}; }
  /// Continues after a prefix that an earlier reader of the same source consumed. Call after open().
  result<void> resume_at(std::uint64_t offset, std::uint64_t consumed);

  read_event next(import_record& out);

  /// Why the last event was reject or failed.
  const std::string& reason() const { return reason_; }
  /// Position of the last event.
  std::uint64_t position() const { return position_; }
  /// Lines or records consumed; with offset() the point to resume at.
  std::uint64_t consumed() const { return consumed_; }
  std::uint64_t offset() const { return in_.offset(); }
  std::size_t dimension() const { return options_.dimension; }

 protected:
  /// Fills `out` from the next record. Sets position_ and consumed_; on reject and failed, reason_.
  virtual read_event read(import_record& out) = 0;
  read_event reject(std::string why) {
    reason_ = std::move(why);
    return read_event::reject;
  }
  read_event fail(std::string why) {
    reason_ = std::move(why);
    return read_event::failed;
  }
  bool payload_wanted(std::string_view name) const;

  buffered_input& in_;
  reader_options options_;
  std::uint64_t position_ = 0;
  std::uint64_t consumed_ = 0;
  std::string reason_;

 private:
  read_event check(import_record& out);
  bool over_ = false;
};

enum class source_format { jsonl, csv, fvecs, bvecs, npy };

/// By name ("jsonl", …) or, for "auto", by the file name's ending, else by the first bytes.
result<source_format> choose_format(std::string_view name, std::string_view path, buffered_input& in);
std::string_view format_name(source_format format);
std::unique_ptr<record_reader> make_reader(source_format format, buffered_input& in, reader_options options);

}  // namespace waggle::ctl
