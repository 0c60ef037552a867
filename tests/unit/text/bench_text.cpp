// Measures the text library on a file with one text per line: usage: bench_text FILE
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "storage/text/analyzer.hpp"
#include "storage/text/bm25.hpp"
#include "storage/text/embedding.hpp"

using namespace waggle;

namespace {

template <class F>
double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void report(const char* what, double count, double time, const char* unit) {
  std::printf("%-34s %12.0f %s/s   %8.2f us each\n", what, count / time, unit, time / count * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> texts;
  std::ifstream in(argc > 1 ? argv[1] : "");
  for (std::string line; std::getline(in, line);) texts.push_back(line);
  if (texts.empty()) return std::fputs("usage: bench_text FILE (one text per line)\n", stderr), 2;
  const auto n = static_cast<double>(texts.size());

  std::size_t words = 0;
  auto count = [&](std::string_view) { ++words; };
  report("scan_words", n, seconds([&] {
           for (const auto& t : texts) scan_words(t, count);
         }),
         "texts");
  report("scan_words_icu", n, seconds([&] {
           for (const auto& t : texts) scan_words_icu(t, count);
         }),
         "texts");
  auto count_terms = [&](std::string_view, std::string_view) { ++words; };
  report("scan_terms", n, seconds([&] {
           for (const auto& t : texts) scan_terms(t, count_terms);
         }),
         "texts");
  std::vector<document_terms> documents;
  documents.reserve(texts.size());
  report("analyze_document", n, seconds([&] {
           for (const auto& t : texts) documents.push_back(analyze_document(t));
         }),
         "texts");
  std::vector<float> vector(512);
  report("bm25_embedding 512-d", n, seconds([&] {
           for (const auto& t : texts) bm25_embedding(t, vector);
         }),
         "texts");

  postings_builder builder;
  postings_data data;
  report("build postings", n, seconds([&] {
           for (std::uint32_t i = 0; i < documents.size(); ++i) builder.add(i, documents[i]);
           data = builder.finish();
         }),
         "texts");
  postings_view view;
  report("open postings (with checks)", n, seconds([&] { view = postings_view::open(data.span()).value(); }), "texts");
  corpus_stats stats;
  for (const auto& d : documents) ++stats.documents, stats.total_length += d.length;
  std::printf("%zu texts, %.1f words each, %zu terms, postings %.1f bytes per text\n", texts.size(),
              static_cast<double>(stats.total_length) / n, view.terms(), static_cast<double>(data.bytes.size()) / n);

  auto before = [](const bm25_hit& a, const bm25_hit& b) { return a.row < b.row; };
  auto all_live = [](std::uint32_t row) { return row % 16 != 5; };
  for (const bool tombstones : {false, true}) {
    bm25_source source;
    source.postings = &view;
    if (tombstones) source.live = all_live;
    for (const std::size_t query_words : {2, 4, 12}) {
      std::size_t found = 0, postings = 0;
      const int rounds = 500;
      const double time = seconds([&] {
        for (int i = 0; i < rounds; ++i) {
          auto query = analyze_query(texts[static_cast<std::size_t>(i) * 7919 % texts.size()]);
          if (query.terms.size() > query_words) {
            query.terms.resize(query_words);
            query.counts.resize(query_words);
          }
          for (const auto term : query.terms) postings += view.find(term).documents();
          found += bm25_search(std::span(&source, 1), query, 10, stats, before).size();
        }
      });
      const auto name = "search, " + std::to_string(query_words) + " terms" + (tombstones ? ", tombstones" : "");
      report(name.c_str(), rounds, time, "queries");
      std::printf("%34s %12.1f ns per posting\n", "", time * 1e9 / static_cast<double>(postings));
      if (found == 0) return 1;
    }
  }
}
