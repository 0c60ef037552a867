// The state machine's operations on one shard's points.
#include "storage/apply/runner.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;
}

result<write_outcome> state_machine::runner::run() {
  tx_.begin_entry();
  auto tenant = tx_.tenant(entry_.owner);
  if (!tenant) return tenant.error();
  tenant_ = *tenant;
  if (auto done = run_parts(); !done) return done.error();
  if (out_.code == ec::ok) settle();
  if (out_.code != ec::ok) {
    tx_.roll_back_entry();
    machine_.collections_.erase(keys_.collection_record(entry_.collection));
  }
  return std::move(out_);
}

result<void> state_machine::runner::run_parts() {
  const auto of_no_collection = [](const operation& op) {
    return std::holds_alternative<create_collection_op>(op) || std::holds_alternative<count_reads_op>(op) ||
           std::holds_alternative<begin_report_op>(op) || std::holds_alternative<end_report_op>(op) ||
           std::holds_alternative<erase_tenant_op>(op);
  };
  if (about_records()) return run_records();
  const bool alone = entry_.parts.size() == 1 && entry_.parts.front().ops.size() == 1;
  if (!alone || !of_no_collection(entry_.parts.front().ops.front())) {
    auto found = machine_.find_collection(tx_, entry_.owner, entry_.collection);
    if (!found) return found.error();
    collection_ = std::move(*found);
    if (!collection_) return refuse(ec::collection_not_found);
  }
  for (const auto& part : entry_.parts) {
    shard_ = part.shard;
    if (collection_ && shard_.value >= collection_->config.shard_count) return refuse(ec::collection_not_found);
    for (const auto& op : part.ops) {
      if (!collection_ && !of_no_collection(op)) return refuse(ec::collection_not_found);
      if (auto done = std::visit(*this, op); !done) return done;
      if (out_.code != ec::ok) return {};
    }
  }
  return {};
}

result<void> state_machine::runner::refuse(ec code, std::string message) {
  out_ = {};
  out_.code = code;
  out_.message = message.empty() ? std::string(info(code).text) : std::move(message);
  return {};
}

result<void> state_machine::runner::keep(const result<item_outcome>& item, const std::string& id) {
  if (!item) return item.error();
  out_.items.push_back(*item);
  if (!entry_.request.is_nil()) out_.ids.push_back(id);
  return {};
}

result<void> state_machine::runner::operator()(const upsert_points_op& op) {
  auto writer = shard();
  if (!writer) return writer.error();
  for (const auto& p : op.points)
    if (auto kept = keep((*writer)->upsert(point(p), out_), p.id.str()); !kept) return kept;
  return {};
}

result<void> state_machine::runner::operator()(const replace_text_op& op) {
  auto writer = shard();
  if (!writer) return writer.error();
  if (auto done = (*writer)->replace_text(op, out_); !done) return done;
  if (!entry_.request.is_nil())
    for (const auto& p : op.points) out_.ids.push_back(p.id.str());
  return {};
}

result<void> state_machine::runner::operator()(const delete_points_op& op) {
  auto writer = shard();
  if (!writer) return writer.error();
  for (std::size_t i = 0; i < op.ids.size(); ++i) {
    const auto only = i < op.only_versions.size() ? op.only_versions[i] : seq_no{};
    if (auto kept = keep((*writer)->erase(op.ids[i], only, out_), op.ids[i]); !kept) return kept;
  }
  return {};
}

result<void> state_machine::runner::operator()(const update_point_op& op) {
  auto writer = shard();
  if (!writer) return writer.error();
  return keep((*writer)->update(op, out_), op.id);
}

result<void> state_machine::runner::operator()(const patch_payloads_op& op) {
  auto writer = shard();
  if (!writer) return writer.error();
  for (std::size_t i = 0; i < op.ids.size() && i < op.only_versions.size(); ++i)
    if (auto kept = keep((*writer)->patch(op.ids[i], op.only_versions[i], op.patch, out_), op.ids[i]); !kept)
      return kept;
  return {};
}

result<item_outcome> state_machine::runner::copy_one(shard_writer& from, shard_writer& to, const std::string& id,
                                                     bool remove) {
  auto found = from.read(id);
  if (!found) return found.error();
  if (!*found) return item_outcome{ec::vector_not_found, {}, false};
  auto written = to.upsert(std::move((*found)->data), out_);
  if (written && written->code == ec::ok && remove)
    if (auto gone = from.erase(id, seq_no{}, out_); !gone) return gone.error();
  return written;
}

result<void> state_machine::runner::operator()(const copy_points_op& op) {
  auto source = machine_.find_collection(tx_, entry_.owner, op.source);
  if (!source) return source.error();
  if (!*source || op.source_shard.value >= (*source)->config.shard_count) return refuse(ec::collection_not_found);
  auto from = tx_.shard(*source, op.source_shard);
  if (!from) return from.error();
  auto to = shard();
  if (!to) return to.error();
  for (const auto& id : op.ids)
    if (auto kept = keep(copy_one(**from, **to, id, op.remove), id); !kept) return kept;
  return {};
}

result<void> state_machine::runner::operator()(const create_snapshot_op& op) {
  auto known = tx_.overlay.get(meta, keys_.snapshot_record(entry_.collection, shard_, op.snapshot));
  if (!known) return known.error();
  if (*known) return refuse(ec::conflict, "A snapshot of that name exists");
  auto writer = shard();
  if (!writer) return writer.error();
  auto made = (*writer)->create_snapshot(op.snapshot, entry_.time_ms);
  if (!made) return made.error();
  out_.bytes_added += made->bytes;
  return {};
}

result<void> state_machine::runner::operator()(const restore_snapshot_op& op) {
  auto known = tx_.overlay.get(meta, keys_.snapshot_record(entry_.collection, shard_, op.snapshot));
  if (!known) return known.error();
  if (!*known) return refuse(ec::snapshot_not_found);
  auto writer = shard();
  if (!writer) return writer.error();
  return (*writer)->restore_snapshot(op.snapshot, out_);
}

}  // namespace waggle
