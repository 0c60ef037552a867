#include "net/metrics/metrics.hpp"

#include <algorithm>
#include <cassert>

namespace waggle {
namespace {
bool valid_name(std::string_view name, bool colon) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colon && c == ':');
  });
}
}  // namespace

histogram_cell::histogram_cell(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), buckets_(new std::atomic<std::uint64_t>[bounds.size() + 1]) {
  assert(std::is_sorted(bounds_.begin(), bounds_.end()));
  for (std::size_t i = 0; i <= bounds_.size(); ++i) buckets_[i].store(0, std::memory_order_relaxed);
}

void histogram_cell::observe(double v) {
  const auto at = static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin());
  buckets_[at].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

histogram_cell::snapshot histogram_cell::read() const {
  snapshot s;
  s.cumulative.reserve(bounds_.size() + 1);
  s.sum = sum_.load(std::memory_order_relaxed);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    total += buckets_[i].load(std::memory_order_relaxed);
    s.cumulative.push_back(total);
  }
  return s;
}

metric_family::metric_family(metric_kind kind, std::string name, std::string help, std::vector<std::string> labels,
                             std::vector<double> bounds, std::size_t series_max)
    : kind_(kind),
      name_(std::move(name)),
      help_(std::move(help)),
      labels_(std::move(labels)),
      bounds_(std::move(bounds)),
      series_max_(series_max) {
  assert(valid_name(name_, true));
  for ([[maybe_unused]] const auto& label : labels_) assert(valid_name(label, false));
}

metric_family::series& metric_family::find_or_add(std::initializer_list<std::string_view> values) {
  assert(values.size() == labels_.size());
  const std::lock_guard lock(mutex_);
  label_values wanted(values.begin(), values.end());
  if (auto it = series_.find(wanted); it != series_.end()) return it->second;
  if (series_.size() >= series_max_ && !labels_.empty()) {
    wanted.assign(labels_.size(), "_other");
    if (auto it = series_.find(wanted); it != series_.end()) return it->second;
  }
  series made;
  made.values = wanted;
  switch (kind_) {
    case metric_kind::counter: made.as_counter = std::make_unique<counter_cell>(); break;
    case metric_kind::gauge: made.as_gauge = std::make_unique<gauge_cell>(); break;
    case metric_kind::summary: break;
    case metric_kind::histogram: made.as_histogram = std::make_unique<histogram_cell>(bounds_); break;
  }
  return series_.emplace(std::move(wanted), std::move(made)).first->second;
}

counter_cell& metric_family::counter(std::initializer_list<std::string_view> values) {
  assert(kind_ == metric_kind::counter);
  return *find_or_add(values).as_counter;
}
gauge_cell& metric_family::gauge(std::initializer_list<std::string_view> values) {
  assert(kind_ == metric_kind::gauge);
  return *find_or_add(values).as_gauge;
}
histogram_cell& metric_family::histogram(std::initializer_list<std::string_view> values) {
  assert(kind_ == metric_kind::histogram);
  return *find_or_add(values).as_histogram;
}

void metric_family::sampled(std::initializer_list<std::string_view> values, std::function<double()> sample) {
  assert(kind_ == metric_kind::counter || kind_ == metric_kind::gauge);
  auto& found = find_or_add(values);
  const std::lock_guard lock(mutex_);
  found.sample = std::move(sample);
}

void metric_family::sampled_list(std::function<listed()> list) {
  assert(kind_ == metric_kind::counter || kind_ == metric_kind::gauge);
  const std::lock_guard lock(mutex_);
  list_ = std::move(list);
}

void metric_family::sampled_summary(std::function<summary_values()> read) {
  assert(kind_ == metric_kind::summary);
  auto& found = find_or_add({});
  const std::lock_guard lock(mutex_);
  found.summary = std::move(read);
}

void metric_family::each(const std::function<void(const series&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [values, s] : series_) visit(s);
  if (!list_) return;
  std::map<label_values, double> shown;
  for (auto& [values, value] : list_()) {
    const bool fits = shown.size() < series_max_ || shown.contains(values);
    shown[fits ? values : label_values(labels_.size(), "_other")] += value;
  }
  for (const auto& [values, value] : shown) {
    series one;
    one.values = values;
    one.sample = [value = value] { return value; };
    visit(one);
  }
}

metric_family& metric_registry::family(metric_kind kind, std::string_view name, std::string_view help,
                                       std::vector<std::string> labels, std::vector<double> bounds,
                                       std::size_t series_max) {
  const std::lock_guard lock(mutex_);
  auto it = families_.find(name);
  if (it == families_.end()) {
    auto made = std::make_unique<metric_family>(kind, std::string(name), std::string(help), std::move(labels),
                                                std::move(bounds), series_max);
    it = families_.emplace(std::string(name), std::move(made)).first;
  } else {
    assert(it->second->kind() == kind && it->second->labels() == labels);
  }
  return *it->second;
}

counter_cell& metric_registry::counter(std::string_view name, std::string_view help) {
  return family(metric_kind::counter, name, help).counter({});
}
gauge_cell& metric_registry::gauge(std::string_view name, std::string_view help) {
  return family(metric_kind::gauge, name, help).gauge({});
}
histogram_cell& metric_registry::histogram(std::string_view name, std::string_view help, std::vector<double> bounds) {
  return family(metric_kind::histogram, name, help, {}, std::move(bounds)).histogram({});
}

void metric_registry::also_without(std::string prefix, std::size_t dropped) {
  const std::lock_guard lock(mutex_);
  shortened_prefix_ = std::move(prefix);
  shortened_by_ = dropped;
}

std::string metric_registry::second_name(const std::string& name) const {
  const bool has = shortened_by_ > 0 && name.starts_with(shortened_prefix_);
  return has ? name.substr(shortened_by_) : std::string();
}

void metric_registry::before_each(std::function<void()> prepare) {
  const std::lock_guard lock(mutex_);
  prepare_.push_back(std::move(prepare));
}

void metric_registry::each(const std::function<void(const metric_family&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& prepare : prepare_) prepare();
  for (const auto& [name, f] : families_) visit(*f);
}

}  // namespace waggle
