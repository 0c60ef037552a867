#include "net/tenants/tenant_keeper.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <thread>

#include "actors/runtime/ask.hpp"
#include "actors/runtime/jobs.hpp"
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {
constexpr std::chrono::milliseconds beat_every{1000};
constexpr int changes_max = 5;  ///< of one record at the same time

result<void> unless_leaving(const tenant_standing& standing) {
  return standing.state == tenant_state::deleting ? failure(ec::tenant_not_found) : result<void>();
}

/// What was removed, in a form that anybody can check against the audit log, which has the same line.
std::string receipt_of(const tenant_id& tenant, const tenant_standing& s, std::string_view node_id) {
  std::string text;
  json_writer(text).begin_object().member("tenant_id", to_string(tenant)).member("deleted_at", format_rfc3339(s.since_ms))
      .member("generation", s.deletions).member("collections_deleted", s.erased.collections)
      .member("vectors_deleted", s.erased.vectors).member("bytes_freed", s.erased.bytes).member("node_id", node_id)
      .end_object();
  return "sha256:" + sha256_hex(text);
}

/// Where each tenant has one of its own. Requests that read it end within their time.
result<void> drop_database(kv_store& kv, const tenant_id& tenant, log_index erased_at) {
  constexpr auto pause = std::chrono::milliseconds(100);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(limits::ask_deadline_ms_max);
  auto dropped = kv.drop_tenant(tenant, erased_at);
  while (!dropped && dropped.error().code == ec::not_ready && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(pause);
    dropped = kv.drop_tenant(tenant, erased_at);
  }
  return dropped;
}

result<void> remove_directory(const std::filesystem::path& directory) {
  std::error_code failed;
  std::filesystem::remove_all(directory, failed);
  if (!failed) return {};
  failure f(ec::io_error);
  f.log_text = directory.string() + " can't be removed: " + failed.message();
  return f;
}
}  // namespace

template <class Message>
tenant_keeper::reply<bool> tenant_keeper::tell_directory(Message message) {
  co_return co_await ask<bool>(with_.node.rt, with_.directory, std::move(message), limits::ask_deadline_ms_max);
}

// ---- standings --------------------------------------------------------------------------------------------------------

tenant_keeper::reply<tenant_standing> tenant_keeper::change(tenant_id tenant,
                                                            std::function<result<void>(tenant_standing&)> edit) {
  if (tenant.is_nil()) co_return failure(ec::tenant_not_found);
  for (int attempt = 0; attempt < changes_max; ++attempt) {
    auto [standing, version] = with_.standings.find(tenant);
    if (auto may = edit(standing); !may) co_return may.error();
    put_record_op put{std::string(standings_space), to_string(tenant), encode_standing(standing), version};
    std::vector<operation> changes{std::move(put)};
    const auto written = co_await with_.records.write(std::move(changes), false);
    if (written) co_return standing;
    if (written.error().code != ec::conflict) co_return written.error();
  }
  co_return failure(ec::conflict);
}

tenant_keeper::reply<void> tenant_keeper::suspend(tenant_id tenant) {
  auto edit = [now = with_.node.time.unix_ms()](tenant_standing& s) -> result<void> {
    if (auto may = unless_leaving(s); !may) return may;
    if (s.state != tenant_state::suspended) s.since_ms = now;
    s.state = tenant_state::suspended;
    return {};
  };
  const auto changed = co_await change(tenant, std::move(edit));
  if (!changed) co_return changed.error();
  co_return result<void>();
}

tenant_keeper::reply<void> tenant_keeper::resume(tenant_id tenant) {
  // Nothing to resume is no change: HiveHub says it of tenants that were never suspended here.
  const auto known = with_.standings.find(tenant).standing;
  if (known.state != tenant_state::suspended && known.delete_at_ms == 0) co_return unless_leaving(known);
  auto edit = [now = with_.node.time.unix_ms()](tenant_standing& s) -> result<void> {
    if (auto may = unless_leaving(s); !may) return may;
    s.state = tenant_state::active;
    s.since_ms = now;
    s.delete_at_ms = 0;
    return {};
  };
  const auto changed = co_await change(tenant, std::move(edit));
  if (!changed) co_return changed.error();
  co_return result<void>();
}

