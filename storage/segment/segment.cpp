#include "storage/segment/segment.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/limits.hpp"

namespace waggle {

static_assert(std::endian::native == std::endian::little, "sections are read in place");

/// Binds a segment's members to the sections of its file and proves what its readers rely on.
class segment_checker {
 public:
  explicit segment_checker(segment& s) : s_(s), layout_(s.layout_), rows_(s.layout_.header.rows) {}

  result<void> run() {
    for (const auto step : {&segment_checker::bind_rows, &segment_checker::bind_vectors, &segment_checker::bind_sparse,
                            &segment_checker::bind_text, &segment_checker::bind_graph})
      if (auto done = (this->*step)(); !done) return done.error();
    return {};
  }

 private:
  /// The section as an array of exactly `count` elements. The offset of every section is aligned.
  template <class T>
  result<std::span<const T>> array(section kind, std::uint64_t count) const {
    const auto bytes = layout_.find(kind);
    if (!bytes) return corrupt_segment(name_of(kind), "is missing");
    if (bytes->size() % sizeof(T) != 0 || bytes->size() / sizeof(T) != count)
      return corrupt_segment(name_of(kind), "has a wrong size");
    return std::span(reinterpret_cast<const T*>(bytes->data()), count);
  }

  /// rows + 1 ascending offsets from 0 to `end`.
  result<void> bind_offsets(section kind, std::uint64_t end, std::span<const std::uint64_t>& out) const {
    auto offsets = array<std::uint64_t>(kind, rows_ + 1);
    if (!offsets) return offsets.error();
    if (offsets->front() != 0 || offsets->back() != end || !std::is_sorted(offsets->begin(), offsets->end()))
      return corrupt_segment(name_of(kind), "offsets do not partition what they point into");
    out = *offsets;
    return {};
  }

  result<std::string_view> bytes_of(section kind) const {
    const auto bytes = layout_.find(kind);
    if (!bytes) return corrupt_segment(name_of(kind), "is missing");
    return *bytes;
  }

  static result<void> check_finite(section kind, std::span<const float> values) {
    // 0 * x is 0 for every finite x, else NaN: one sum tells, and the loop needs no branch.
    float sum = 0;
    for (const float v : values) sum += 0.0f * v;
    if (sum != 0) return corrupt_segment(name_of(kind), "holds a number that is not finite");
    return {};
  }

  result<void> bind_seqs() {
    auto seqs = array<std::uint64_t>(section::seqs, rows_);
    if (!seqs) return seqs.error();
    const auto& range = layout_.header.range;
    if (std::adjacent_find(seqs->begin(), seqs->end(), std::greater_equal<>()) != seqs->end())
      return corrupt_segment("seqs", "do not ascend");
    if (!seqs->empty() && (seqs->front() < range.first.value || seqs->back() > range.last.value || seqs->front() == 0))
      return corrupt_segment("seqs", "leave the segment's range");
    s_.seqs_ = *seqs;
    return {};
  }

  result<void> bind_rows() {
    if (auto done = bind_seqs(); !done) return done;
    auto ids = bytes_of(section::id_bytes);
    if (!ids) return ids.error();
    if (auto done = bind_offsets(section::id_offsets, ids->size(), s_.id_offsets_); !done) return done;
    for (std::size_t i = 0; i < rows_; ++i) {
      const auto size = s_.id_offsets_[i + 1] - s_.id_offsets_[i];
      if (size == 0 || size > limits::point_id_bytes_max) return corrupt_segment("id_offsets", "impossible id length");
    }
    auto flags = array<std::uint8_t>(section::id_flags, rows_);
    if (!flags) return flags.error();
    if (std::any_of(flags->begin(), flags->end(), [](auto f) { return f > 1; }))
      return corrupt_segment("id_flags", "unknown flag");
    auto payloads = bytes_of(section::payload_bytes);
    if (!payloads) return payloads.error();
    if (payloads->size() < segment_payload_padding) return corrupt_segment("payload_bytes", "padding is missing");
    const auto end = payloads->size() - segment_payload_padding;
    if (auto done = bind_offsets(section::payload_offsets, end, s_.payload_offsets_); !done) return done;
    s_.id_bytes_ = *ids;
    s_.id_flags_ = *flags;
    s_.payload_bytes_ = *payloads;
    return {};
  }

  result<void> bind_vectors() {
    const auto& h = layout_.header;
    auto floats = array<float>(section::vectors, rows_ * h.dimension);
    if (!floats) return floats.error();
    if (auto done = check_finite(section::vectors, *floats); !done) return done;
    s_.vectors_.data = floats->data();
    s_.vectors_.count = rows_;
    s_.vectors_.dimension = h.dimension;
    s_.vectors_.measure = h.measure;
    if (h.measure != metric::cosine) {
      if (layout_.find(section::inverse_norms)) return corrupt_segment("inverse_norms", "belong to cosine only");
      return {};
    }
    auto norms = array<float>(section::inverse_norms, rows_);
    if (!norms) return norms.error();
    if (auto done = check_finite(section::inverse_norms, *norms); !done) return done;
    s_.vectors_.inverse_norms = norms->data();
    return {};
  }

