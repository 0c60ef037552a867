// Segment files: refused, or readable to the last byte. Size and checksums are made right, so that the fuzzer gets behind
// them; whose segment it should be is taken from the file itself.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "fuzz.hpp"
#include "storage/index/graph_search.hpp"
#include "storage/payload/payload.hpp"
#include "storage/segment/segment.hpp"
#include "storage/text/document_terms.hpp"
#include "tests/support/segment_file_bytes.hpp"

using namespace waggle;
using namespace waggle::segment_file_bytes;
using fuzz::require;

namespace {

shard_key key_of(const std::string& bytes) {
  shard_key key;
  std::memcpy(key.owner.bytes.data(), bytes.data() + owner_at, key.owner.bytes.size());
  key.collection = collection_id(get<std::uint64_t>(bytes, collection_at));
  key.shard = shard_id(get<std::uint32_t>(bytes, shard_at));
  return key;
}

/// A file of these bytes, in memory.
class memory_file {
 public:
  explicit memory_file(std::string_view bytes) : fd_(memfd_create("segment", MFD_CLOEXEC)) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::exit(1);
  }
  ~memory_file() { ::close(fd_); }
  memory_file(const memory_file&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void read_rows(const segment& s) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < s.rows(); ++i) {
    const auto row = s.row(i);
    require(!row.id.empty() && row.vector.size() == s.header().dimension, "a row has an id and its dimension");
    for (const char c : row.id) sum += static_cast<unsigned char>(c);
    for (const char c : std::string_view(row.payload.data(), row.payload.size() + segment_payload_padding))
      sum += static_cast<unsigned char>(c);
    for (const float v : row.vector) require(std::isfinite(v), "vectors are finite");
    require(row.sparse.indices.size() == row.sparse.values.size(), "sparse indices and values pair up");
    for (const auto index : row.sparse.indices) sum += index;
    for (const float v : row.sparse.values) require(std::isfinite(v), "sparse values are finite");
  }
  volatile std::uint64_t seen = sum;
  static_cast<void>(seen);
}

void read_text(const segment& s) {
  const auto* text = s.text();
  if (!text) return;
  for (std::uint32_t row = 0; row < text->rows(); ++row) (void)text->length(row), (void)text->fingerprint(row);
  constexpr std::size_t analysed_rows_max = 16;
  for (std::size_t i = 0; i < std::min(s.rows(), analysed_rows_max); ++i) {
    const auto content = text_content(s.row(i).payload);
    if (!content || !content->has_value()) continue;
    for (const auto& [term, count] : analyze_document(**content).terms)
      text->for_each(term, [&](std::uint32_t row, std::uint32_t n) {
        require(row < s.rows() && n > 0, "postings name rows of the segment");
      });
  }
}

void search(const segment& s) {
  if (s.rows() == 0) return;
  const auto row = s.row(s.rows() - 1);
  const prepared_query query(s.header().measure, row.vector);
  top_k best(10);
  if (s.graph()) {
    search_scratch scratch;
    search_graph(*s.graph(), s.vectors(), query, 16, {}, best, scratch);
  } else {
    scan(s.vectors(), query, {}, best);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(fuzz::view(data, size));
  if (bytes.size() >= segment_header_bytes) {
    put<std::uint64_t>(bytes, size_at, bytes.size());
    forge_checksums(bytes);
  }
  const memory_file file(bytes);
  const bool whole = bytes.size() >= segment_header_bytes;
  const auto opened = open_segment(file.path(), whole ? key_of(bytes) : shard_key{},
                                   whole ? static_cast<metric>(bytes[metric_at]) : metric::dot,
                                   whole ? get<std::uint32_t>(bytes, dimension_at) : 1);
  if (!opened) {
    require(opened.error().code == ec::corrupt_data && !opened.error().log_text.empty(), "a refusal says what is wrong");
    return 0;
  }
  read_rows(**opened);
  read_text(**opened);
  search(**opened);
  return 0;
}
