// Our walk against hnswlib and faiss: same data, same M and efConstruction, squared L2, one thread, in process.
//   bench-search-core --help
// Rounds are interleaved (each engine in turn at each ef) and the median is shown, so that a slow minute of the machine
// hits all alike. `--export` leaves the data, the queries, the truth and the figures behind, for the bench of a whole node.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
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
  std::string name;
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

struct options {
  clustered_shape shape;
  int rounds = 5;
  std::vector<std::string> engines = {"ours", "hnswlib", "faiss"};
  std::vector<std::size_t> efs = {16, 32, 48, 64, 96, 128, 200, 300, 500, 1000};
  std::string export_to;  ///< directory; "" = none
};

/// `.fvecs` / `.ivecs`: each row is an int32 length and its values.
template <class T>
void write_vecs(const std::string& path, const T* values, std::size_t rows, std::size_t dimension) {
  std::ofstream out(path, std::ios::binary);
  const auto length = static_cast<std::int32_t>(dimension);
  for (std::size_t i = 0; i < rows; ++i) {
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out.write(reinterpret_cast<const char*>(values + i * dimension), static_cast<std::streamsize>(dimension * sizeof(T)));
  }
}

void export_data(const options& o, const dataset& set, const answers& truth) {
  write_vecs(o.export_to + "/base.fvecs", set.rows.data(), set.row_count(), set.dimension);
  write_vecs(o.export_to + "/query.fvecs", set.queries.data(), set.query_count(), set.dimension);
  std::vector<std::uint32_t> flat;
  for (const auto& rows : truth) flat.insert(flat.end(), rows.begin(), rows.end());
  write_vecs(o.export_to + "/truth.ivecs", flat.data(), truth.size(), flat.size() / truth.size());
}

std::unique_ptr<yardstick> make_engine(const std::string& name, const dataset& set) {
  if (name == "hnswlib") return make_hnswlib();
  if (name == "faiss") return make_faiss();
  return std::make_unique<ours>(set.block(metric::euclidean));
}

int run(const options& o) {
  const clustered_shape& shape = o.shape;
  const dataset set = make_clustered(shape);
  const double scan_start = seconds_now();
  const answers truth = exact_answers(set, metric::euclidean, k);
  const double scan_rate = static_cast<double>(shape.queries) / (seconds_now() - scan_start);
  std::printf("%zu x %zu, %zu clusters, spread %.2f, %zu queries, k %zu, M %zu, efConstruction %zu, kernels %s\n",
              shape.rows, shape.dimension, shape.clusters, double(shape.spread), shape.queries, k, m, ef_construction,
              best_kernels().name);
  std::printf("exact scan %.0f q/s, %.1f GB/s\n", scan_rate,
              scan_rate * static_cast<double>(set.rows.size() * sizeof(float)) / 1e9);
  if (!o.export_to.empty()) export_data(o, set, truth);
  std::vector<engine> engines;
  for (const auto& name : o.engines) {
    engines.push_back({name, make_engine(name, set)});
    const double start = seconds_now();
    engines.back().index->build(set.rows.data(), set.row_count(), set.dimension, m, ef_construction);
    const double took = seconds_now() - start;
    std::printf("build %-8s %6.1f s  %7.0f rows/s\n", name.c_str(), took, static_cast<double>(shape.rows) / took);
  }
  std::printf("%5s", "ef");
  for (const engine& e : engines) std::printf("  %8s recall      q/s", e.name.c_str());
  std::printf("\n");
  std::ofstream figures;
  if (!o.export_to.empty()) figures.open(o.export_to + "/figures.txt");
  for (const std::size_t ef : o.efs) {
    for (engine& e : engines) {
      e.index->set_ef(ef);
      e.rates.clear();
    }
    for (int r = 0; r < o.rounds; ++r)
      for (engine& e : engines) round_of(e, set, truth);
    std::printf("%5zu", ef);
    for (const engine& e : engines) {
      std::printf("  %8s  %.4f %8.0f", "", e.found, median(e.rates));
      figures << e.name << ' ' << ef << ' ' << e.found << ' ' << median(e.rates) << '\n';
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace waggle::bench

int main(int argc, char** argv) {
  waggle::bench::options o;
  CLI::App app("Vector search in process: ours, hnswlib and faiss on the same data");
  app.add_option("--rows", o.shape.rows)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--dimension", o.shape.dimension)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--spread", o.shape.spread, "radius of a cluster as a share of the whole")->capture_default_str();
  app.add_option("--rounds", o.rounds)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--engines", o.engines)->delimiter(',')->check(CLI::IsMember({"ours", "hnswlib", "faiss"}));
  app.add_option("--ef", o.efs)->delimiter(',');
  app.add_option("--export", o.export_to, "directory for base.fvecs, query.fvecs, truth.ivecs, figures.txt")
      ->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  return waggle::bench::run(o);
}