  result<void> bind_sparse() {
    const auto indices = layout_.find(section::sparse_indices);
    if (!layout_.find(section::sparse_offsets)) {
      if (indices || layout_.find(section::sparse_values)) return corrupt_segment("sparse_offsets", "is missing");
      return {};
    }
    if (!indices || indices->size() % sizeof(std::uint32_t) != 0)
      return corrupt_segment("sparse_indices", "is missing or has a wrong size");
    const auto count = indices->size() / sizeof(std::uint32_t);
    if (auto done = bind_offsets(section::sparse_offsets, count, s_.sparse_offsets_); !done) return done;
    auto values = array<float>(section::sparse_values, count);
    if (!values) return values.error();
    if (auto done = check_finite(section::sparse_values, *values); !done) return done;
    s_.sparse_indices_ = *array<std::uint32_t>(section::sparse_indices, count);
    s_.sparse_values_ = *values;
    for (std::size_t i = 0; i < rows_; ++i) {
      const auto row = s_.row(i).sparse.indices;
      if (std::adjacent_find(row.begin(), row.end(), std::greater_equal<>()) != row.end())
        return corrupt_segment("sparse_indices", "do not ascend within a row");
    }
    return {};
  }

  result<void> bind_text() {
    const auto bytes = layout_.find(section::text);
    if (!bytes) return {};
    auto view = postings_view::open(std::as_bytes(std::span(*bytes)));
    if (!view) return corrupt_segment("text", view.error().log_text);
    if (view->rows() > rows_) return corrupt_segment("text", "speaks of rows that are not there");
    s_.text_ = *view;
    return {};
  }

  result<void> bind_graph() {
    constexpr section kinds[] = {section::graph_header, section::graph_level0, section::graph_upper_offsets,
                                 section::graph_upper};
    if (std::none_of(std::begin(kinds), std::end(kinds), [&](section k) { return layout_.find(k); })) return {};
    std::span<const std::byte> parts[std::size(kinds)];
    for (std::size_t i = 0; i < std::size(kinds); ++i) {
      const auto bytes = layout_.find(kinds[i]);
      if (!bytes) return corrupt_segment(name_of(kinds[i]), "is missing");
      parts[i] = std::as_bytes(std::span(*bytes));
    }
    auto view = graph_view::from_sections({parts[0], parts[1], parts[2], parts[3]}, rows_);
    if (!view) return corrupt_segment("graph", view.error().log_text);
    s_.graph_ = *view;
    return {};
  }

  segment& s_;
  const segment_layout& layout_;
  const std::uint64_t rows_;
};

row_fields segment::row(std::size_t i) const {
  row_fields fields;
  fields.seq = seq_no(seqs_[i]);
  fields.id = id_bytes_.substr(id_offsets_[i], id_offsets_[i + 1] - id_offsets_[i]);
  fields.integer_id = id_flags_[i] != 0;
  fields.payload = payload_bytes_.substr(payload_offsets_[i], payload_offsets_[i + 1] - payload_offsets_[i]);
  fields.vector = {vectors_.row(i), vectors_.dimension};
  if (vectors_.inverse_norms) fields.inverse_norm = vectors_.inverse_norms[i];
  if (!sparse_offsets_.empty()) {
    const auto first = sparse_offsets_[i], count = sparse_offsets_[i + 1] - first;
    fields.sparse = {sparse_indices_.subspan(first, count), sparse_values_.subspan(first, count)};
  }
  return fields;
}

segment_bytes segment::bytes() const {
  segment_bytes out;
  out.vectors = rows() * vectors_.dimension * sizeof(float);
  out.payload = payload_bytes_.size();
  out.index = file_.bytes().size() - out.vectors - out.payload;
  return out;
}

result<std::shared_ptr<segment>> open_segment(const std::string& path, const shard_key& expected, metric measure,
                                              std::uint32_t dimension) {
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto layout = read_layout(file->bytes());
  if (!layout) return layout.error();
  const auto& h = layout->header;
  if (h.key != expected) return corrupt_segment("header", "belongs to another tenant, collection or shard");
  if (h.measure != measure) return corrupt_segment("header", "has another metric");
  if (h.dimension != dimension) return corrupt_segment("header", "has another dimension");
  std::shared_ptr<segment> opened(new segment(std::move(*file), std::move(*layout)));
  if (auto sound = segment_checker(*opened).run(); !sound) return sound.error();
  return opened;
}

}  // namespace waggle
