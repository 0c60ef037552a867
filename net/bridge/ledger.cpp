#include "net/bridge/ledger.hpp"

#include "actors/runtime/ask.hpp"
#include "base/limits.hpp"
#include "net/bridge/refusal.hpp"
#include "storage/log/entry_codec.hpp"

namespace waggle {

boost::asio::awaitable<result<write_outcome>> ledger::enter(tenant_id owner, std::vector<operation> what, request_id id,
                                                            bool grows) {
  log_entry entry;
  entry.owner = owner;
  entry.request = id;
  entry.parts.push_back({shard_id{}, std::move(what)});
  return enter(std::move(entry), grows);
}

boost::asio::awaitable<result<write_outcome>> ledger::enter(log_entry entry, bool grows) {
  entry.time_ms = time_.unix_ms();
  propose message{entry.owner, std::make_shared<std::string>(encode_entry(entry)), grows};
  auto done = co_await ask<write_outcome>(rt_, group_, std::move(message), limits::ask_deadline_ms_max);
  if (done && done->code != ec::ok) co_return refusal_of(*done);
  co_return done;
}

}  // namespace waggle
