#include "actors/data/write_split.hpp"

#include <iterator>
#include <map>

#include "actors/data/collection_reader.hpp"

namespace waggle {
namespace {

class splitter {
 public:
  splitter(std::uint32_t shards, std::uint32_t source_shards) : shards_(shards), source_shards_(source_shards) {}

  void operator()(upsert_points_op& op) {
    std::map<std::uint32_t, upsert_points_op> parts;
    for (auto& p : op.points) {
      const auto s = shard_of(p.id.str(), shards_).value;
      item(s);
      parts[s].points.push_back(std::move(p));
    }
    for (auto& [s, part] : parts) at(s).ops.push_back(std::move(part));
  }
  void operator()(replace_text_op& op) {
    const auto s = shard_of(op.parent, shards_).value;
    for (std::size_t i = 0; i < op.points.size(); ++i) item(s);
    at(s).ops.push_back(std::move(op));
  }
  void operator()(delete_points_op& op) {
    std::map<std::uint32_t, delete_points_op> parts;
    for (std::size_t i = 0; i < op.ids.size(); ++i) {
      const auto s = shard_of(op.ids[i], shards_).value;
      item(s);
      parts[s].ids.push_back(std::move(op.ids[i]));
      if (i < op.only_versions.size()) parts[s].only_versions.push_back(op.only_versions[i]);
    }
    for (auto& [s, part] : parts) at(s).ops.push_back(std::move(part));
  }
  void operator()(update_point_op& op) {
    const auto s = shard_of(op.id, shards_).value;
    item(s);
    at(s).ops.push_back(std::move(op));
  }
  void operator()(patch_payloads_op& op) {
    std::map<std::uint32_t, patch_payloads_op> parts;
    for (std::size_t i = 0; i < op.ids.size(); ++i) {
      const auto s = shard_of(op.ids[i], shards_).value;
      item(s);
      parts[s].patch = op.patch;
      parts[s].ids.push_back(std::move(op.ids[i]));
      if (i < op.only_versions.size()) parts[s].only_versions.push_back(op.only_versions[i]);
    }
    for (auto& [s, part] : parts) at(s).ops.push_back(std::move(part));
  }
  void operator()(copy_points_op& op) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, copy_points_op> parts;
    for (auto& id : op.ids) {
      const auto to = shard_of(id, shards_).value, from = shard_of(id, source_shards_).value;
      item(to);
      auto& part = parts[{to, from}];
      part.source = op.source;
      part.source_shard = shard_id(from);
      part.remove = op.remove;
      part.ids.push_back(std::move(id));
    }
    for (auto& [where, part] : parts) at(where.first).ops.push_back(std::move(part));
  }
  void operator()(create_snapshot_op& op) {
    for (std::uint32_t s = 0; s < shards_; ++s) at(s).ops.push_back(op);
  }
  void operator()(restore_snapshot_op& op) {
    for (std::uint32_t s = 0; s < shards_; ++s) at(s).ops.push_back(op);
  }
  template <class Op>
  void operator()(Op& op) {
    at(0).ops.push_back(std::move(op));
  }

  /// Gives each shard an entry, and leaves the order of the items to the outcomes.
  void touch_every_shard(const operation& empty) {
    for (std::uint32_t s = 0; s < shards_; ++s) {
      auto& part = at(s);
      part.items.clear();
      if (part.ops.empty()) part.ops.push_back(empty);
    }
  }

  std::vector<shard_write> take() {
    std::vector<shard_write> list;
    for (auto& [s, part] : parts_) list.push_back(std::move(part));
    return list;
  }

 private:
  shard_write& at(std::uint32_t s) {
    auto& part = parts_[s];
    part.shard = shard_id(s);
    return part;
  }
  void item(std::uint32_t s) { at(s).items.push_back(items_++); }
  std::uint32_t shards_, source_shards_;
  std::size_t items_ = 0;  ///< item outcomes of the whole command so far
  std::map<std::uint32_t, shard_write> parts_;
};

}  // namespace

std::vector<shard_write> split_write(write_command&& command, std::uint32_t shard_count) {
  splitter split(shard_count, command.source_shards);
  for (auto& op : command.ops) std::visit(split, op);
  if (command.by_filter && !command.request_key.empty()) split.touch_every_shard(delete_points_op{});
  return split.take();
}

void merge_outcome(write_outcome& whole, const shard_write& part, write_outcome&& o) {
  whole.index = std::max(whole.index, o.index);
  whole.inserted += o.inserted;
  whole.updated += o.updated;
  whole.deleted += o.deleted;
  whole.bytes_added += o.bytes_added;
  whole.bytes_freed += o.bytes_freed;
  whole.repeated |= o.repeated;
  if (o.collection) whole.collection = std::move(o.collection);
  if (part.items.empty()) {
    whole.items.insert(whole.items.end(), o.items.begin(), o.items.end());
    std::move(o.ids.begin(), o.ids.end(), std::back_inserter(whole.ids));
    return;
  }
  for (std::size_t i = 0; i < o.items.size() && i < part.items.size(); ++i) {
    if (whole.items.size() <= part.items[i]) whole.items.resize(part.items[i] + 1);
    whole.items[part.items[i]] = o.items[i];
  }
  for (std::size_t i = 0; i < o.ids.size() && i < part.items.size(); ++i) {
    if (whole.ids.size() <= part.items[i]) whole.ids.resize(part.items[i] + 1);
    whole.ids[part.items[i]] = std::move(o.ids[i]);
  }
}

bool grows(const std::vector<operation>& ops) {
  for (const auto& op : ops)
    if (!std::holds_alternative<delete_points_op>(op) && !std::holds_alternative<delete_collection_op>(op)) return true;
  return false;
}

}  // namespace waggle
