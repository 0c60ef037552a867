// The state machine's operations on records of the node itself. No tenant's road leads here.
#include <algorithm>

#include "storage/apply/runner.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;

bool about_a_record(const operation& op) {
  return std::holds_alternative<put_record_op>(op) || std::holds_alternative<erase_record_op>(op);
}
}  // namespace

result<std::uint64_t> state_machine::runner::version_of(const put_record_op& op) {
  const auto bytes = tx_.overlay.get(meta, tenant_keyspace::node_record(op.space, op.key));
  if (!bytes) return bytes.error();
  if (!*bytes) return 0;
  const auto record = decode_node_record(**bytes);
  if (!record) return record.error();
  return record->version;
}

result<bool> state_machine::runner::of_the_node() {
  if (std::none_of(entry_.ops.begin(), entry_.ops.end(), about_a_record)) return false;
  const bool only = std::all_of(entry_.ops.begin(), entry_.ops.end(), about_a_record);
  if (!only || !entry_.owner.is_nil() || entry_.collection != collection_id{}) {
    (void)refuse(ec::bad_request, "Records of the node belong to no tenant");
    return true;
  }
  for (const auto& op : entry_.ops) {
    const auto* put = std::get_if<put_record_op>(&op);
    if (!put || !put->if_version) continue;
    const auto version = version_of(*put);
    if (!version) return version.error();
    if (*version != *put->if_version) (void)refuse(ec::conflict, "The record has changed");
  }
  return true;
}

result<void> state_machine::runner::operator()(const put_record_op& op) {
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
