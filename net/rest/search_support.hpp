#pragma once
// What the searching handlers share: text and hybrid searches over a collection's views, answers.
#include <optional>

#include "net/rest/handler.hpp"
#include "net/rest/search_request.hpp"
#include "net/rest/shapes.hpp"
#include "storage/shard/shard_view.hpp"
#include "storage/text/fusion.hpp"

namespace waggle::rest {

/// A finished search: hits keep their rows alive.
struct found {
  search_hits hits;
  std::size_t limit = 0;
};

/// The SR response body.
struct search_answer {
  std::string_view collection;
  std::string_view query_type;
  std::string_view query;  ///< the text, "" = none
  std::size_t limit = 0;
  std::string extra;       ///< further members, already JSON, without braces
};
std::string write_search(const search_hits& hits, const search_answer& answer, const result_options& show,
                         metric measure, std::int64_t duration_us);
/// `distances`: also the distance, for hits of a Euclidean vector search.
void write_hits(json_writer& w, const search_hits& hits, const result_options& show, bool distances);

struct hybrid_query {
  std::vector<float> vector;
  std::string text;
  sparse_vector sparse;
  double alpha = 0.7;
  fusion_algorithm algorithm = fusion_algorithm::rrf;
  std::size_t dense_k = 20, sparse_k = 20, limit = 10;
  std::optional<filter> accept;
};
/// Dense and sparse lists, fused by id. Any thread.
result<search_hits> search_hybrid_views(shard_view::views views, const hybrid_query& query);

/// A text search on a collection: BM25 for the built-in provider, else by the provider's vector.
boost::asio::awaitable<result<search_hits>> search_by_text(handler_context& c,
                                                           std::shared_ptr<const collection_reader> reader,
                                                           std::string text, search_options options);

}  // namespace waggle::rest
