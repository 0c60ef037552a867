#pragma once
// Reads the audit files backwards, newest record first, a bounded piece at a time. What it reads is what the log has written;
// the log's thread may write on meanwhile. Blocking; each object one thread at a time.
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/audit/audit_entry.hpp"

namespace waggle {

/// Where reading goes on: everything in and before this file up to `offset` is still to be read.
struct audit_position {
  std::string file;  ///< its name; "" = at the newest
  std::uint64_t offset = 0;
  bool operator==(const audit_position&) const = default;
};

/// A position for a client to hold, which tells it nothing: how much others did is none of its business. Made and read by one
/// process only, for one reader; nothing for a text that was not.
std::string seal_position(const audit_position& position, std::string_view reader, std::string_view key);
std::optional<audit_position> unseal_position(std::string_view text, std::string_view reader, std::string_view key);

class audit_reader {
 public:
  /// Longer than any record.
  static constexpr std::size_t piece_bytes_min = 64 * 1024;

  audit_reader(std::filesystem::path directory, audit_query query, audit_position from)
      : directory_(std::move(directory)), query_(std::move(query)), filter_(query_), at_(std::move(from)) {}

  /// Looks at `piece_bytes` more and adds what is asked for to `entries`, until there are `most`. False: nothing is left.
  result<bool> read(std::size_t piece_bytes, std::size_t most);
  const std::vector<std::string>& entries() const { return entries_; }
  /// Behind the last entry.
  const audit_position& position() const { return at_; }

 private:
  result<bool> find_file();
  result<std::string> read_piece(std::size_t piece_bytes);
  bool is_too_old(std::string_view file) const;

  const std::filesystem::path directory_;
  const audit_query query_;
  const audit_line_filter filter_;
  audit_position at_;
  json_parser parser_;
  std::vector<std::string> entries_;
};

}  // namespace waggle
