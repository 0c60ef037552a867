#include "storage/segment/segment_writer.hpp"

#include "storage/index/graph_build.hpp"
#include "storage/payload/payload.hpp"
#include "storage/segment/file_io.hpp"
#include "storage/text/document_terms.hpp"
#include "storage/text/postings.hpp"

namespace waggle {
namespace {

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}
template <class N>
std::string_view bytes_of(const N& value) requires std::is_arithmetic_v<N> {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

class writer {
 public:
  writer(const std::string& path, const segment_plan& plan, std::span<const picked_row> rows,
         const std::atomic<bool>& cancel)
      : file_(path), plan_(plan), rows_(rows), cancel_(cancel) {
    file_.append(std::string(segment_header_bytes, '\0'));
  }

  result<void> run() {
    write_keys();
    write_payloads();
    write_vectors();
    write_sparse();
    write_text();
    if (auto done = write_graph(); !done) return done;
    if (cancel_) return failure(ec::shutting_down);
    segment_header header{plan_.key, plan_.measure, plan_.dimension, rows_.size(), plan_.range};
    file_.overwrite(0, encode_header(header, table_, file_.size()));
    return file_.commit();
  }

 private:
  /// One section: `fill` is called with a sink for its bytes.
  template <class Fill>
  void write_section(section kind, Fill&& fill) {
    file_.align(segment_alignment);
    section_entry entry{kind, 0, file_.size(), 0};
    section_checksum crc;
    fill([&](std::string_view bytes) {
      crc.add(bytes);
      file_.append(bytes);
    });
    entry.size = file_.size() - entry.offset;
    entry.crc = crc.value();
    table_.entries[table_.count++] = entry;
  }

  /// A section that has `bytes(row)` of each row.
  template <class Bytes>
  void write_each(section kind, Bytes&& bytes) {
    write_section(kind, [&](auto&& out) {
      for (const auto& r : rows_) out(bytes(r.source->row(r.number)));
    });
  }

  /// rows + 1 offsets into what `size(row)` measures.
  template <class Size>
  void write_offsets(section kind, Size&& size) {
    write_section(kind, [&](auto&& out) {
      std::uint64_t at = 0;
      out(bytes_of(at));
      for (const auto& r : rows_) {
        at += size(r.source->row(r.number));
        out(bytes_of(at));
      }
    });
  }

  void write_keys() {
    write_section(section::seqs, [&](auto&& out) {
      for (const auto& r : rows_) out(bytes_of(r.source->row(r.number).seq.value));
    });
    write_offsets(section::id_offsets, [](const row_fields& r) { return r.id.size(); });
    write_each(section::id_bytes, [](const row_fields& r) { return r.id; });
    write_each(section::id_flags, [](const row_fields& r) {
      return r.integer_id ? std::string_view("\1", 1) : std::string_view("\0", 1);
    });
  }

  void write_payloads() {
    write_offsets(section::payload_offsets, [](const row_fields& r) { return r.payload.size(); });
    write_section(section::payload_bytes, [&](auto&& out) {
      for (const auto& r : rows_) out(r.source->row(r.number).payload);
      out(std::string(segment_payload_padding, '\0'));
    });
  }

  void write_vectors() {
    write_each(section::vectors, [](const row_fields& r) { return bytes_of(r.vector); });
    if (plan_.measure != metric::cosine) return;
    write_section(section::inverse_norms, [&](auto&& out) {
      for (const auto& r : rows_) out(bytes_of(r.source->row(r.number).inverse_norm));
    });
  }

  void write_sparse() {
    bool any = false;
    for (const auto& r : rows_) any = any || !r.source->row(r.number).sparse.empty();
    if (!any) return;
    write_offsets(section::sparse_offsets, [](const row_fields& r) { return r.sparse.indices.size(); });
    write_each(section::sparse_indices, [](const row_fields& r) { return bytes_of(r.sparse.indices); });
    write_each(section::sparse_values, [](const row_fields& r) { return bytes_of(r.sparse.values); });
  }

  void write_text() {
    postings_builder builder;
    bool any = false;
    for (std::uint32_t i = 0; i < rows_.size() && !cancel_; ++i) {
      const auto& [source, number] = rows_[i];
      document_terms analysed;
      const auto* terms = source->terms(number);
      if (!terms) {
        if (const auto content = text_content(source->row(number).payload); content && *content)
          analysed = analyze_document(**content);
        terms = &analysed;
      }
      if (terms->terms.empty()) continue;
      builder.add(i, *terms);
      any = true;
    }
    if (!any) return;
    const auto postings = builder.finish();
    write_section(section::text, [&](auto&& out) { out(postings.bytes); });
  }

  /// Builds over the vectors where they already lie in the file, so that a large merge needs no second copy in memory.
  result<void> write_graph() {
    if (!plan_.graph || rows_.empty()) return {};
    if (auto done = file_.flush(); !done) return done;
    auto written = mapped_file::open(file_.temp_path());
    if (!written) return written.error();
    const auto at = [&](section kind) -> const float* {
      for (std::uint32_t i = 0; i < table_.count; ++i)
        if (table_.entries[i].kind == kind)
          return reinterpret_cast<const float*>(written->bytes().data() + table_.entries[i].offset);
      return nullptr;
    };
    vector_block block;
    block.data = at(section::vectors);
    block.inverse_norms = at(section::inverse_norms);
    block.count = rows_.size();
    block.dimension = plan_.dimension;
    block.measure = plan_.measure;
    auto graph = build_graph(block, *plan_.graph, cancel_);
    if (!graph) return graph.error();
    const auto parts = graph->sections();
    write_section(section::graph_header, [&](auto&& out) { out(bytes_of(parts.header)); });
    write_section(section::graph_level0, [&](auto&& out) { out(bytes_of(parts.level0)); });
    write_section(section::graph_upper_offsets, [&](auto&& out) { out(bytes_of(parts.upper_offsets)); });
    write_section(section::graph_upper, [&](auto&& out) { out(bytes_of(parts.upper)); });
    return {};
  }

  durable_file file_;
  const segment_plan& plan_;
  std::span<const picked_row> rows_;
  const std::atomic<bool>& cancel_;
  section_table table_;
};

}  // namespace

result<void> write_segment(const std::string& path, const segment_plan& plan, std::span<const picked_row> rows,
                           const std::atomic<bool>& cancel) {
  return writer(path, plan, rows, cancel).run();
}

}  // namespace waggle
