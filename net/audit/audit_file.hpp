#pragma once
// The files that the chain is written to: one per UTC day, begun with a chain.file record; old ones go. What `append` took is
// on disk; what it failed to take has left no trace. Owned by the audit log's thread; nobody else writes the directory.
#include <filesystem>
#include <span>
#include <string>

#include "base/error.hpp"
#include "net/audit/audit_chain.hpp"
#include "net/audit/audit_key.hpp"

namespace waggle {

struct audit_file_options {
  std::filesystem::path directory;
  std::string node_id;
  int retain_days = 90;  ///< 0 = forever
  audit_key::pointer key = nullptr;  ///< private, signs the checkpoints; none: nobody does
};

class audit_file {
 public:
  explicit audit_file(audit_file_options options) : options_(std::move(options)) {}
  ~audit_file();
  audit_file(const audit_file&) = delete;
  audit_file& operator=(const audit_file&) = delete;

  /// Finds where the chain stands. A last line that a crash left without its end is cut. IO_ERROR: the directory can't be
  /// used, or its last record does not hold.
  result<void> open();
  /// Appends the records and what the chain has to say about itself at `now_ms`, and syncs. IO_ERROR: nothing happened.
  result<void> append(std::span<const audit_record> records, std::int64_t now_ms);
  /// The end: what no checkpoint has signed yet gets one.
  result<void> close(std::int64_t now_ms);
  const chain_head& head() const { return head_; }

 private:
  result<void> resume(const std::filesystem::path& file);
  result<void> use(const std::filesystem::path& file);
  result<void> roll(std::int64_t now_ms);
  /// What is to be written, and where the chain stands behind it.
  struct draft {
    std::string text;
    chain_head head;
    std::uint64_t since_checkpoint = 0;
    std::int64_t checkpoint_ms = 0;
  };
  draft begin_draft() const { return {"", head_, since_checkpoint_, checkpoint_ms_}; }
  void add(draft& to, const audit_record& record) const;
  void add_checkpoint(draft& to, std::int64_t now_ms) const;
  result<void> commit(draft&& what);
  result<void> write(std::string_view text);
  result<void> cut_tail();
  void drop_old_files(std::int64_t now_ms);
  failure fault(std::string_view doing) const;

  const audit_file_options options_;
  int fd_ = -1;
  std::string name_;           ///< of the file that is written to
  std::string previous_name_;  ///< of the one before it
  std::uint64_t size_ = 0;     ///< what is on disk
  bool has_tail_ = false;      ///< something may lie behind it
  chain_head head_;
  std::uint64_t bytes_cut_ = 0;  ///< not yet recorded
  bool unsigned_before_ = false;  ///< what another life of the node wrote last has no signature
  std::uint64_t since_checkpoint_ = 0;
  std::int64_t checkpoint_ms_ = 0;
};

}  // namespace waggle