tenant_keeper::reply<void> tenant_keeper::limit(tenant_id tenant, std::optional<limits_override> limits) {
  auto edit = [limits](tenant_standing& s) -> result<void> {
    if (auto may = unless_leaving(s); !may) return may;
    s.limits = limits;
    return {};
  };
  const auto changed = co_await change(tenant, std::move(edit));
  if (!changed) co_return changed.error();
  co_return result<void>();
}

// ---- sleep ------------------------------------------------------------------------------------------------------------

tenant_keeper::reply<bool> tenant_keeper::hibernate(tenant_id tenant) {
  hibernate_tenant message{tenant};
  co_return co_await tell_directory(std::move(message));
}

tenant_keeper::reply<void> tenant_keeper::wake(tenant_id tenant) {
  wake_tenant message{tenant};
  const auto awake = co_await tell_directory(std::move(message));
  if (!awake) co_return awake.error();
  co_return result<void>();
}

tenant_keeper::reply<std::vector<bool>> tenant_keeper::awake(std::vector<tenant_id> tenants) {
  which_are_awake message{std::make_shared<const std::vector<tenant_id>>(std::move(tenants))};
  co_return co_await ask<std::vector<bool>>(with_.node.rt, with_.directory, std::move(message), limits::ask_deadline_ms_max);
}

// ---- erasure ----------------------------------------------------------------------------------------------------------

tenant_keeper::reply<tenant_standing> tenant_keeper::erase(tenant_id tenant, int deadline_ms) {
  if (tenant.is_nil()) co_return failure(ec::tenant_not_found);
  const auto standing = with_.standings.find(tenant);
  if (standing.version == 0) {
    const auto account = co_await with_.roll.account(tenant);
    if (!account) co_return account.error();
    if (!*account) co_return failure(ec::tenant_not_found);
  }
  auto waiting = std::make_shared<answers<tenant_standing>>(1);
  begin_erasure(tenant, waiting);
  co_await completion::wait(waiting, std::max(1, deadline_ms));
  co_return waiting->take_one(ec::deadline_exceeded);
}

tenant_keeper::reply<void> tenant_keeper::erase_at(tenant_id tenant, std::int64_t unix_ms) {
  auto edit = [unix_ms, now = with_.node.time.unix_ms()](tenant_standing& s) -> result<void> {
    if (s.state == tenant_state::deleting) return {};
    if (s.state != tenant_state::suspended) s.since_ms = now;
    s.state = tenant_state::suspended;
    s.delete_at_ms = unix_ms;
    return {};
  };
  const auto changed = co_await change(tenant, std::move(edit));
  if (!changed) co_return changed.error();
  if (unix_ms <= with_.node.time.unix_ms()) begin_erasure(tenant, nullptr);
  co_return result<void>();
}

void tenant_keeper::begin_erasure(const tenant_id& tenant, done waiting) {
  {
    const std::lock_guard guard(lock_);
    const auto [running, first] = running_.try_emplace(tenant);
    if (waiting) running->second.push_back(std::move(waiting));
    if (!first) return;
  }
  boost::asio::co_spawn(with_.node.rt.context(0), run_erasure(tenant), boost::asio::detached);
}

boost::asio::awaitable<void> tenant_keeper::run_erasure(tenant_id tenant) {
  const auto outcome = co_await carry_out(tenant);
  if (!outcome)
    log_event(log_level::error, "tenants", "a tenant's erasure did not finish; it goes on when it is asked for again, or at a start",
              {{"tenant", to_string(tenant)}, {"why", outcome.error().log_text + outcome.error().message}});
  std::vector<done> waiting;
  {
    const std::lock_guard guard(lock_);
    waiting = std::move(running_.extract(tenant).mapped());
  }
  for (auto& w : waiting) w->put(0, outcome);
}

