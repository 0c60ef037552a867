#pragma once
// The metrics of one node (contract metrics.md). A registry owns families; a family hands out cells by label values,
// once, at start-up or when a tenant appears; the hot path then adds to an atomic through the handle: no lock, no
// look-up. Owned by the node. `registry` and family look-ups may be called from any thread (they lock); cells are
// lock-free. Handles stay valid as long as the registry. The door to prometheus-cpp-core is exposition.cpp.
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace waggle {

/// Grows only.
class counter_cell {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class gauge_cell {
 public:
  void set(double v) { value_.store(v, std::memory_order_relaxed); }
  void add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Counts per bucket. `bounds` are upper bounds, ascending; +Inf is implied.
class histogram_cell {
 public:
  explicit histogram_cell(std::span<const double> bounds);
  void observe(double v);
  struct snapshot {
    std::vector<std::uint64_t> cumulative;  ///< one per bound, then +Inf
    double sum = 0;
  };
  /// `cumulative.back()` is the count. Taken while others observe, the sum may miss a value that a bucket holds.
  snapshot read() const;
  std::span<const double> bounds() const { return bounds_; }

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

enum class metric_kind : std::uint8_t { counter, gauge, histogram, summary };

/// A summary at one moment.
struct summary_values {
  std::uint64_t count = 0;
  double sum = 0;
  std::vector<std::pair<double, double>> quantiles;  ///< (0.99, value)
};

/// One name with its label names. Label values must come from closed sets; see contract metrics.md §4.
class metric_family {
 public:
  using label_values = std::vector<std::string>;
  metric_family(metric_kind kind, std::string name, std::string help, std::vector<std::string> labels,
                std::vector<double> bounds, std::size_t series_max);
  metric_family(const metric_family&) = delete;
  metric_family& operator=(const metric_family&) = delete;

  /// The cell of these label values, made on first use. `values` has one entry per label name. When the family is full
  /// (series_max), the cell with every label "_other" is returned, so a mistake can't exhaust memory.
  counter_cell& counter(std::initializer_list<std::string_view> values);
  gauge_cell& gauge(std::initializer_list<std::string_view> values);
  histogram_cell& histogram(std::initializer_list<std::string_view> values);

  metric_kind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  const std::vector<std::string>& labels() const { return labels_; }

  struct series {
    label_values values;
    std::unique_ptr<counter_cell> as_counter;
    std::unique_ptr<gauge_cell> as_gauge;
    std::unique_ptr<histogram_cell> as_histogram;
    /// Read at scrape time instead of a cell, when set.
    std::function<double()> sample;
    std::function<summary_values()> summary;
  };
  /// A gauge or counter whose value is asked for at each scrape. `sample` runs on the scraping thread under the locks
  /// of the registry and the family: it must be quick and must not use either.
  void sampled(std::initializer_list<std::string_view> values, std::function<double()> sample);
  /// A gauge or counter whose series are asked for at each scrape, under the same terms. Past `series_max` their values
  /// are summed under "_other".
  using listed = std::vector<std::pair<label_values, double>>;
  void sampled_list(std::function<listed()> list);
  /// A summary, under the same terms. It has no cells.
  void sampled_summary(std::function<summary_values()> read);
  /// Calls `visit` for each series in order of label values. Holds the family's lock.
  void each(const std::function<void(const series&)>& visit) const;

 private:
  series& find_or_add(std::initializer_list<std::string_view> values);
  const metric_kind kind_;
  const std::string name_, help_;
  const std::vector<std::string> labels_;
  const std::vector<double> bounds_;
  const std::size_t series_max_;
  mutable std::mutex mutex_;
  std::map<label_values, series> series_;
  std::function<listed()> list_;
};

enum class exposition : std::uint8_t { prometheus_text, open_metrics };
/// OpenMetrics only when `accept` names it with a higher or equal weight, else Prometheus text 0.0.4.
exposition choose_exposition(std::string_view accept);
/// The Content-Type of the answer.
std::string_view content_type(exposition format);

class metric_registry {
 public:
  static constexpr std::size_t series_max_default = 2000;
  /// Adds the family, or returns the one of that name. A name is registered with one kind and one set of labels;
  /// anything else is a programming error (assert). Names and labels must match the Prometheus grammar (assert).
  metric_family& family(metric_kind kind, std::string_view name, std::string_view help,
                        std::vector<std::string> labels = {}, std::vector<double> bounds = {},
                        std::size_t series_max = series_max_default);
  /// Short forms for families without labels.
  counter_cell& counter(std::string_view name, std::string_view help);
  gauge_cell& gauge(std::string_view name, std::string_view help);
  histogram_cell& histogram(std::string_view name, std::string_view help, std::vector<double> bounds);
  /// Families whose names begin with `prefix` are exposed a second time, without its first `dropped` bytes.
  void also_without(std::string prefix, std::size_t dropped);
  /// Runs before the families of each scrape, one scrape after the other, under the lock of the registry: for what several
  /// `sampled` functions read and is worth asking for once.
  void before_each(std::function<void()> prepare);
  /// Everything, families by name. Never walks anything but its own memory and the `sampled` functions.
  std::string expose(exposition format) const;
  /// Families by name.
  void each(const std::function<void(const metric_family&)>& visit) const;
  /// The second name of a family; "" for one that has none.
  std::string second_name(const std::string& name) const;

 private:
  mutable std::mutex mutex_;
  std::string shortened_prefix_;
  std::size_t shortened_by_ = 0;
  std::vector<std::function<void()>> prepare_;
  std::map<std::string, std::unique_ptr<metric_family>, std::less<>> families_;
};

/// Registers the standard `process_*` set (CPU, memory, file descriptors, start time), read from the kernel at scrape
/// time.
void register_process_metrics(metric_registry& registry);

}  // namespace waggle
