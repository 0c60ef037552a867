#include "tools/wagglectl/import/record_reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/limits.hpp"
#include "base/names.hpp"
#include "tools/wagglectl/import/csv_reader.hpp"
#include "tools/wagglectl/import/jsonl_reader.hpp"
#include "tools/wagglectl/import/npy_reader.hpp"
#include "tools/wagglectl/import/vecs_reader.hpp"

namespace waggle::ctl {

result<void> record_reader::resume_at(std::uint64_t offset, std::uint64_t consumed) {
  auto there = in_.skip_to(offset);
  if (!there) return there.error();
  if (!*there) return failure(ec::conflict, "The source is shorter than the place to resume at");
  consumed_ = consumed;
  return {};
}

bool record_reader::payload_wanted(std::string_view name) const {
  const auto& wanted = options_.payload_fields;
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
}

read_event record_reader::next(import_record& out) {
  if (over_) return read_event::end;
  out.id.clear();
  out.vector.clear();
  out.text.clear();
  out.has_text = false;
  out.payload.clear();
  auto event = read(out);
  if (event == read_event::record) event = check(out);
  if (event == read_event::end || event == read_event::failed) over_ = true;
  return event;
}

/// What every format must hold: the same limits that the node enforces, so that a bad record is named by its line here.
read_event record_reader::check(import_record& out) {
  out.position = position_;
  if (out.vector.empty() && !out.has_text) return reject("it has neither a vector nor a text");
  if (out.vector.size() > limits::dimension_max)
    return reject("its vector has more than " + std::to_string(limits::dimension_max) + " components");
  for (const float v : out.vector)
    if (!std::isfinite(v)) return reject("its vector holds a NaN or an infinity");
  if (out.has_text && !is_utf8(out.text)) return reject("its text is not UTF-8");
  if (out.id.empty()) {
    const std::uint64_t step = position_ - 1;
    if (step > std::numeric_limits<std::uint64_t>::max() - options_.start_id) return reject("its id would overflow");
    out.id = std::to_string(options_.start_id + step);
  } else if (auto id = point_id::parse(out.id); !id) {
    return reject("its id is not valid: " + id.error().message);
  }
  if (out.payload.size() > limits::payload_kib_max_default * 1024)
    return reject("its payload is over " + std::to_string(limits::payload_kib_max_default) + " KiB");
  if (out.vector.empty()) return read_event::record;
  if (options_.dimension == 0) options_.dimension = out.vector.size();
  if (out.vector.size() != options_.dimension)
    return reject("its vector has " + std::to_string(out.vector.size()) + " components, expected " +
                  std::to_string(options_.dimension));
  return read_event::record;
}

namespace {
struct format_row {
  source_format format;
  std::string_view name;
  std::string_view endings[3];
};
constexpr format_row formats[] = {
    {source_format::jsonl, "jsonl", {".jsonl", ".ndjson", ".json"}},
    {source_format::csv, "csv", {".csv"}},
    {source_format::fvecs, "fvecs", {".fvecs"}},
    {source_format::bvecs, "bvecs", {".bvecs"}},
    {source_format::npy, "npy", {".npy"}},
};
}  // namespace

std::string_view format_name(source_format format) {
  for (const auto& row : formats)
    if (row.format == format) return row.name;
  return "";
}

result<source_format> choose_format(std::string_view name, std::string_view path, buffered_input& in) {
  for (const auto& row : formats)
    if (name == row.name) return row.format;
  if (name != "auto") return failure(ec::validation_error, "Unknown format '" + std::string(name) + "'");
  for (const auto& row : formats)
    for (const auto ending : row.endings)
      if (!ending.empty() && path.ends_with(ending)) return row.format;
  auto head = in.peek(4096);
  if (!head) return head.error();
  if (head->starts_with("\x93NUMPY")) return source_format::npy;
  std::string_view text = *head;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{') return source_format::jsonl;
  const auto line = text.substr(0, text.find('\n'));
  if (line.find(',') != line.npos && is_utf8(line)) return source_format::csv;
  return failure(ec::validation_error, "Cannot tell the format of the source");
}

std::unique_ptr<record_reader> make_reader(source_format format, buffered_input& in, reader_options options) {
  switch (format) {
    case source_format::jsonl: return std::make_unique<jsonl_reader>(in, std::move(options));
    case source_format::csv: return std::make_unique<csv_reader>(in, std::move(options));
    case source_format::fvecs: return std::make_unique<vecs_reader>(in, std::move(options), vecs_reader::element::f32);
    case source_format::bvecs: return std::make_unique<vecs_reader>(in, std::move(options), vecs_reader::element::u8);
    case source_format::npy: return std::make_unique<npy_reader>(in, std::move(options));
  }
  return nullptr;
}

}  // namespace waggle::ctl
