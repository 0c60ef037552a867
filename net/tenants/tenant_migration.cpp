#include "net/tenants/tenant_migration.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "actors/runtime/jobs.hpp"
#include "base/log.hpp"
#include "base/uuid.hpp"
#include "storage/apply/account.hpp"

namespace waggle {
namespace {
constexpr std::size_t collections_max = 20'000;

std::string shown(const failure& why) {
  return std::string(info(why.code).name) + ": " + (why.message.empty() ? why.log_text : why.message);
}

migration_phase done_of(migration_phase phase) {
  switch (phase) {
    case migration_phase::executing: return migration_phase::executed;
    case migration_phase::rolling_back: return migration_phase::rolled_back;
    case migration_phase::finishing: return migration_phase::finished;
    default: return phase;
  }
}

bool may_begin(migration_phase job, migration_phase now) {
  if (job == migration_phase::finishing) return now == migration_phase::executed;
  return now == migration_phase::planned || now == migration_phase::executed ||
         (job == migration_phase::rolling_back && now == migration_phase::executing);
}

/// Executing again is for what was refused.
bool is_done(migration_phase job, const migration_plan& plan) {
  if (plan.phase != done_of(job)) return false;
  return job != migration_phase::executing || std::all_of(plan.moves.begin(), plan.moves.end(), [](const collection_move& m) {
           return m.status == move_status::completed;
         });
}
}  // namespace

boost::asio::awaitable<tenant_migration::turn> tenant_migration::take_turn() {
  // A job that is over by its record lets go of its turn a moment later.
  constexpr int attempts = 20;
  boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
  for (int n = 0; busy_->exchange(true); ++n) {
    if (n == attempts) co_return nullptr;
    pause.expires_after(std::chrono::milliseconds(10));
    co_await pause.async_wait(boost::asio::use_awaitable);
  }
  co_return turn(busy_.get(), [busy = busy_](void*) { *busy = false; });
}

// ---- what is written down ---------------------------------------------------------------------------------------------

tenant_migration::reply<std::optional<tenant_migration::kept>> tenant_migration::load() {
  auto read = [this]() -> result<std::optional<kept>> {
    auto list = records_.read(migrations_space);
    if (!list) return list.error();
    std::optional<kept> found;
    std::vector<collection_move> moves;
    for (const auto& record : *list) {
      if (record.key == migration_plan_key) {
        auto plan = decode_plan(*record.value);
        if (!plan) return plan.error();
        found.emplace(kept{std::move(*plan), record.version});
      } else {
        auto move = decode_move(*record.value);
        if (!move) return move.error();
        moves.push_back(std::move(*move));
      }
    }
    std::sort(moves.begin(), moves.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    if (found) found->plan.moves = std::move(moves);
    return found;
  };
  co_return co_await run_blocking(node_.rt, std::move(read));
}

tenant_migration::reply<void> tenant_migration::write_down(collection_move move) {
  put_record_op put{std::string(migrations_space), move_key(move.source), encode_move(move), std::nullopt};
  std::vector<operation> changes{std::move(put)};
  co_return co_await records_.write(std::move(changes), false);
}

tenant_migration::reply<void> tenant_migration::write_down(const migration_plan& plan, std::uint64_t version) {
  put_record_op put{std::string(migrations_space), std::string(migration_plan_key), encode_plan(plan), version};
  std::vector<operation> changes{std::move(put)};
  co_return co_await records_.write(std::move(changes), false);
}

// ---- planning ---------------------------------------------------------------------------------------------------------

tenant_migration::reply<tenant_migration::overview> tenant_migration::scan() {
  auto read = [&kv = node_.kv] { return stored_collections(kv, tenant_id{}); };
  auto collections = co_await run_on(node_.rt, pool_kind::long_work, std::move(read));
  if (!collections) co_return collections.error();
  auto job = co_await load();
  if (!job) co_return job.error();
  overview all;
  all.collections = std::move(*collections);
  if (*job) all.plan = std::move((*job)->plan);
  co_return all;
}

tenant_migration::reply<std::vector<collection_move>> tenant_migration::moves_for(const wish& what) {
  auto there = co_await scan();
  if (!there) co_return there.error();
  if (there->collections.size() > collections_max)
    co_return failure(ec::payload_too_large, "More than 20000 collections don't fit into one plan");
  std::size_t named = 0;
  std::map<tenant_id, usage_mark> accounts;
  std::vector<collection_move> moves;
  for (const auto& source : there->collections) {
    auto& move = moves.emplace_back();
    move.source = source.record.id;
    move.name = source.record.config.name;
    move.points = source.points;
    move.snapshots = source.snapshots;
    const auto wanted = what.owners.find(move.name);
    named += wanted != what.owners.end();
    move.owner = wanted == what.owners.end() ? what.default_owner : wanted->second;
    auto look = [&kv = node_.kv, &move]() -> result<std::pair<bool, usage_mark>> {
      auto taken = find_stored(kv, move.owner, move.name);
      if (!taken) return taken.error();
      auto account = load_account(write_overlay(kv), move.owner);
      if (!account) return account.error();
      return std::pair(taken->has_value(), *account ? (*account)->now : usage_mark{});
    };
    const auto target = co_await run_blocking(node_.rt, std::move(look));
    if (!target) co_return target.error();
    auto& account = accounts.try_emplace(move.owner, target->second).first->second;
    const auto limits = co_await limits_.find(move.owner);
    const auto room = check_room(limits.quota, account, source.points, source.bytes);
    if (target->first || !room) {
      move.status = target->first ? move_status::skipped : move_status::failed;
      move.error = shown(target->first ? failure(ec::collection_already_exists) : room.error());
      continue;
    }
    ++account.collections;
    account.points += source.points;
    account.bytes += source.bytes;
  }
  if (named < what.owners.size()) co_return failure::validation("map", "names a collection that is not there to be migrated");
  co_return moves;
}

tenant_migration::reply<migration_plan> tenant_migration::plan(wish what) {
  const auto mine = co_await take_turn();
  if (!mine) co_return failure(ec::conflict, "A migration is at work");
  auto moves = co_await moves_for(what);
  if (!moves) co_return moves.error();
  migration_plan plan;
  plan.id = new_uuid_v4();
  plan.default_owner = what.default_owner;
  plan.created_ms = node_.time.unix_ms();
  plan.dry_run = what.dry_run;
  plan.moves = std::move(*moves);
  if (plan.dry_run) co_return plan;
  const auto last = co_await load();
  if (!last) co_return last.error();
  std::vector<operation> changes;
  if (*last) {
    const auto phase = (*last)->plan.phase;
    if (phase == migration_phase::executed || is_at_work(phase))
      co_return failure(ec::conflict, "The last plan, " + (*last)->plan.id + ", is neither finished nor rolled back");
    for (const auto& move : (*last)->plan.moves) {
      erase_record_op erase{std::string(migrations_space), move_key(move.source)};
      changes.emplace_back(std::move(erase));
    }
  }
  for (const auto& move : plan.moves) {
    put_record_op put{std::string(migrations_space), move_key(move.source), encode_move(move), std::nullopt};
    changes.emplace_back(std::move(put));
  }
  put_record_op put{std::string(migrations_space), std::string(migration_plan_key), encode_plan(plan),
                    *last ? (*last)->version : 0};
  changes.emplace_back(std::move(put));
  const auto written = co_await records_.write(std::move(changes), true);
  if (!written) co_return written.error();
  co_return plan;
}

tenant_migration::reply<migration_plan> tenant_migration::find(std::string id) {
  auto job = co_await load();
  if (!job) co_return job.error();
  if (!*job || (*job)->plan.id != id) co_return failure(ec::route_not_found, "There is no migration of that id");
  co_return std::move((*job)->plan);
}

// ---- the job ----------------------------------------------------------------------------------------------------------

tenant_migration::reply<migration_plan> tenant_migration::execute(std::string id, int deadline_ms) {
  return begin(std::move(id), migration_phase::executing, deadline_ms);
}
tenant_migration::reply<migration_plan> tenant_migration::rollback(std::string id, int deadline_ms) {
  return begin(std::move(id), migration_phase::rolling_back, deadline_ms);
}
tenant_migration::reply<migration_plan> tenant_migration::finish(std::string id, int deadline_ms) {
  return begin(std::move(id), migration_phase::finishing, deadline_ms);
}

tenant_migration::reply<migration_plan> tenant_migration::begin(std::string id, migration_phase phase, int deadline_ms) {
  auto mine = co_await take_turn();
  auto job = co_await load();
  if (!job) co_return job.error();
  if (!*job || (*job)->plan.id != id) co_return failure(ec::route_not_found, "There is no migration of that id");
  auto& plan = (*job)->plan;
  if (!mine && plan.phase != phase) co_return failure(ec::conflict, "A migration is at work");
  if (!mine) co_return std::move(plan);
  const bool again = plan.phase == phase;  // the last attempt could not write down that it was done
  if (is_done(phase, plan)) co_return std::move(plan);
  if (!again && !may_begin(phase, plan.phase))
    co_return failure(ec::conflict, "The migration is " + std::string(name_of(plan.phase)));
  plan.phase = phase;
  plan.started_ms = node_.time.unix_ms();
  plan.completed_ms = 0;
  if (const auto written = co_await write_down(plan, (*job)->version); !written) co_return written.error();
  auto waiting = std::make_shared<answers<bool>>(1);
  boost::asio::co_spawn(node_.rt.context(0), run(std::move(mine), waiting), boost::asio::detached);
  co_await completion::wait(waiting, std::max(1, deadline_ms));
  co_return co_await find(std::move(id));
}

boost::asio::awaitable<void> tenant_migration::run(turn mine, std::shared_ptr<answers<bool>> waiting) {
  auto job = co_await load();
  auto outcome = job ? result<void>() : job.error();
  if (job && *job) outcome = co_await work_on(std::move(**job));
  if (!outcome && !stopping_)
    log_event(log_level::error, "tenants", "a migration did not come to its end; it goes on when it is asked for again, or at a start",
              {{"why", shown(outcome.error())}});
  mine.reset();
  if (waiting) waiting->put(0, true);
}

tenant_migration::reply<void> tenant_migration::work_on(kept job) {
  auto& plan = job.plan;
  for (auto& move : plan.moves) {
    if (stopping_) co_return failure(ec::shutting_down);
    if (const auto done = co_await work_on_one(plan, move); !done) co_return done.error();
  }
  plan.phase = done_of(plan.phase);
  plan.completed_ms = node_.time.unix_ms();
  log_event(log_level::info, "tenants", "a migration came to its end", {{"plan", plan.id}, {"phase", name_of(plan.phase)}});
  co_return co_await write_down(plan, job.version);
}

/// A failure of the node ends the job, which goes on when it is asked for again or at a start. What goes wrong with one
/// collection is written down, and the others go on.
tenant_migration::reply<void> tenant_migration::work_on_one(const migration_plan& plan, collection_move& move) {
  result<void> done;
  if (plan.phase == migration_phase::executing) {
    if (move.status == move_status::completed) co_return done;
    co_return co_await give(plan.id, move);
  }
  const bool copied = move.status == move_status::completed;
  if (plan.phase == migration_phase::rolling_back) {
    if (!copied && move.status != move_status::in_progress && move.status != move_status::failed) co_return done;
    done = co_await transfer_.drop_copy(plan.id, move);
    if (done) move.status = move_status::rolled_back;
  } else {
    if (!copied || move.source_deleted) co_return done;
    done = co_await transfer_.delete_source(move);
    move.source_deleted = done.has_value();
  }
  // A source that has changed is kept, and that is the end of it.
  if (!done && done.error().code != ec::conflict) co_return done;
  move.error = done ? std::string() : shown(done.error());
  co_return co_await write_down(move);
}

tenant_migration::reply<void> tenant_migration::give(const std::string& plan, collection_move& move) {
  const bool begun = move.status == move_status::in_progress;
  move.status = move_status::in_progress;
  move.error.clear();
  if (!begun)
    if (const auto noted = co_await write_down(move); !noted) co_return noted;
  result<void> done;
  if (standings_.state_of(move.owner) == tenant_state::deleting) {
    done = failure(ec::tenant_not_found);
  } else {
    collection_transfer::note note = [this](collection_move now) { return write_down(std::move(now)); };
    done = co_await transfer_.copy(plan, move, std::move(note));
  }
  if (!done && (stopping_ || done.error().code == ec::shutting_down)) co_return done;
  if (done) {
    move.status = move_status::completed;
    move.migrated_ms = node_.time.unix_ms();
  } else {
    // Half of a collection is of no use to anybody.
    if (const auto dropped = co_await transfer_.drop_copy(plan, move); !dropped) co_return dropped;
    move.status = done.error().code == ec::collection_already_exists ? move_status::skipped : move_status::failed;
    move.error = shown(done.error());
  }
  co_return co_await write_down(move);
}

void tenant_migration::start() { boost::asio::co_spawn(node_.rt.context(0), resume(), boost::asio::detached); }

boost::asio::awaitable<void> tenant_migration::resume() {
  auto mine = co_await take_turn();
  if (!mine) co_return;
  const auto job = co_await load();
  if (!job)
    log_event(log_level::error, "tenants", "the migration's records can't be read", {{"why", shown(job.error())}});
  if (!job || !*job || !is_at_work((*job)->plan.phase)) co_return;
  co_await run(std::move(mine), nullptr);
}

}  // namespace waggle
