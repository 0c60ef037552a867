// Our walk against hnswlib and faiss: same data, same M and efConstruction, squared L2, one thread, in process.
//   bench-search-core [rows] [dimension] [spread] [rounds]
// Rounds are interleaved (each engine in turn at each ef) and the median is shown, so that a slow minute of the machine
// hits all alike.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "storage/index/graph_build.hpp"
#include "storage/index/graph_search.hpp"
#include "storage/index/kernels.hpp"
#include "tools/bench/search_core/dataset.hpp"
#include "tools/bench/search_core/yardstick.hpp"

namespace waggle::bench {
namespace {

constexpr std::size_t k = 10, m = 16, ef_construction = 200;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class ours final : public yardstick {
 public:
  explicit ours(const vector_block& block) : block_(block) {}
  void build(const float*, std::size_t, std::size_t, std::size_t links, std::size_t ef) override {
    const std::atomic<bool> cancel{false};
    hnsw_params params;
    params.m = static_cast<std::uint32_t>(links);
    params.ef_construction = static_cast<std::uint32_t>(ef);
    auto built = build_graph(block_, params, cancel);
    if (!built) {
      std::fprintf(stderr, "build failed: %s\n", built.error().message.c_str());
      std::exit(1);
    }
    graph_ = std::move(*built);
  }
  void set_ef(std::size_t ef) override { ef_ = ef; }
  std::size_t search(const float* query, std::size_t limit, std::uint32_t* out) override {
    best_.reset(limit);
    const prepared_query prepared(block_.measure, {query, block_.dimension});
    search_graph(graph_.view(), block_, prepared, ef_, {}, best_, scratch_);
    std::size_t n = 0;
    for (const neighbor& found : best_.sorted()) out[n++] = found.row;
    return n;
  }

 private:
  vector_block block_;
  graph_data graph_;
  std::size_t ef_ = 0;
  top_k best_;
  search_scratch scratch_;
};

struct engine {
  const char* name;
  std::unique_ptr<yardstick> index;
  std::vector<double> rates = {};
  double found = 0;
};

void round_of(engine& e, const dataset& set, const answers& truth) {
  answers found(truth.size(), std::vector<std::uint32_t>(k));
  const double start = seconds_now();
  for (std::size_t q = 0; q < found.size(); ++q)
    found[q].resize(e.index->search(set.query(q).data(), k, found[q].data()));
  e.rates.push_back(static_cast<double>(found.size()) / (seconds_now() - start));
  e.found = recall(truth, found);
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

int run(const clustered_shape& shape, int rounds) {
  const dataset set = make_clustered(shape);
  const double scan_start = seconds_now();
  const answers truth = exact_answers(set, metric::euclidean, k);
  const double scan_rate = static_cast<double>(shape.queries) / (seconds_now() - scan_start);
  std::printf("%zu x %zu, %zu clusters, spread %.2f, %zu queries, k %zu, M %zu, efConstruction %zu, kernels %s\n",
              shape.rows, shape.dimension, shape.clusters, double(shape.spread), shape.queries, k, m, ef_construction,
              best_kernels().name);
  std::printf("exact scan %.0f q/s, %.1f GB/s\n", scan_rate,
              scan_rate * static_cast<double>(set.rows.size() * sizeof(float)) / 1e9);
  std::vector<engine> engines;
  engines.push_back({"ours", std::make_unique<ours>(set.block(metric::euclidean))});
  engines.push_back({"hnswlib", make_hnswlib()});
  engines.push_back({"faiss", make_faiss()});
  for (engine& e : engines) {
    const double start = seconds_now();
    e.index->build(set.rows.data(), set.row_count(), set.dimension, m, ef_construction);
    const double took = seconds_now() - start;
    std::printf("build %-8s %6.1f s  %7.0f rows/s\n", e.name, took, static_cast<double>(shape.rows) / took);
  }
  std::printf("%5s", "ef");
  for (const engine& e : engines) std::printf("  %8s recall      q/s", e.name);
  std::printf("  ours/hnswlib\n");
  for (const std::size_t ef : {16, 32, 48, 64, 96, 128, 200, 300, 500, 1000}) {
    for (engine& e : engines) {
      e.index->set_ef(ef);
      e.rates.clear();
    }
    for (int r = 0; r < rounds; ++r)
      for (engine& e : engines) round_of(e, set, truth);
    std::printf("%5zu", ef);
    for (const engine& e : engines) std::printf("  %8s  %.4f %8.0f", "", e.found, median(e.rates));
    std::printf("  %.2f\n", median(engines[0].rates) / median(engines[1].rates));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace waggle::bench

int main(int argc, char** argv) {
  waggle::bench::clustered_shape shape;
  if (argc > 1) shape.rows = std::strtoul(argv[1], nullptr, 10);
  if (argc > 2) shape.dimension = std::strtoul(argv[2], nullptr, 10);
  if (argc > 3) shape.spread = std::strtof(argv[3], nullptr);
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  if (shape.rows == 0 || shape.dimension == 0 || rounds < 1) {
    std::fprintf(stderr, "usage: bench-search-core [rows] [dimension] [spread] [rounds]\n");
    return 2;
  }
  return waggle::bench::run(shape, rounds);
}
