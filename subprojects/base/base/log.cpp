#include "base/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "base/clock.hpp"

namespace waggle {
namespace {
class callback_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit callback_sink(std::function<void(std::string_view)> to) : to_(std::move(to)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    to_(std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}
  std::function<void(std::string_view)> to_;
};

/// Everything a running log needs. Replaced as a whole, so a logging thread keeps the one it saw alive.
struct engine {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  log_format format = log_format::text;
};

std::atomic<log_level> current_level{log_level::off};
std::atomic<std::uint64_t> dropped_before{0};
std::mutex engine_mutex;
std::shared_ptr<engine> current_engine;

std::shared_ptr<engine> get_engine() {
  const std::lock_guard lock(engine_mutex);
  return current_engine;
}

/// The last owner's destructor writes what is queued. (A flush request would push out a line when the queue is full.)
void retire(std::shared_ptr<engine> old) {
  if (old) dropped_before += old->pool->overrun_counter();
}
}  // namespace

void log_start(const log_options& options) {
  auto next = std::make_shared<engine>();
  next->pool = std::make_shared<spdlog::details::thread_pool>(options.queue_lines_max, 1);
  spdlog::sink_ptr sink;
  if (options.sink)
    sink = std::make_shared<callback_sink>(options.sink);
  else
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  next->logger =
      std::make_shared<spdlog::async_logger>("waggle", sink, next->pool, spdlog::async_overflow_policy::overrun_oldest);
  next->logger->set_pattern("%v");
  next->logger->set_level(spdlog::level::trace);
  next->logger->flush_on(spdlog::level::err);
  next->format = options.format;
  {
    const std::lock_guard lock(engine_mutex);
    current_engine.swap(next);
  }
  current_level = options.level;
  retire(std::move(next));
}

void log_stop() {
  current_level = log_level::off;
  std::shared_ptr<engine> old;
  {
    const std::lock_guard lock(engine_mutex);
    old.swap(current_engine);
  }
  retire(std::move(old));
}

void log_set_level(log_level level) {
  if (get_engine()) current_level = level;
}

bool log_enabled(log_level level) {
  return level >= current_level.load(std::memory_order_relaxed) && level != log_level::off;
}

std::uint64_t log_lines_dropped() {
  const auto e = get_engine();
  return dropped_before + (e ? e->pool->overrun_counter() : 0);
}

void log_event(log_level level, std::string_view component, std::string_view message,
               std::initializer_list<log_field> fields) {
  if (!log_enabled(level)) return;
  const auto e = get_engine();
  if (!e) return;
  try {
    const auto line = format_log_line(e->format, system_clock{}.unix_ms(), level, component, message, fields);
    e->logger->log(level >= log_level::error ? spdlog::level::err : spdlog::level::info,
                   spdlog::string_view_t(line.data(), line.size()));
  } catch (const std::exception&) {
    // Out of memory while logging: losing the line is the only safe answer.
    dropped_before.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace waggle
