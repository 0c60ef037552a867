#include <faiss/IndexHNSW.h>
#include <omp.h>

#include <vector>

#include "tools/bench/search_core/yardstick.hpp"

namespace waggle::bench {
namespace {

class faiss_yardstick final : public yardstick {
 public:
  void build(const float* rows, std::size_t count, std::size_t dimension, std::size_t m,
             std::size_t ef_construction) override {
    omp_set_num_threads(1);
    index_ = std::make_unique<faiss::IndexHNSWFlat>(static_cast<int>(dimension), static_cast<int>(m));
    index_->hnsw.efConstruction = static_cast<int>(ef_construction);
    index_->add(static_cast<faiss::Index::idx_t>(count), rows);
  }
  void set_ef(std::size_t ef) override { index_->hnsw.efSearch = static_cast<int>(ef); }
  std::size_t search(const float* query, std::size_t k, std::uint32_t* out) override {
    distances_.resize(k);
    labels_.resize(k);
    index_->search(1, query, static_cast<faiss::Index::idx_t>(k), distances_.data(), labels_.data());
    std::size_t n = 0;
    for (const auto label : labels_)
      if (label >= 0) out[n++] = static_cast<std::uint32_t>(label);
    return n;
  }

 private:
  std::unique_ptr<faiss::IndexHNSWFlat> index_;
  std::vector<float> distances_;
  std::vector<faiss::Index::idx_t> labels_;
};

}  // namespace

std::unique_ptr<yardstick> make_faiss() { return std::make_unique<faiss_yardstick>(); }

}  // namespace waggle::bench
