#include "actors/data/write_split.hpp"

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

  /// Gives the request an entry even where there is nothing to do, and leaves the items in the order of the outcome.
  void as_found(const operation& nothing) {
    for (auto& [s, part] : parts_) part.items.clear();
    if (parts_.empty()) at(0).ops.push_back(nothing);
  }

  sharded_write take() {
    sharded_write out;
    for (auto& [s, part] : parts_) {
      out.parts.push_back({shard_id(s), std::move(part.ops)});
      out.places.insert(out.places.end(), part.items.begin(), part.items.end());
    }
    return out;
  }

 private:
  struct part {
    std::vector<operation> ops;
    std::vector<std::size_t> items;  ///< places of its item outcomes
  };
  part& at(std::uint32_t s) { return parts_[s]; }
  void item(std::uint32_t s) { at(s).items.push_back(items_++); }
  std::uint32_t shards_, source_shards_;
  std::size_t items_ = 0;  ///< item outcomes of the whole command so far
  std::map<std::uint32_t, part> parts_;
};

}  // namespace

sharded_write split_write(write_command&& command, std::uint32_t shard_count) {
  splitter split(shard_count, command.source_shards);
  for (auto& op : command.ops) std::visit(split, op);
  if (command.by_filter && !command.request_key.empty()) split.as_found(delete_points_op{});
  return split.take();
}

void restore_order(write_outcome& outcome, const std::vector<std::size_t>& places) {
  const auto reorder = [&](auto& list) {
    if (list.size() != places.size()) return;  // kept without ids, or refused
    auto ordered = list;
    for (std::size_t i = 0; i < places.size(); ++i) ordered[places[i]] = std::move(list[i]);
    list = std::move(ordered);
  };
  reorder(outcome.items);
  reorder(outcome.ids);
}

bool grows(const std::vector<operation>& ops) {
  for (const auto& op : ops)
    if (!std::holds_alternative<delete_points_op>(op) && !std::holds_alternative<delete_collection_op>(op)) return true;
  return false;
}

}  // namespace waggle
