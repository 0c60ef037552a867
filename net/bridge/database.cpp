#include "net/bridge/database.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <span>

#include "net/bridge/embedding_wire.hpp"
#include "net/bridge/refusal.hpp"
#include "storage/text/embedding.hpp"

namespace waggle {
namespace {

// GCC 12 copies an aggregate temporary inside a co_await expression bytewise (PR 104031), which breaks the strings in it:
// so each message here is a named variable first.

/// Tenants that this worker has talked to. An actor that ended is asked for again.
std::unordered_map<tenant_id, tenant_actor>& known_tenants() {
  thread_local std::unordered_map<tenant_id, tenant_actor> known;
  return known;
}
constexpr std::size_t known_tenants_max = 4096;

/// Notes the quotas that decided; what apply refused is a failure from here on.
result<write_outcome> settled(request_scope& scope, result<write_outcome> done, bool creates) {
  if (!done) return done;
  if (done->quota) scope.saw_quota(done->quota->type, false);
  if (done->code != ec::ok) return refusal_of(*done);
  if (done->repeated) return done;
  if (creates) scope.saw_quota(quota_type::collection_count, true);
  if (done->inserted > 0) scope.saw_quota(quota_type::vector_count, true);
  if (done->bytes_added > 0) scope.saw_quota(quota_type::storage, true);
  return done;
}

}  // namespace

database::reply<tenant_actor> database::tenant(request_scope& scope) {
  auto& known = known_tenants();
  if (const auto it = known.find(scope.who().tenant()); it != known.end()) co_return it->second;
  open_tenant message{scope.who()};
  auto found = co_await ask<tenant_actor>(rt_, directory_, std::move(message), scope.deadline_ms());
  if (found) {
    if (known.size() >= known_tenants_max) known.clear();
    known.insert_or_assign(scope.who().tenant(), *found);
  }
  co_return found;
}

template <class Reply, class Request>
database::reply<Reply> database::ask_tenant(request_scope& scope, Request request, int deadline_ms) {
  auto to = co_await tenant(scope);
  if (!to) co_return to.error();
  Request first(request);
  auto reply = co_await ask<Reply>(rt_, *to, std::move(first), deadline_ms);
  if (reply || reply.error().code != ec::tenant_unavailable) co_return reply;
  // An actor that fell asleep has not seen the request. One that is still there after a moment, in which the directory hears of
  // ends, has seen it, and this was its answer.
  constexpr std::chrono::milliseconds first_pause{1}, last_pause{32};
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (auto pause = first_pause;; pause *= 2) {
    known_tenants().erase(scope.who().tenant());
    auto next = co_await tenant(scope);
    if (!next) co_return next.error();
    if (*next != *to) co_return co_await ask<Reply>(rt_, *next, std::move(request), deadline_ms);
    if (pause > last_pause) co_return reply;
    timer.expires_after(pause);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

database::reply<std::shared_ptr<const collection_reader>> database::open(request_scope& scope, std::string name,
                                                                         bool views) {
  name = scope.bare_name(name);
  scope.names_collection(name);
  if (auto may = scope.may_use(name); !may) co_return may.error();
  open_collection message{scope.who(), name, views};
  auto reader = co_await ask_tenant<std::shared_ptr<const collection_reader>>(scope, std::move(message));
  if (reader) scope.saw_collection(name);
  co_return reader;
}

database::reply<std::vector<collection_summary>> database::list(request_scope& scope) {
  using readers = std::shared_ptr<const std::vector<std::shared_ptr<const collection_reader>>>;
  list_collections message{scope.who()};
  auto all = co_await ask_tenant<readers>(scope, std::move(message));
  if (!all) co_return all.error();
  auto work = read_disk(scope, [all = *all, &scope]() -> result<std::vector<collection_summary>> {
    std::vector<collection_summary> list;
    list.reserve(all->size());
    for (const auto& reader : *all) {
      if (!scope.may_use(reader->record().config.name)) continue;
      auto summary = reader->summary();
      if (!summary) return summary.error();
      list.push_back(std::move(*summary));
    }
    return list;
  });
  co_return co_await std::move(work);
}

database::reply<write_outcome> database::create(request_scope& scope, collection_config config,
                                               std::string_view step) {
  std::string key(scope.request_key());
  if (!key.empty() && !step.empty()) key.append("\n").append(step);
  scope.names_collection(config.name);
  if (auto may = scope.may_use(config.name); !may) co_return may.error();
  create_collection message{scope.who(), std::make_shared<const collection_config>(std::move(config)), key,
                            key.empty() ? 0 : scope.fingerprint(), scope.limits()};
  auto done = co_await ask_tenant<write_outcome>(scope, std::move(message));
  co_return settled(scope, std::move(done), true);
}

database::reply<write_outcome> database::write(request_scope& scope, std::string name,
                                               std::shared_ptr<write_command> command) {
  const write_pressure::mark waiting(pressure_);
  name = scope.bare_name(name);
  scope.names_collection(name);
  if (auto may = scope.may_use(name); !may) co_return may.error();
  command->limits = scope.limits();
  write_collection message{scope.who(), name, std::move(command)};
  auto done = co_await ask_tenant<write_outcome>(scope, std::move(message));
  done = settled(scope, std::move(done), false);
  if (done) scope.saw_collection(name);
  co_return done;
}

database::reply<tenant_record> database::account(request_scope& scope) {
  const auto tenant = scope.who().tenant();
  if (auto known = accounts_.find(tenant)) co_return std::move(*known);
  auto stored = co_await roll_.account(tenant);
  if (!stored) co_return stored.error();
  co_return accounts_.put_if_absent(tenant, stored->value_or(tenant_record{}));
}

database::reply<bool> database::flush(request_scope& scope, std::string name) {
  name = scope.bare_name(name);
  if (auto may = scope.may_use(name); !may) co_return may.error();
  flush_collection message{scope.who(), name};
  auto sealed = co_await ask_tenant<bool>(scope, std::move(message), scope.deadline_ms() / 2);
  if (!sealed && sealed.error().code == ec::deadline_exceeded) co_return false;
  co_return sealed;
}

database::reply<std::vector<std::vector<float>>> database::embed(request_scope& scope, std::string provider,
                                                                 std::vector<std::string> texts,
                                                                 std::size_t dimension) {
  using vectors = std::vector<std::vector<float>>;
  if (auto known = embeddings_.check(provider, dimension); !known) co_return known.error();
  const auto* endpoint = embeddings_.endpoint(provider);
  if (!endpoint) {
    auto work = compute(scope, [&texts, dimension]() -> result<vectors> {
      vectors made;
      for (const auto& text : texts) bm25_embedding(text, made.emplace_back(dimension));
      return made;
    });
    co_return co_await std::move(work);
  }
  // One call after the other: a request never takes more than one of the endpoint's connections.
  vectors all;
  for (std::span<const std::string> rest = texts; !rest.empty();) {
    const auto part = rest.first(std::min(endpoint->batch_max, rest.size()));
    rest = rest.subspan(part.size());
    auto body = co_await embeddings_.call(*endpoint, part, scope.deadline_ms());
    if (!body) co_return body.error();
    auto work = compute(scope, [&, count = part.size()] { return read_embedding_answer(*endpoint, *body, count); });
    auto read = co_await std::move(work);
    if (!read) co_return read.error();
    for (auto& v : *read) all.push_back(std::move(v));
  }
  co_return all;
}

}  // namespace waggle
