#pragma once
// What lets an import continue: the contiguous acknowledged prefix of the source, kept in a small JSON file next to it
// (or in $XDG_STATE_HOME/waggle when that folder cannot be written). Written by the import's ledger only.
#include <cstdint>
#include <map>
#include <string>

#include "base/error.hpp"
#include "tools/wagglectl/outcome.hpp"

namespace waggle::ctl {

/// Tells whether a file is still the one that the import began with.
struct source_fingerprint {
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::string head_sha256;  ///< of the first 64 KiB, hex
  bool operator==(const source_fingerprint&) const = default;
};
result<source_fingerprint> fingerprint_file(const std::string& path);

struct import_state {
  std::string run_id;  ///< names this import; part of every request id, so that only its own retries count as repeats
  std::string endpoint;
  std::string collection;
  source_fingerprint source;
  std::uint64_t next_batch = 0;
  std::uint64_t offset = 0;    ///< bytes of the source that are done
  std::uint64_t consumed = 0;  ///< lines or records that are done
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;

  std::string to_json() const;
  static result<import_state> from_json(std::string_view text);
};

/// The state file of (source, endpoint, collection): two imports of one file do not meet.
std::string state_path(const std::string& source, const std::string& endpoint, const std::string& collection);
/// failure ec::not_found when there is none.
result<import_state> load_state(const std::string& path);
/// Replaces the file atomically.
result<void> save_state(const std::string& path, const import_state& state);

/// Batches are acknowledged in any order; this finds how far the source is done without a gap. Pure.
class ack_tracker {
 public:
  explicit ack_tracker(import_state start) : state_(std::move(start)) {}
  struct ack {
    std::uint64_t index, end_offset, end_consumed, accepted, rejected;
  };
  /// True when the prefix grew.
  bool complete(const ack& done);
  const import_state& state() const { return state_; }

 private:
  import_state state_;
  std::map<std::uint64_t, ack> waiting_;  ///< at most as many as batches are in flight
};

}  // namespace waggle::ctl
