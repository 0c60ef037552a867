// Questions about views other than dense search (vector_search.cpp).
#include "storage/shard/shard_view.hpp"

#include <algorithm>
#include <deque>
#include <functional>

#include "storage/shard/mutable_segment.hpp"
#include "storage/shard/ranking.hpp"
#include "storage/text/bm25.hpp"

namespace waggle {
namespace {

using plain_views = std::span<const shard_view* const>;

std::vector<const shard_view*> plain(shard_view::views shards) {
  std::vector<const shard_view*> out;
  out.reserve(shards.size());
  for (const auto& view : shards) out.push_back(view.get());
  return out;
}

/// What bm25 needs of one part, at an address that stays.
class text_part final : public document_rows {
 public:
  text_part(const searched_part& part, const row_acceptor& accept)
      : part_(part),
        live_{[this](std::uint32_t row) { return part_.visible(row); }},
        accept_{[this, &accept](std::uint32_t row) { return accept(part_, row); }} {
    if (const auto* file = part.rows().file())
      source_.postings = file->text();
    else
      source_.documents = this;
    source_.live = live_;
    if (!accept.accepts_all()) source_.accept = accept_;
  }
  text_part(const text_part&) = delete;
  std::size_t rows() const override { return part_.count(); }
  const document_terms& at(std::uint32_t row) const override { return *part_.rows().terms(row); }
  const bm25_source& source() const { return source_; }

 private:
  const searched_part& part_;
  std::function<bool(std::uint32_t)> live_;
  std::function<bool(std::uint32_t)> accept_;
  bm25_source source_;
};

search_hits text_hits(plain_views shards, const text_query& query) {
  search_hits out;
  const auto terms = analyze_query(query.text);
  if (terms.terms.empty() || query.limit == 0) return out;
  const auto parts = parts_of(shards);
  const row_acceptor accept(query.accept, out.explain.filter_evaluations);
  corpus_stats stats;
  for (const auto* view : shards)
    stats.documents += view->live().text_rows, stats.total_length += view->live().text_length;
  std::deque<text_part> text_parts;
  std::vector<bm25_source> sources;
  for (const auto& part : parts) sources.push_back(text_parts.emplace_back(part, accept).source());
  const auto before = [&](const bm25_hit& a, const bm25_hit& b) {
    return parts[a.source].rows().row(a.row).id < parts[b.source].rows().row(b.row).id;
  };
  for (const auto& found : bm25_search(sources, terms, query.limit, stats, before)) {
    search_hit hit;
    hit.score = text_score(found.score, found.exact);
    if (query.threshold && hit.score < *query.threshold) break;
    hit.owner = parts[found.source].part->rows;
    hit.row = hit.owner->row(found.row);
    out.hits.push_back(std::move(hit));
  }
  return out;
}

/// Inner product in double by ascending index, and whether any index is shared. As dot_sparse of storage/text, over
/// rows that are read in place.
bool sparse_product(const sparse_vector& query, const sparse_view& row, float& product) {
  double sum = 0;
  bool shared = false;
  for (std::size_t i = 0, j = 0; i < query.indices.size() && j < row.indices.size();) {
    if (query.indices[i] < row.indices[j]) {
      ++i;
    } else if (row.indices[j] < query.indices[i]) {
      ++j;
    } else {
      sum += static_cast<double>(query.values[i++]) * static_cast<double>(row.values[j++]);
      shared = true;
    }
  }
  product = static_cast<float>(sum);
  return shared;
}

search_hits sparse_hits(plain_views shards, const sparse_vector& query, std::size_t limit, const filter* accept) {
  search_hits out;
  const auto parts = parts_of(shards);
  const row_acceptor acceptor(accept, out.explain.filter_evaluations);
  ranking best(metric::dot, limit, std::nullopt, parts);
  for (std::uint32_t p = 0; p < parts.size() && limit != 0 && !query.empty(); ++p) {
    const auto* file = parts[p].rows().file();
    if (file && !file->has_sparse()) continue;
    ++out.explain.runs_scanned;
    parts[p].for_each_visible([&](std::uint32_t row) {
      float product = 0;
      if (sparse_product(query, parts[p].rows().row(row).sparse, product) && best.wants(-product) &&
          acceptor(parts[p], row))
        best.offer(p, row, -product);
    });
  }
  out.hits = best.take();
  return out;
}

std::size_t count_rows(plain_views shards, const filter* accept) {
  std::size_t matched = 0;
  std::uint64_t asked = 0;
  const row_acceptor acceptor(accept, asked);
  if (acceptor.accepts_all()) {
    for (const auto* view : shards) matched += view->live_count();
    return matched;
  }
  for (const auto& part : parts_of(shards))
    part.for_each_visible([&](std::uint32_t row) { matched += acceptor(part, row); });
  return matched;
}

std::vector<found_row> matching_rows(plain_views shards, const filter* accept, std::size_t limit,
                                     std::string_view after_id) {
  struct candidate {
    std::string_view id;
    const searched_part* part;
    std::uint32_t row;
    bool operator<(const candidate& other) const { return id < other.id; }
  };
  std::vector<candidate> first;  // greatest id on top
  std::uint64_t asked = 0;
  const row_acceptor acceptor(accept, asked);
  const auto parts = parts_of(shards);
  for (const auto& part : parts) {
    if (limit == 0) break;
    part.for_each_visible([&](std::uint32_t row) {
      const candidate c{part.rows().row(row).id, &part, row};
      if (c.id <= after_id || (first.size() == limit && !(c < first.front())) || !acceptor(part, row)) return;
      if (first.size() == limit) {
        std::pop_heap(first.begin(), first.end());
        first.pop_back();
      }
      first.push_back(c);
      std::push_heap(first.begin(), first.end());
    });
  }
  std::sort(first.begin(), first.end());
  std::vector<found_row> out;
  out.reserve(first.size());
  for (const auto& c : first) out.push_back({c.part->part->rows, c.part->rows().row(c.row)});
  return out;
}

}  // namespace

search_hits shard_view::search_text(views shards, const text_query& query) { return text_hits(plain(shards), query); }
search_hits shard_view::search_text(const text_query& query) const {
  const shard_view* self = this;
  return text_hits({&self, 1}, query);
}

search_hits shard_view::search_sparse(views shards, const sparse_vector& query, std::size_t limit,
                                      const filter* accept) {
  return sparse_hits(plain(shards), query, limit, accept);
}
search_hits shard_view::search_sparse(const sparse_vector& query, std::size_t limit, const filter* accept) const {
  const shard_view* self = this;
  return sparse_hits({&self, 1}, query, limit, accept);
}

std::size_t shard_view::count(views shards, const filter* accept) { return count_rows(plain(shards), accept); }
std::size_t shard_view::count(const filter* accept) const {
  const shard_view* self = this;
  return count_rows({&self, 1}, accept);
}

std::vector<found_row> shard_view::matching(views shards, const filter* accept, std::size_t limit,
                                            std::string_view after_id) {
  return matching_rows(plain(shards), accept, limit, after_id);
}
std::vector<found_row> shard_view::matching(const filter* accept, std::size_t limit, std::string_view after_id) const {
  const shard_view* self = this;
  return matching_rows({&self, 1}, accept, limit, after_id);
}

}  // namespace waggle
