#include "tools/wagglectl/import/csv_reader.hpp"

#include <charconv>
#include <unordered_set>

#include "base/names.hpp"
#include "base/text_out.hpp"

namespace waggle::ctl {

bool is_json_number(std::string_view text) {
  const auto digits = [&text] {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
    text.remove_prefix(n);
    return n;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

bool csv_reader::skip_line() {
  for (;;) {
    auto c = in_.get();
    if (!c) {
      reason_ = c.error().message;
      return false;
    }
    if (*c == '\n') ++consumed_;
    if (*c == '\n' || *c < 0) return true;
  }
}

/// The states of RFC 4180's grammar, byte by byte; bounds are counted over the whole record.
struct csv_reader::scan {
  csv_reader& reader;
  bool in_quotes = false;
  bool after_quote = false;  ///< a quote closed the cell, or begins a doubled one
  bool any = false;
  std::size_t bytes = 0;

  cell& current() { return reader.cells_.back(); }
  bool at_cell_begin() const { return reader.cells_.back().begin == reader.row_text_.size(); }
  void keep(char c) { reader.row_text_ += c; }
  void open_cell() {
    reader.cells_.push_back({reader.row_text_.size(), reader.row_text_.size(), false});
    in_quotes = after_quote = false;
  }
  void close_cell() { current().end = reader.row_text_.size(); }
  enum class step { more, done, quoting_error, too_many_columns };
  step take(char c) {
    if (in_quotes && !after_quote) {
      if (c == '"')
        after_quote = true;
      else
        keep(c);
      return step::more;
    }
    if (after_quote && c == '"') {
      keep(c);
      after_quote = false;
      return step::more;
    }
    if (c == ',') {
      if (reader.cells_.size() == csv_columns_max) return step::too_many_columns;
      close_cell();
      open_cell();
      return step::more;
    }
    if (c == '\n') {
      if (!current().quoted && !at_cell_begin() && reader.row_text_.back() == '\r') reader.row_text_.pop_back();
      close_cell();
      return step::done;
    }
    if (after_quote) return c == '\r' ? step::more : step::quoting_error;
    if (c == '"') {
      if (!at_cell_begin()) return step::quoting_error;
      current().quoted = in_quotes = true;
      return step::more;
    }
    keep(c);
    return step::more;
  }
};

csv_reader::row_status csv_reader::read_row() {
  row_text_.clear();
  cells_.clear();
  position_ = consumed_ + 1;
  scan state{*this};
  state.open_cell();
  const auto bad = [this](std::string why) {
    const bool skipped = skip_line();
    if (skipped) reason_ = std::move(why);
    return skipped ? row_status::bad : row_status::failed;
  };
  for (;;) {
    auto c = in_.get();
    if (!c) {
      reason_ = c.error().message;
      return row_status::failed;
    }
    if (*c < 0) {
      if (!state.any) return row_status::end;
      ++consumed_;
      if (state.in_quotes && !state.after_quote) {
        reason_ = "a quoted cell is not closed before the end of the file";
        return row_status::bad;
      }
      state.close_cell();
      return row_status::row;
    }
    state.any = true;
    if (*c == '\n') ++consumed_;
    const auto step = state.take(static_cast<char>(*c));
    if (step == scan::step::done) return row_status::row;
    if (step == scan::step::quoting_error) return bad("a quote stands where RFC 4180 allows none");
    if (step == scan::step::too_many_columns)
      return bad("it has more than " + std::to_string(csv_columns_max) + " cells");
    if (++state.bytes > record_bytes_max)
      return bad("it is over " + format_bytes(record_bytes_max) + "; is a quote not closed?");
  }
}

result<void> csv_reader::open() {
  auto head = in_.peek(3);
  if (!head) return head.error();
  if (*head == "\xef\xbb\xbf") {
    char mark[3];
    if (auto skipped = in_.read_exact(mark, sizeof mark); !skipped) return skipped.error();
  }
  switch (read_row()) {
    case row_status::end: return failure(ec::parse_error, "The CSV file is empty; it needs a header row");
    case row_status::bad:
    case row_status::failed: return failure(ec::parse_error, "The CSV header row cannot be read: " + reason_);
    case row_status::row: break;
  }
  for (const auto& name : cells_) names_.emplace_back(text(name));
  return assign_roles();
}

result<void> csv_reader::assign_roles() {
  std::unordered_set<std::string_view> seen;
  for (const auto& name : names_) {
    if (name.empty() || !is_utf8(name))
      return failure(ec::parse_error, "A column of the CSV header has no usable name");
    if (!seen.insert(name).second) return failure(ec::parse_error, "Two columns of the CSV header have the same name");
  }
  std::string vector_name = options_.vector_field;
  for (const char* name : {"vector", "embedding"})
    if (vector_name.empty() && seen.contains(name)) vector_name = name;
  if (!options_.vector_field.empty() && !seen.contains(options_.vector_field) &&
      !seen.contains(options_.vector_field + "0"))
    return failure(ec::validation_error, "The CSV header has no column '" + options_.vector_field + "'");
  // v0 … vN, or with --vector-field f: f0 … fN; they must stand in order, so that component i is the i-th of them.
  const std::string stem = options_.vector_field.empty() ? "v" : options_.vector_field;
  const bool spread = !seen.contains(vector_name) && seen.contains(stem + "0");
  std::size_t component = 0;
  for (const auto& name : names_) {
    auto role = payload_wanted(name) ? column_role::payload : column_role::ignored;
    if (name == options_.id_field)
      role = column_role::id;
    else if (name == options_.text_field)
      role = column_role::text;
    else if (!spread && name == vector_name)
      role = column_role::vector_json;
    else if (spread && name == stem + std::to_string(component)) {
      role = column_role::vector_component;
      ++component;
    } else if (name == "payload" || name == "metadata")
      role = column_role::payload_json;
    roles_.push_back(role);
  }
  return {};
}

bool csv_reader::read_vector(std::string_view json, import_record& out) {
  auto value = parser_.parse(json);
  if (!value) {
    reason_ = "its vector is no JSON array";
    return false;
  }
  if (auto floats = read_floats(*value, "vector", out.vector); !floats) {
    reason_ = "its vector is not valid: " + floats.error().message;
    return false;
  }
  return true;
}

bool csv_reader::read_component(std::string_view text, import_record& out) {
  double v = 0;
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size()) {
    reason_ = "component " + std::to_string(out.vector.size()) + " of its vector is no number";
    return false;
  }
  out.vector.push_back(static_cast<float>(v));
  return true;
}

bool csv_reader::read_payload(std::string_view json, std::string& out) {
  auto value = parser_.parse(json);
  if (!value || !value->is_object()) {
    reason_ = "its payload is no JSON object";
    return false;
  }
  json_writer writer(out);
  writer.begin_object();
  for (const auto member : value->as_object())
    if (payload_wanted(member.key)) writer.key(member.key).raw(json_value(member.value).to_text());
  writer.end_object();
  return true;
}

namespace {
/// True when `text` means the same number after a trip through JSON and 64 bits; otherwise it stays text.
bool survives_as_number(std::string_view text) {
  if (!is_json_number(text)) return false;
  const char* end = text.data() + text.size();
  std::uint64_t whole = 0;
  std::int64_t negative = 0;
  double real = 0;
  if (text.find_first_of(".eE") != text.npos) return std::from_chars(text.data(), end, real).ec == std::errc{};
  return std::from_chars(text.data(), end, whole).ec == std::errc{} ||
         std::from_chars(text.data(), end, negative).ec == std::errc{};
}
void append_typed(std::string& out, std::string_view text, bool quoted) {
  if (!quoted && (text == "true" || text == "false" || survives_as_number(text)))
    out += text;
  else
    append_json_string(out, text);
}
}  // namespace

bool csv_reader::take_cell(std::size_t i, import_record& out, std::string& columns, std::string& explicit_payload) {
  const std::string_view value = text(cells_[i]);
  const bool empty = value.empty() && !cells_[i].quoted;
  if (!is_utf8(value)) {
    reason_ = "its cell '" + names_[i] + "' is not UTF-8";
    return false;
  }
  switch (roles_[i]) {
    case column_role::id: out.id = value; return true;
    case column_role::text:
      out.text = value;
      out.has_text = !empty;
      return true;
    case column_role::vector_json: return empty || read_vector(value, out);
    case column_role::vector_component: return read_component(value, out);
    case column_role::payload_json: return empty || read_payload(value, explicit_payload);
    case column_role::payload:
      if (empty) return true;
      columns += columns.empty() ? '{' : ',';
      append_json_string(columns, names_[i]);
      columns += ':';
      append_typed(columns, value, cells_[i].quoted);
      return true;
    case column_role::ignored: return true;
  }
  return true;
}

read_event csv_reader::read(import_record& out) {
  do {
    const auto status = read_row();
    if (status == row_status::end) return read_event::end;
    if (status == row_status::failed) return read_event::failed;
    if (status == row_status::bad) return read_event::reject;
  } while (cells_.size() == 1 && row_text_.empty() && !cells_[0].quoted);  // a blank line is no record
  if (cells_.size() != names_.size())
    return reject("it has " + std::to_string(cells_.size()) + " cells, the header has " +
                  std::to_string(names_.size()));
  std::string columns;
  std::string explicit_payload;
  for (std::size_t i = 0; i < cells_.size(); ++i)
    if (!take_cell(i, out, columns, explicit_payload)) return read_event::reject;
  if (!columns.empty()) columns += '}';
  out.payload = explicit_payload.empty() ? std::move(columns) : std::move(explicit_payload);
  return read_event::record;
}

}  // namespace waggle::ctl
