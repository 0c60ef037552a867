#pragma once
// Whether audit files are what a node wrote: finds the first record that was altered, left out, put in or moved. What nobody
// can see from the files alone is a cut tail: give an `anchor`, a hash that is known from elsewhere. Blocking; any thread.
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/audit/audit_chain.hpp"

namespace waggle {

enum class chain_fault_kind : std::uint8_t { altered, missing, inserted, reordered };
std::string_view to_string(chain_fault_kind kind);

struct chain_fault {
  chain_fault_kind kind = chain_fault_kind::altered;
  std::string file;
  std::size_t line = 0;   ///< from 1
  std::uint64_t seq = 0;  ///< the record's, or the one that should stand there
  std::string why;
};

/// Follows the chain through `text`, whole lines, from `head` on, which moves; `visit` sees each line that holds.
std::optional<chain_fault> verify_audit_text(std::string_view text, chain_head& head,
                                             const std::function<void(const audit_link&)>& visit);

struct audit_verdict {
  std::optional<chain_fault> fault;
  chain_head head;
  std::size_t files = 0;
  std::uint64_t records = 0;
};
/// All files of a directory. `anchor`: a hash that some record must have; "" = none. IO_ERROR: something can't be read.
result<audit_verdict> verify_audit_directory(const std::filesystem::path& directory, const std::string& anchor);
/// One file by itself: what its first record says about the files before it is believed.
result<audit_verdict> verify_audit_file(const std::filesystem::path& file, const std::string& anchor);

/// The audit files in a directory, oldest first.
result<std::vector<std::filesystem::path>> list_audit_files(const std::filesystem::path& directory);

}  // namespace waggle
