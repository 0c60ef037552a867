// The state machine's operations on records of the node itself. No tenant's road leads here.
#include <algorithm>

#include "storage/apply/runner.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;

bool is_of_record(const operation& op) {
  return std::holds_alternative<put_record_op>(op) || std::holds_alternative<erase_record_op>(op);
}
}  // namespace

bool state_machine::runner::about_records() const {
  return std::any_of(entry_.parts.begin(), entry_.parts.end(), [](const shard_ops& part) {
    return std::any_of(part.ops.begin(), part.ops.end(), is_of_record);
  });
}

result<void> state_machine::runner::run_records() {
  const bool of_node = entry_.owner.is_nil() && entry_.collection == collection_id{};
  for (const auto& part : entry_.parts)
    for (const auto& op : part.ops) {
      if (!of_node || !is_of_record(op)) return refuse(ec::bad_request, "Records of the node belong to no tenant");
      if (auto done = std::visit(*this, op); !done || out_.code != ec::ok) return done;
    }
  return {};
}

result<std::uint64_t> state_machine::runner::version_of(const put_record_op& op) {
  const auto bytes = tx_.overlay.get(meta, tenant_keyspace::node_record(op.space, op.key));
  if (!bytes) return bytes.error();
  if (!*bytes) return 0;
  const auto record = decode_node_record(**bytes);
  if (!record) return record.error();
  return record->version;
}

result<void> state_machine::runner::operator()(const put_record_op& op) {
  if (op.if_version) {
    const auto version = version_of(op);
    if (!version) return version.error();
    if (*version != *op.if_version) return refuse(ec::conflict, "The record has changed");
  }
  tx_.overlay.put(meta, tenant_keyspace::node_record(op.space, op.key), encode_node_record({tx_.index.value, op.value}));
  tx_.records.push_back({op.space, op.key, op.value, tx_.index.value});
  return {};
}

result<void> state_machine::runner::operator()(const erase_record_op& op) {
  tx_.overlay.erase(meta, tenant_keyspace::node_record(op.space, op.key));
  tx_.records.push_back({op.space, op.key, std::nullopt, tx_.index.value});
  return {};
}

}  // namespace waggle
