#pragma once
// Records become request bodies. A batch holds one kind of record (vectors or texts), so that it is one request.
// Pure; one thread at a time.
#include <cstdint>
#include <string>
#include <vector>

#include "tools/wagglectl/import/record_reader.hpp"

namespace waggle::ctl {

inline constexpr std::size_t batch_body_bytes_max = 8u << 20;
inline constexpr std::uint32_t batch_records_max = 10000;

struct import_batch {
  enum class kind { vectors, texts };
  kind what = kind::vectors;
  std::uint64_t index = 0;               ///< from 0, in source order
  std::string body;                      ///< the JSON request
  std::string request_id;                ///< UUID; the same for the same run, index and body
  std::vector<std::uint64_t> positions;  ///< of each item, for naming what the node rejects
  std::uint64_t rejected_before = 0;     ///< records of this stretch that the reader rejected
  std::uint64_t end_offset = 0;          ///< where the source continues after this batch
  std::uint64_t end_consumed = 0;
};

class batch_builder {
 public:
  batch_builder(std::string collection, std::string run_id, std::uint32_t records_max, std::uint64_t first_index)
      : collection_(std::move(collection)),
        run_id_(std::move(run_id)),
        records_max_(records_max),
        index_(first_index) {}

  /// False when `r` does not fit the open batch (another kind, or full): take() it first.
  bool fits(const import_record& r) const;
  void add(const import_record& r);
  bool full() const { return batch_.positions.size() >= records_max_ || batch_.body.size() >= batch_body_bytes_max; }
  bool empty() const { return batch_.positions.empty(); }
  void count_reject() { ++rejected_; }
  /// Closes the open batch. `offset` and `consumed` say where the source continues behind its last record. An empty
  /// batch is possible: it carries rejects and progress only.
  import_batch take(std::uint64_t offset, std::uint64_t consumed);

 private:
  std::string collection_;
  std::string run_id_;
  std::uint32_t records_max_;
  std::uint64_t index_;
  std::uint64_t rejected_ = 0;
  import_batch batch_;
};

/// A UUID (version 8, RFC 9562) from SHA-256 over the three.
std::string derive_request_id(std::string_view run_id, std::uint64_t index, std::string_view body);

}  // namespace waggle::ctl
