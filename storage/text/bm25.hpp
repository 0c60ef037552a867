#pragma once
// Exact BM25 over the sources (segments) of a collection: k1 1.2, b 0.75,
//   idf(t) = ln(1 + (N − df + 0.5) / (df + 0.5))
//   score  = Σ over query terms, in query order:  idf · count·(k1+1) / (count + k1·(1−b) + (k1·b/avg)·length)
// summed in double, then rounded to float. Statistics count live rows only, so scores are bit-identical however the
// rows are spread over sources and whatever tombstones lie between them (Robertson & Zaragoza 2009; idf as in Lucene).
// Pure; any thread; the sources must not change during a call.
#include <cstdint>
#include <span>
#include <vector>

#include "storage/text/callable_ref.hpp"
#include "storage/text/document_terms.hpp"
#include "storage/text/postings.hpp"
#include "storage/types.hpp"

namespace waggle {

inline constexpr double bm25_k1 = 1.2;
inline constexpr double bm25_b = 0.75;

using row_test = callable_ref<bool(std::uint32_t row)>;

/// Rows of a mutable segment, scanned in place. A row without text has an empty document_terms.
class document_rows {
 public:
  virtual ~document_rows() = default;
  virtual std::size_t rows() const = 0;
  virtual const document_terms& at(std::uint32_t row) const = 0;
};

/// One segment: either `postings` or `documents` is set (neither: no rows).
struct bm25_source {
  const postings_view* postings = nullptr;
  const document_rows* documents = nullptr;
  row_test live;    ///< not deleted: counts in the statistics; absent = all
  row_test accept;  ///< may be returned (the user's filter); absent = all
};

struct corpus_stats {
  std::uint64_t documents = 0;     ///< live documents with text
  std::uint64_t total_length = 0;  ///< sum of their document_terms::length
  /// Live documents per query term. Absent = counted in the given sources; a collection of several shards adds up
  /// count_documents() of each and hands the sum to all.
  std::span<const std::uint64_t> document_frequency;
};

struct bm25_hit {
  std::uint32_t source;
  std::uint32_t row;
  float score;  ///< raw BM25, > 0
  bool exact;   ///< the document has the query's fingerprint: same words in the same order
  bool operator==(const bm25_hit&) const = default;
};

/// Strict order of two different hits that rank equal, by id bytes: must not depend on source or row numbers.
using hit_before = callable_ref<bool(const bm25_hit& a, const bm25_hit& b)>;

/// Public score in (0, 1]: 1 for exact, else s/(s+8), kept below 1. Monotone in `bm25`; 8 is about two rare terms.
float text_score(float bm25, bool exact);

/// Live documents that hold each query term, in query order.
std::vector<std::uint64_t> count_documents(std::span<const bm25_source> sources, const query_terms& query);

/// The best `k` live, accepted documents that share a term with the query, best first: by text_score descending (so
/// exact ones lead), equals by `before`.
std::vector<bm25_hit> bm25_search(std::span<const bm25_source> sources, const query_terms& query, std::size_t k,
                                  const corpus_stats& stats, hit_before before);

/// Inner product of two sparse vectors, summed in double by ascending index.
float dot_sparse(const sparse_vector& a, const sparse_vector& b);

}  // namespace waggle
