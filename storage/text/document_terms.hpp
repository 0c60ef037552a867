#pragma once
// What the index keeps of a text: hashed terms with their counts, the length in words, a fingerprint of the words.
// The hashes reach disk: a change of hash_term, of the fingerprint or of the analyser needs a new postings version.
// Pure; any thread.
#include <cstdint>
#include <string_view>
#include <vector>

namespace waggle {

struct term_frequency {
  std::uint64_t term;   ///< hash_term of the stem
  std::uint32_t count;  ///< occurrences in the text, at least 1
  bool operator==(const term_frequency&) const = default;
};

struct document_terms {
  std::vector<term_frequency> terms;  ///< ascending by term, unique
  std::uint32_t length = 0;           ///< words
  /// Hash of the unstemmed words in order; equal for texts that differ only in case, width, spacing or punctuation.
  /// 0 only when there is no term.
  std::uint64_t fingerprint = 0;
  bool operator==(const document_terms&) const = default;
};

struct query_terms {
  std::vector<std::uint64_t> terms;   ///< unique, in order of first use
  std::vector<std::uint32_t> counts;  ///< occurrences of each; BM25 uses them only to recognise the query's own text
  std::uint32_t length = 0;           ///< words, repetitions counted
  std::uint64_t fingerprint = 0;      ///< as document_terms
  bool operator==(const query_terms&) const = default;
};

/// FNV-1a 64 over the bytes, then the 64-bit finaliser of MurmurHash3 (FNV alone leaves the high bits of short words
/// poor, and postings and embedding use them). Stable for ever: golden-tested.
std::uint64_t hash_term(std::string_view stem);

/// A text with characters but without words ("???") has its blank-separated runs as terms, so that it can be found.
document_terms analyze_document(std::string_view utf8);
query_terms analyze_query(std::string_view utf8);

}  // namespace waggle
