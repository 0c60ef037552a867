#include <hnswlib/hnswlib.h>

#include "tools/bench/search_core/yardstick.hpp"

namespace waggle::bench {
namespace {

class hnswlib_yardstick final : public yardstick {
 public:
  void build(const float* rows, std::size_t count, std::size_t dimension, std::size_t m,
             std::size_t ef_construction) override {
    space_ = std::make_unique<hnswlib::L2Space>(dimension);
    index_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), count, m, ef_construction);
    for (std::size_t i = 0; i < count; ++i) index_->addPoint(rows + i * dimension, i);
  }
  void set_ef(std::size_t ef) override { index_->setEf(ef); }
  std::size_t search(const float* query, std::size_t k, std::uint32_t* out) override {
    auto found = index_->searchKnn(query, k);
    const std::size_t n = found.size();
    for (std::size_t i = 0; i < n; ++i, found.pop()) out[i] = static_cast<std::uint32_t>(found.top().second);
    return n;
  }

 private:
  std::unique_ptr<hnswlib::L2Space> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> index_;
};

}  // namespace

std::unique_ptr<yardstick> make_hnswlib() { return std::make_unique<hnswlib_yardstick>(); }

}  // namespace waggle::bench
