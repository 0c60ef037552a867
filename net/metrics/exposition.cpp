// The registry as text. Prometheus 0.0.4 is written by prometheus-cpp (its door is here); OpenMetrics 1.0, which that
// release does not know, by hand from the same model.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "base/text_out.hpp"
#include "net/metrics/metrics.hpp"

namespace waggle {
namespace {
prometheus::ClientMetric to_prometheus(const metric_family& family, const metric_family::series& s) {
  prometheus::ClientMetric out;
  for (std::size_t i = 0; i < s.values.size(); ++i) {
    prometheus::ClientMetric::Label label;
    label.name = family.labels()[i];
    label.value = s.values[i];
    out.label.push_back(std::move(label));
  }
  switch (family.kind()) {
    case metric_kind::counter:
      out.counter.value = s.sample ? s.sample() : static_cast<double>(s.as_counter->value());
      break;
    case metric_kind::gauge: out.gauge.value = s.sample ? s.sample() : s.as_gauge->value(); break;
    case metric_kind::summary: {
      const auto values = s.summary();
      out.summary.sample_count = values.count;
      out.summary.sample_sum = values.sum;
      for (const auto& [quantile, value] : values.quantiles) {
        prometheus::ClientMetric::Quantile q;
        q.quantile = quantile;
        q.value = value;
        out.summary.quantile.push_back(q);
      }
      break;
    }
    case metric_kind::histogram: {
      const auto snapshot = s.as_histogram->read();
      const auto bounds = s.as_histogram->bounds();
      out.histogram.sample_count = snapshot.cumulative.back();
      out.histogram.sample_sum = snapshot.sum;
      for (std::size_t i = 0; i < snapshot.cumulative.size(); ++i) {
        prometheus::ClientMetric::Bucket bucket;
        bucket.cumulative_count = snapshot.cumulative[i];
        bucket.upper_bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
        out.histogram.bucket.push_back(bucket);
      }
    }
  }
  return out;
}

prometheus::MetricType type_of(metric_kind kind) {
  switch (kind) {
    case metric_kind::counter: return prometheus::MetricType::Counter;
    case metric_kind::gauge: return prometheus::MetricType::Gauge;
    case metric_kind::summary: return prometheus::MetricType::Summary;
    case metric_kind::histogram: break;
  }
  return prometheus::MetricType::Histogram;
}

std::string_view name_of(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter: return "counter";
    case prometheus::MetricType::Gauge: return "gauge";
    case prometheus::MetricType::Summary: return "summary";
    default: return "histogram";
  }
}

std::vector<prometheus::MetricFamily> collect(const metric_registry& registry) {
  std::vector<prometheus::MetricFamily> all;
  registry.each([&](const metric_family& family) {
    prometheus::MetricFamily out;
    out.name = family.name();
    out.help = family.help();
    out.type = type_of(family.kind());
    family.each([&](const metric_family::series& s) { out.metric.push_back(to_prometheus(family, s)); });
    if (out.metric.empty()) return;
    all.push_back(std::move(out));
    if (auto other = registry.second_name(family.name()); !other.empty()) {
      all.push_back(all.back());
      all.back().name = std::move(other);
    }
  });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

/// Label values and help texts escape the same three characters in OpenMetrics.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '"')
      out += "\\\"";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

void append_value(std::string& out, double v) {
  if (v == std::numeric_limits<double>::infinity())
    out += "+Inf";
  else if (v == -std::numeric_limits<double>::infinity())
    out += "-Inf";
  else if (v != v)
    out += "NaN";
  else
    append_number(out, v);
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   const std::vector<prometheus::ClientMetric::Label>& labels, const double* bound, double value,
                   std::string_view bound_name = "le") {
  out.append(name).append(suffix);
  if (!labels.empty() || bound) {
    out += '{';
    bool first = true;
    for (const auto& label : labels) {
      if (!first) out += ',';
      first = false;
      out.append(label.name).append("=\"");
      append_escaped(out, label.value);
      out += '"';
    }
    if (bound) {
      out.append(first ? "" : ",").append(bound_name).append("=\"");
      append_value(out, *bound);
      out += '"';
    }
    out += '}';
  }
  out += ' ';
  append_value(out, value);
  out += '\n';
}

std::string open_metrics_text(const std::vector<prometheus::MetricFamily>& families) {
  std::string out;
  for (const auto& family : families) {
    std::string_view name = family.name;
    const bool counter = family.type == prometheus::MetricType::Counter;
    if (counter && name.ends_with("_total")) name.remove_suffix(6);
    out.append("# TYPE ").append(name).append(" ").append(name_of(family.type)).append("\n");
    out.append("# HELP ").append(name).append(" ");
    append_escaped(out, family.help);
    out += '\n';
    for (const auto& m : family.metric) {
      if (counter) {
        append_sample(out, name, "_total", m.label, nullptr, m.counter.value);
      } else if (family.type == prometheus::MetricType::Gauge) {
        append_sample(out, name, "", m.label, nullptr, m.gauge.value);
      } else if (family.type == prometheus::MetricType::Summary) {
        for (const auto& q : m.summary.quantile) append_sample(out, name, "", m.label, &q.quantile, q.value, "quantile");
        append_sample(out, name, "_count", m.label, nullptr, static_cast<double>(m.summary.sample_count));
        append_sample(out, name, "_sum", m.label, nullptr, m.summary.sample_sum);
      } else {
        for (const auto& b : m.histogram.bucket)
          append_sample(out, name, "_bucket", m.label, &b.upper_bound, static_cast<double>(b.cumulative_count));
        append_sample(out, name, "_count", m.label, nullptr, static_cast<double>(m.histogram.sample_count));
        append_sample(out, name, "_sum", m.label, nullptr, m.histogram.sample_sum);
      }
    }
  }
  out += "# EOF\n";
  return out;
}

/// The weight `accept` gives to `type`, or -1 when it is not named. Media ranges with wildcards don't count: a client
/// that accepts anything gets the older format.
double weight_of(std::string_view accept, std::string_view type) {
  while (!accept.empty()) {
    const auto end = std::min(accept.find(','), accept.size());
    auto item = accept.substr(0, end);
    accept.remove_prefix(std::min(end + 1, accept.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    if (!item.starts_with(type)) continue;
    if (item.size() > type.size() && item[type.size()] != ';' && item[type.size()] != ' ') continue;
    const auto q = item.find("q=");
    return q == std::string_view::npos ? 1.0 : std::strtod(std::string(item.substr(q + 2)).c_str(), nullptr);
  }
  return -1;
}
}  // namespace

exposition choose_exposition(std::string_view accept) {
  const double open = weight_of(accept, "application/openmetrics-text");
  return open > 0 && open >= weight_of(accept, "text/plain") ? exposition::open_metrics : exposition::prometheus_text;
}

std::string_view content_type(exposition format) {
  return format == exposition::open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                            : "text/plain; version=0.0.4; charset=utf-8";
}

std::string metric_registry::expose(exposition format) const {
  const auto families = collect(*this);
  if (format == exposition::open_metrics) return open_metrics_text(families);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace waggle
