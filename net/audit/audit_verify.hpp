#pragma once
// Whether audit files are what a node wrote: finds the first record that was altered, left out, put in or moved. Who can write
// the files can make another chain that holds in itself: a public key finds that. What nobody can see from the files alone is a
// cut tail: give an `anchor`, a hash that is known from elsewhere. Blocking; any thread.
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/audit/audit_chain.hpp"
#include "net/audit/audit_key.hpp"

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

/// What is wrong with a line that holds by itself; none: nothing.
using link_check = std::function<std::optional<chain_fault>(const audit_link&)>;
/// Follows the chain through `text`, whole lines, from `head` on, which moves; `check` sees each line that holds.
std::optional<chain_fault> verify_audit_text(std::string_view text, chain_head& head, const link_check& check);

/// What the files are held against, besides each other.
struct audit_proof {
  std::string anchor = {};           ///< a hash that some record must have; "" = none
  audit_key::pointer key = nullptr;  ///< public: has signed the checkpoints; none: nobody looks
  std::string first_day = {}, last_day = {};  ///< "2026-01-31": only the files of these days; "" = no bound
};
struct audit_verdict {
  std::optional<chain_fault> fault;
  chain_head head;
  std::size_t files = 0;
  std::uint64_t records = 0;
  std::uint64_t signed_seq = 0;  ///< of the last checkpoint whose signature holds; what follows it is proven by no key
};
/// All files of a directory. With `first_day`, what the first record says about the files before it is believed.
/// IO_ERROR: something can't be read.
result<audit_verdict> verify_audit_directory(const std::filesystem::path& directory, const audit_proof& proof);
/// One file by itself: what its first record says about the files before it is believed.
result<audit_verdict> verify_audit_file(const std::filesystem::path& file, const audit_proof& proof);

/// The audit files in a directory, oldest first.
result<std::vector<std::filesystem::path>> list_audit_files(const std::filesystem::path& directory);

}  // namespace waggle
