#pragma once
// Records of the node itself (who may come in), kept in the log like every write: one per node, owned by it. Any worker's
// coroutine may write; `read` blocks and is for the start.
#include <boost/asio/awaitable.hpp>
#include <string_view>
#include <vector>

#include "net/bridge/ledger.hpp"
#include "storage/kv/kv_store.hpp"

namespace waggle {

class node_records {
 public:
  node_records(ledger& book, const kv_store& kv) : book_(book), kv_(kv) {}

  /// Puts and erases, all or none; answered when they are durable and `node_services::take_records` has them. CONFLICT: a
  /// record has another version than was said. `grows`: refused while the disk is full.
  boost::asio::awaitable<result<void>> write(std::vector<operation> changes, bool grows);
  /// Every record of a space.
  result<std::vector<record_change>> read(std::string_view space) const;

 private:
  ledger& book_;
  const kv_store& kv_;
};

}  // namespace waggle
