#include "tools/waggled/reload.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace waggle {
namespace {

void refused(const std::string& why) {
  log_event(log_level::error, "config", "not reloaded; the running values stay", {{"why", why}});
}

log_level level_of(const config& c) {
  log_level level = log_level::info;
  parse_log_level(c.text("logging.level"), level);
  return level;
}

}  // namespace

void reload_config(node& n, config& running, const config_sources& sources) {
  const auto fresh = config::load(sources);
  if (!fresh) {
    for (const auto& p : fresh.error().list) refused(to_string(p));
    return;
  }
  auto next = running;
  next.take_reloadable(*fresh);
  if (const auto done = n.reload(next.settings()); !done) return refused(done.error().message);
  const auto changed = compare(running, *fresh);
  // A change of the level is logged under the more talkative of the two.
  log_set_level(std::min(level_of(running), level_of(next)));
  running = std::move(next);
  for (const auto& w : fresh->warnings()) log_event(log_level::warn, "config", to_string(w));
  for (const auto& key : changed.restart_required)
    log_event(log_level::warn, "config", "restart required", {{"key", key}});
  for (const auto& key : changed.reloadable) log_event(log_level::info, "config", "changed", {{"key", key}});
  log_event(log_level::info, "config", "reloaded");
  log_set_level(level_of(running));
}

}  // namespace waggle
