#pragma once
// Structured logging, text or JSON, one line per event. The door to spdlog. Owned by the process (`log_start` once in
// main); any thread may log. A call formats the line and queues it; when the queue is full the oldest line is dropped
// and counted, so a slow disk or terminal never blocks a request.
//
// Values are escaped: no input can start a new line or forge a field. A field whose name says it is a secret (api_key,
// password, token, authorization, …) is written as "***" whatever its value.
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace waggle {

enum class log_level : std::uint8_t { trace, debug, info, warn, error, off };
enum class log_format : std::uint8_t { text, json };

/// "info" …; false when unknown.
bool parse_log_level(std::string_view text, log_level& out);
std::string_view to_string(log_level level);

/// One named value. The view must live until `log_event` returns.
class log_field {
 public:
  log_field(std::string_view name, std::string_view value) : name_(name), text_(value), kind_(kind::text) {}
  log_field(std::string_view name, const char* value) : log_field(name, std::string_view(value)) {}
  log_field(std::string_view name, const std::string& value) : log_field(name, std::string_view(value)) {}
  template <class N>
  requires std::is_arithmetic_v<N> log_field(std::string_view name, N value) : name_(name) {
    if constexpr (std::is_same_v<N, bool>) {
      kind_ = kind::boolean, unsigned_ = value;
    } else if constexpr (std::is_floating_point_v<N>) {
      kind_ = kind::real, real_ = value;
    } else if constexpr (std::is_signed_v<N>) {
      kind_ = kind::integer, integer_ = value;
    } else {
      kind_ = kind::natural, unsigned_ = value;
    }
  }
  std::string_view name() const { return name_; }
  /// Appends the value: as JSON when `json`, else bare when that is unambiguous, else quoted and escaped.
  void append_value(std::string& out, bool json) const;

 private:
  enum class kind : std::uint8_t { text, integer, natural, real, boolean };
  std::string_view name_;
  std::string_view text_;
  union {
    std::int64_t integer_;
    std::uint64_t unsigned_ = 0;
    double real_;
  };
  kind kind_ = kind::text;
};

struct log_options {
  log_level level = log_level::info;
  log_format format = log_format::text;
  std::size_t queue_lines_max = 8192;
  /// Where lines go instead of standard error (tests, `wagglectl`). Called on the log's own thread, without newline.
  std::function<void(std::string_view line)> sink;
};

/// Starts or restarts the log. Before the first call, and after `log_stop`, events are dropped.
void log_start(const log_options& options);
/// Writes what is queued, then stops.
void log_stop();
void log_set_level(log_level level);
bool log_enabled(log_level level);
/// Lines lost because the queue was full.
std::uint64_t log_lines_dropped();

/// `component` is the part that speaks ("http", "shard"); `message` a fixed sentence; what varies goes into fields.
void log_event(log_level level, std::string_view component, std::string_view message,
               std::initializer_list<log_field> fields = {});

/// The line `log_event` would write at `unix_ms`. Pure; for tests and tools.
std::string format_log_line(log_format format, std::int64_t unix_ms, log_level level, std::string_view component,
                            std::string_view message, std::initializer_list<log_field> fields);

}  // namespace waggle
