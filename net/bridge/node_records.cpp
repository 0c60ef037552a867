#include "net/bridge/node_records.hpp"

#include "storage/apply/keyspace.hpp"

namespace waggle {

boost::asio::awaitable<result<void>> node_records::write(std::vector<operation> changes, bool grows) {
  const tenant_id nobody;
  const request_id once;
  const auto done = co_await book_.enter(nobody, std::move(changes), once, grows);
  if (!done) co_return done.error();
  co_return result<void>();
}

result<std::vector<record_change>> node_records::read(std::string_view space) const {
  std::vector<record_change> list;
  result<void> bad;
  const auto [begin, end] = tenant_keyspace::node_record_range(space);
  const auto scanned = kv_.scan(kv_family::meta, begin, end, [&](std::string_view key, std::string_view bytes) {
    auto record = decode_node_record(bytes);
    if (!record) {
      bad = record.error();
      return false;
    }
    list.push_back({std::string(space), std::string(tenant_keyspace::rest(key).substr(space.size() + 1)),
                    std::move(record->value), record->version});
    return true;
  });
  if (!scanned) return scanned.error();
  if (!bad) return bad.error();
  return list;
}

}  // namespace waggle