tenant_keeper::reply<tenant_standing> tenant_keeper::carry_out(tenant_id tenant) {
  auto fence = [now = with_.node.time.unix_ms()](tenant_standing& s) -> result<void> {
    if (s.state == tenant_state::deleting) return {};
    s.state = tenant_state::deleting;
    s.since_ms = now;
    s.delete_at_ms = 0;
    s.limits.reset();
    s.erased = {};
    return {};
  };
  auto standing = co_await change(tenant, std::move(fence));
  if (!standing) co_return standing.error();
  bar_tenant bar{tenant};
  if (const auto barred = co_await tell_directory(std::move(bar)); !barred) co_return barred.error();
  co_await with_.reads.flush(tenant);

  const auto account = co_await with_.roll.account(tenant);
  if (!account) co_return account.error();
  if (*account && (*account)->now.collections > 0) {
    // On record before it happens: a second attempt finds nothing to count.
    auto note = [&now = (*account)->now](tenant_standing& s) -> result<void> {
      s.erased = {now.collections, now.points, now.bytes};
      return {};
    };
    if (standing = co_await change(tenant, std::move(note)); !standing) co_return standing.error();
  }
  std::vector<operation> all{erase_tenant_op{}};
  const request_id once;
  const auto erased = co_await with_.book.enter(tenant, std::move(all), once);
  if (!erased) co_return erased.error();
  end_tenant end{tenant};
  if (const auto ended = co_await tell_directory(std::move(end)); !ended) co_return ended.error();
  if (const auto removed = co_await remove_from_disk(tenant, erased->index); !removed) co_return removed.error();

  auto finish = [this, tenant, now = with_.node.time.unix_ms()](tenant_standing& s) -> result<void> {
    s.state = tenant_state::deleted;
    s.since_ms = now;
    ++s.deletions;
    s.receipt = receipt_of(tenant, s, with_.node_id);
    return {};
  };
  standing = co_await change(tenant, std::move(finish));
  if (!standing) co_return standing.error();
  admit_tenant admit{tenant};
  if (const auto admitted = co_await tell_directory(std::move(admit)); !admitted) co_return admitted.error();
  log_event(log_level::warn, "tenants", "a tenant was erased",
            {{"tenant", to_string(tenant)}, {"collections", standing->erased.collections},
             {"vectors", standing->erased.vectors}, {"receipt", standing->receipt}});
  tell_(tenant, *standing);
  co_return standing;
}

tenant_keeper::reply<void> tenant_keeper::remove_from_disk(tenant_id tenant, log_index erased_at) {
  forget_log message;
  auto forgotten = co_await ask<bool>(with_.node.rt, with_.group, std::move(message), limits::ask_deadline_ms_max);
  if (!forgotten) co_return forgotten.error();
  auto work = [&node = with_.node, tenant, erased_at]() -> result<void> {
    if (auto dropped = drop_database(node.kv, tenant, erased_at); !dropped) return dropped;
    const auto [begin, end] = tenant_keyspace::of_verified_owner(tenant).owner_range();
    if (auto purged = node.kv.purge(begin, end); !purged) return purged;
    return remove_directory(node.data_dir / to_string(tenant));
  };
  co_return co_await run_on(with_.node.rt, pool_kind::long_work, std::move(work));
}

// ---- the node's start and beat ----------------------------------------------------------------------------------------

result<void> tenant_keeper::open() {
  const auto list = with_.records.read(standings_space);
  if (!list) return list.error();
  with_.standings.take(*list);
  for (const auto& tenant : with_.standings.select([](const auto& s) { return s.state == tenant_state::deleting; })) {
    std::promise<result<bool>> barred;
    auto bar = [&]() -> boost::asio::awaitable<void> {
      bar_tenant message{tenant};
      barred.set_value(co_await tell_directory(std::move(message)));
    };
    boost::asio::co_spawn(with_.node.rt.context(0), bar, boost::asio::detached);
    if (const auto done = barred.get_future().get(); !done) return done.error();
  }
  return {};
}

void tenant_keeper::start() {
  for (const auto& tenant : with_.standings.select([](const auto& s) { return s.state == tenant_state::deleting; }))
    begin_erasure(tenant, nullptr);
  boost::asio::co_spawn(with_.node.rt.context(0), beat(), boost::asio::detached);
}

boost::asio::awaitable<void> tenant_keeper::beat() {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  while (!stopping_) {
    timer.expires_after(beat_every);
    co_await timer.async_wait(boost::asio::use_awaitable);
    const auto now = with_.node.time.unix_ms();
    const auto due = with_.standings.select([now](const auto& s) { return s.delete_at_ms > 0 && s.delete_at_ms <= now; });
    for (const auto& tenant : due) begin_erasure(tenant, nullptr);
  }
}

}  // namespace waggle
