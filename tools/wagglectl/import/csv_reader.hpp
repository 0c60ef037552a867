#pragma once
// CSV by RFC 4180 with a header row. The vector is a column with a JSON array, or the columns v0 … vN. Unquoted numbers
// and booleans keep their type in the payload, quoted cells are text, empty unquoted cells are left out.
#include "base/json.hpp"
#include "tools/wagglectl/import/record_reader.hpp"

namespace waggle::ctl {

class csv_reader final : public record_reader {
 public:
  using record_reader::record_reader;
  result<void> open() override;

 private:
  struct cell {
    std::size_t begin = 0;  ///< in row_text_
    std::size_t end = 0;
    bool quoted = false;
  };
  enum class row_status { row, bad, end, failed };
  enum class column_role : std::uint8_t { payload, id, text, vector_json, vector_component, payload_json, ignored };
  struct scan;

  /// Reads one record into cells_, their text into row_text_. bad: reason_ says why, and the record has been consumed.
  row_status read_row();
  /// Drops the rest of the physical line after a quoting error.
  bool skip_line();
  read_event read(import_record& out) override;
  result<void> assign_roles();
  bool read_vector(std::string_view json, import_record& out);
  bool read_component(std::string_view text, import_record& out);
  /// Takes cell `i` by its column's role; false, with reason_ set, when the record is to be rejected.
  bool take_cell(std::size_t i, import_record& out, std::string& columns, std::string& explicit_payload);
  bool read_payload(std::string_view json, std::string& out);
  std::string_view text(const cell& of) const {
    return std::string_view(row_text_).substr(of.begin, of.end - of.begin);
  }

  json_parser parser_;
  std::vector<std::string> names_;
  std::vector<column_role> roles_;
  // One buffer for all cells, so that memory is bounded by the longest record and not by the sum of longest cells.
  std::string row_text_;
  std::vector<cell> cells_;
};

/// True when `text` is a number by the JSON grammar (no leading zeros, no +, no NaN).
bool is_json_number(std::string_view text);

}  // namespace waggle::ctl
