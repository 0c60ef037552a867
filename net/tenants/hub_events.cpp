#include "net/tenants/hub_events.hpp"

#include <charconv>

#include "base/log.hpp"

namespace waggle {
namespace {
constexpr std::int64_t remember_ms = 7LL * 24 * 3600 * 1000;

std::int64_t time_in(const std::string& text) {
  std::int64_t ms = 0;
  std::from_chars(text.data(), text.data() + text.size(), ms);
  return ms;
}
}  // namespace

void event_book::take(const std::vector<record_change>& changes) {
  const std::lock_guard guard(mutex_);
  for (const auto& change : changes) {
    if (change.space != hub_events_space) continue;
    if (const auto it = ids_.find(change.key); it != ids_.end()) {
      const auto [first, last] = by_time_.equal_range(it->second);
      for (auto at = first; at != last; ++at)
        if (at->second == change.key) {
          by_time_.erase(at);
          break;
        }
      ids_.erase(it);
    }
    if (!change.value) continue;
    const auto ms = time_in(*change.value);
    ids_.emplace(change.key, ms);
    by_time_.emplace(ms, change.key);
  }
}

bool event_book::knows(const std::string& id) const {
  const std::lock_guard guard(mutex_);
  return ids_.contains(id);
}

std::vector<std::string> event_book::older_than(std::int64_t unix_ms, std::size_t most) const {
  std::vector<std::string> list;
  const std::lock_guard guard(mutex_);
  for (auto it = by_time_.begin(); it != by_time_.end() && it->first < unix_ms && list.size() < most; ++it)
    list.push_back(it->second);
  return list;
}

result<void> hub_events::open() {
  const auto list = records_.read(hub_events_space);
  if (!list) return list.error();
  book_.take(*list);
  return {};
}

boost::asio::awaitable<result<hub_events::outcome>> hub_events::apply(std::vector<hub_event> events) {
  outcome out;
  const auto now = time_.unix_ms();
  std::vector<operation> records;
  std::vector<std::string> seen;
  for (const auto& event : events) {
    if (book_.knows(event.id) || std::find(seen.begin(), seen.end(), event.id) != seen.end()) {
      ++out.duplicates;
      continue;
    }
    if (const auto done = co_await apply_one(event); !done) {
      log_event(log_level::warn, "hub", "an event from HiveHub could not be applied",
                {{"id", event.id}, {"type", event.type}, {"why", done.error().message + done.error().log_text}});
      out.failed.push_back(event.id);
      continue;
    }
    ++out.accepted;
    seen.push_back(event.id);
    put_record_op put{std::string(hub_events_space), event.id, std::to_string(now), std::nullopt};
    records.emplace_back(std::move(put));
  }
  if (records.empty()) co_return out;
  // Each news makes old ones leave, so that they never pile up.
  for (auto& id : book_.older_than(now - remember_ms, 2 * records.size())) {
    erase_record_op erase{std::string(hub_events_space), std::move(id)};
    records.emplace_back(std::move(erase));
  }
  const auto written = co_await records_.write(std::move(records), false);
  if (!written) co_return written.error();
  co_return out;
}

boost::asio::awaitable<result<void>> hub_events::apply_one(const hub_event& event) {
  const auto& type = event.type;
  if (type.starts_with("key.")) {
    if (type != "key.revoked" && type != "key.rotated" && type != "key.created") co_return failure(ec::bad_request, "unknown type");
    if (event.key_id.empty() && event.key_sha256.empty()) co_return failure(ec::bad_request, "key_id or key_sha256 is missing");
    hub_.forget_key(event.key_id, event.key_sha256);
    co_return result<void>();
  }
  if (!event.tenant) co_return failure(ec::bad_request, "tenant_id is missing");
  const auto tenant = *event.tenant;
  if (type == "user.suspended") {
    hub_.learn_status(tenant, false);
  } else if (type == "user.resumed") {
    hub_.learn_status(tenant, true);
    co_return co_await tenants_.resume(tenant);
  } else if (type == "user.deleted") {
    hub_.learn_status(tenant, false);
    co_return co_await tenants_.erase_at(tenant, time_.unix_ms() + delete_grace_seconds_ * 1000);
  } else if (type == "quota.changed") {
    hub_.forget_quota(tenant);
  } else if (type == "ip_lists.changed") {
    hub_.forget_keys_of(tenant);
  } else {
    co_return failure(ec::bad_request, "unknown type");
  }
  co_return result<void>();
}

}  // namespace waggle
