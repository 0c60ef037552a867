#include "storage/apply/layout_convert.hpp"

#include <map>
#include <set>

#include "base/checksum.hpp"
#include "storage/apply/account.hpp"
#include "storage/apply/group_keys.hpp"
#include "storage/apply/layout_mark.hpp"
#include "storage/kv/directory.hpp"
#include "storage/kv/tenant_route.hpp"

namespace waggle {
namespace {
namespace fs = std::filesystem;
constexpr auto meta = kv_family::meta;
constexpr auto points = kv_family::points;

/// Keys that only a database of one tenant has.
bool is_of_own_only(kv_family family, std::string_view key) {
  const bool of_catalog = family == meta && key.size() >= tenant_keyspace::prefix_bytes &&
                          key.substr(16, 12).find_first_not_of('\0') == key.npos;
  if (!of_catalog) return false;
  const char kind = key[tenant_keyspace::prefix_bytes - 1];
  return kind == 'A' || kind == 'E';
}

/// Calls visit(family, key, value), a result<void>, for everything of the owner but what only its own database has.
template <class Visit>
result<void> for_each_key(const kv_store& kv, const tenant_id& owner, Visit visit) {
  const auto [begin, end] = tenant_keyspace::of_verified_owner(owner).owner_range();
  for (const auto family : {points, meta}) {
    result<void> bad;
    const auto scanned = kv.scan(family, begin, end, [&](std::string_view key, std::string_view value) {
      if (!is_of_own_only(family, key)) bad = visit(family, key, value);
      return bad.has_value();
    });
    if (!scanned || !bad) return scanned ? bad : scanned;
  }
  return {};
}

struct digest {
  std::uint64_t keys = 0;
  std::uint32_t sum = 0;
  bool operator==(const digest&) const = default;
};
result<digest> digest_of(const kv_store& kv, const tenant_id& owner) {
  digest out;
  auto read = for_each_key(kv, owner, [&out](kv_family family, std::string_view key, std::string_view value) -> result<void> {
    ++out.keys;
    std::string framed(1, static_cast<char>(family));
    framed += tenant_keyspace::be64(out.sum);
    framed += tenant_keyspace::be64(key.size());
    framed.append(key).append(value);
    out.sum = crc32c(framed);
    return {};
  });
  if (!read) return read.error();
  return out;
}

failure stopped_badly() {
  failure f(ec::conflict, "The node was not stopped in order: start it once and stop it, then convert");
  f.log_text = f.message;
  return f;
}

class converter {
 public:
  converter(fs::path data_dir, group_id group, kv_store& shared, const conversion_step& step)
      : data_dir_(std::move(data_dir)), group_(group), shared_(shared), step_(step) {}

  result<conversion> to_apart() {
    if (auto marked = mark(layout_mark::to_apart); !marked) return marked.error();
    if (auto read = read_applied(); !read) return read.error();
    if (auto read = read_windows(); !read) return read.error();
    std::optional<tenant_id> owner;
    for (;;) {
      auto next = next_owner(owner);
      if (!next) return next.error();
      if (!*next) break;
      owner = *next;
      if (auto moved = move_out(*owner); !moved) return moved.error();
    }
    kv_batch last;
    last.put(meta, group_keys::durable(group_), applied_);
    write_layout(last, layout_mark::apart);
    if (auto written = shared_.write(last, kv_sync::yes); !written) return written.error();
    return done_;
  }

  result<conversion> to_together() {
    auto marked = read_layout(shared_);
    if (!marked) return marked.error();
    if (auto read = read_applied(); !read) return read.error();
    if (*marked == layout_mark::apart) {
      std::string durable;
      const auto found = shared_.get(meta, group_keys::durable(group_), durable);
      if (!found) return found.error();
      if (durable != applied_ && !applied_.empty()) return stopped_badly();
      if (auto written = mark(layout_mark::to_together); !written) return written.error();
    }
    auto owners = owners_apart();
    if (!owners) return owners.error();
    for (const auto& owner : *owners)
      if (auto moved = move_in(owner); !moved) return moved.error();
    kv_batch last;
    last.erase(meta, group_keys::durable(group_));
    write_layout(last, layout_mark::together);
    if (auto written = shared_.write(last, kv_sync::yes); !written) return written.error();
    return done_;
  }

 private:
  fs::path directory_of(const tenant_id& owner) const { return data_dir_ / to_string(owner) / "kv"; }

  result<void> mark(layout_mark as) {
    kv_batch batch;
    write_layout(batch, as);
    return shared_.write(batch, kv_sync::yes);
  }

  result<void> read_applied() {
    const auto found = shared_.get(meta, group_keys::applied(group_), applied_);
    return found ? result<void>() : found.error();
  }

  static result<std::unique_ptr<kv_store>> open(const fs::path& directory) {
    kv_store::options options;
    options.directory = directory;
    options.block_cache_bytes = 8u << 20;
    options.write_buffer_bytes = 16u << 20;
    return kv_store::open(options);
  }

  /// The window of remembered requests is the group's when tenants lie together, and each tenant's own when apart.
  result<void> read_windows() {
    const auto begin = group_keys::window(group_, log_index{});
    const auto end = tenant_keyspace::after_prefix(group_keys::key('E', group_));
    return shared_.scan(meta, begin, end, [this](std::string_view key, std::string_view record) {
      const log_index at(tenant_keyspace::read_be64(key.substr(key.size() - 8)));
      if (const auto owner = tenant_route::owner_of(meta, record)) windows_[*owner].emplace_back(at, record);
      return true;
    });
  }

  /// Of the tenants that lie together, the first behind `after`.
  result<std::optional<tenant_id>> next_owner(const std::optional<tenant_id>& after) const {
    std::optional<tenant_id> first;
    const auto from = tenant_keyspace::of_verified_owner(after.value_or(tenant_id{})).behind_owner();
    for (const auto family : {points, meta}) {
      const auto scanned = shared_.scan(family, from, {}, [&](std::string_view key, std::string_view) {
        if (const auto owner = tenant_route::owner_of(family, key)) first = first ? std::min(*first, *owner) : *owner;
        return false;
      });
      if (!scanned) return scanned.error();
    }
    return first;
  }

  /// Copies what is the owner's in batches, and says how much that was.
  static result<digest> copy(const kv_store& from, kv_store& to, const tenant_id& owner) {
    constexpr std::size_t batch_bytes = 4u << 20;
    kv_batch batch;
    auto copied = for_each_key(from, owner, [&](kv_family family, std::string_view key, std::string_view value) -> result<void> {
      batch.put(family, key, value);
      if (batch.bytes() < batch_bytes) return {};
      auto written = to.write(batch, kv_sync::no);
      batch.clear();
      return written;
    });
    if (copied && !batch.empty()) copied = to.write(batch, kv_sync::no);
    if (!copied) return copied.error();
    auto before = digest_of(from, owner), after = digest_of(to, owner);
    if (!before || !after) return before ? after : before;
    if (*before == *after) return before;
    failure f(ec::corrupt_data);
    f.log_text = "the copy of tenant " + to_string(owner) + " has " + std::to_string(after->keys) + " keys of " +
                 std::to_string(before->keys) + ", or other ones; the original stays";
    return f;
  }

  result<void> move_out(const tenant_id& owner) {
    const auto keys = tenant_keyspace::of_verified_owner(owner);
    const auto directory = directory_of(owner);
    // Whatever a run before has left is not finished: what is finished isn't in the shared database any more.
    if (auto removed = remove_directory(directory); !removed) return removed;
    auto own = open(directory);
    if (!own) return own.error();
    auto copied = copy(shared_, **own, owner);
    if (!copied) return copied.error();
    auto account = load_account(write_overlay(shared_), owner);
    if (!account) return account.error();
    kv_batch heads;
    if (*account) heads.put(meta, keys.tenant_record(), encode_tenant(**account));
    heads.put(meta, keys.applied_record(), applied_.empty() ? tenant_keyspace::be64(0) : applied_);
    for (const auto& [at, record] : windows_[owner]) heads.put(meta, keys.window_record(at), record);
    if (auto written = (*own)->write(heads, kv_sync::yes); !written) return written;
    own->reset();
    for (const auto& parent : {directory.parent_path(), data_dir_})
      if (auto synced = sync_directory(parent); !synced) return synced;
    kv_batch moved;
    const auto [begin, end] = keys.owner_range();
    for (const auto family : {points, meta}) moved.erase_range(family, begin, end);
    for (const auto& [at, record] : windows_[owner]) moved.erase(meta, group_keys::window(group_, at));
    if (*account) moved.put(meta, tenant_route::mirror_key(owner), encode_tenant(**account));
    return finish(owner, moved, copied->keys);
  }

  result<std::set<tenant_id>> owners_apart() const {
    std::set<tenant_id> owners;
    for (const auto& [begin, end] : {tenant_route::mirrors(), tenant_route::dropped()}) {
      const auto scanned = shared_.scan(meta, begin, end, [&](std::string_view key, std::string_view) {
        owners.insert(tenant_route::owner_in(key));
        return true;
      });
      if (!scanned) return scanned.error();
    }
    // One that has never got as far as an account has no mirror.
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(data_dir_, failed)) {
      tenant_id owner;
      if (parse_uuid(entry.path().filename().string(), owner.bytes) && fs::exists(directory_of(owner), failed)) owners.insert(owner);
    }
    return owners;
  }

  result<void> move_in(const tenant_id& owner) {
    std::string mirror, gone;
    const auto mirrored = shared_.get(meta, tenant_route::mirror_key(owner), mirror);
    const auto dropped = shared_.get(meta, tenant_route::dropped_key(owner), gone);
    if (!mirrored || !dropped) return mirrored ? dropped.error() : mirrored.error();
    const auto keys = tenant_keyspace::of_verified_owner(owner);
    std::uint64_t count = 0;
    if (!*dropped) {
      auto moved = bring_in(owner);
      if (!moved) return moved.error();
      count = *moved;
    } else if (*mirrored) {
      // Its database was dropped; the account is left.
      kv_batch kept;
      kept.put(meta, keys.tenant_record(), mirror);
      kept.erase(meta, tenant_route::mirror_key(owner));
      if (auto written = shared_.write(kept, kv_sync::yes); !written) return written;
    }
    // From here on the mark of a dropped database stands until the directory is gone.
    if (auto removed = remove_directory(directory_of(owner)); !removed) return removed;
    kv_batch last;
    last.erase(meta, tenant_route::dropped_key(owner));
    return finish(owner, last, count);
  }

  result<std::uint64_t> bring_in(const tenant_id& owner) {
    const auto directory = directory_of(owner);
    std::error_code failed;
    if (!fs::exists(directory / "CURRENT", failed)) {
      failure f(ec::corrupt_data);
      f.log_text = directory.string() + " holds no database";
      return f;
    }
    auto own = open(directory);
    if (!own) return own.error();
    const auto keys = tenant_keyspace::of_verified_owner(owner);
    kv_batch heads;
    const auto [begin, end] = keys.owner_range();
    for (const auto family : {points, meta}) heads.erase_range(family, begin, end);  // of a run before
    const auto [first, behind] = keys.range(collection_id{}, shard_id{}, 'E');
    auto windows = (*own)->scan(meta, first, behind, [&](std::string_view key, std::string_view record) {
      const log_index at(tenant_keyspace::read_be64(tenant_keyspace::rest(key)));
      heads.put(meta, group_keys::window(group_, at), record);
      return true;
    });
    if (windows) windows = shared_.write(heads, kv_sync::no);
    if (!windows) return windows.error();
    auto copied = copy(**own, shared_, owner);
    if (!copied) return copied.error();
    kv_batch moved;
    moved.erase(meta, tenant_route::mirror_key(owner));
    moved.put(meta, tenant_route::dropped_key(owner), applied_);
    if (auto written = shared_.write(moved, kv_sync::yes); !written) return written.error();
    return copied->keys;
  }

  result<void> finish(const tenant_id& owner, const kv_batch& last, std::uint64_t keys) {
    if (auto written = shared_.write(last, kv_sync::yes); !written) return written;
    ++done_.tenants;
    done_.keys += keys;
    step_(owner, keys);
    return {};
  }

  const fs::path data_dir_;
  const group_id group_;
  kv_store& shared_;
  const conversion_step& step_;
  std::string applied_;
  std::map<tenant_id, std::vector<std::pair<log_index, std::string>>> windows_;
  conversion done_;
};

}  // namespace

result<conversion> convert_layout(const fs::path& data_dir, group_id group, tenant_layout to, const conversion_step& step) {
  kv_store::options options;
  options.directory = shared_directory(data_dir);
  std::error_code failed;
  if (!fs::exists(options.directory / "CURRENT", failed))
    return failure(ec::not_found, "'" + data_dir.string() + "' is no data directory of a node");
  auto shared = kv_store::open(options);
  if (!shared) return shared.error();
  const auto mark = read_layout(**shared);
  if (!mark) return mark.error();
  const bool apart = to == tenant_layout::apart;
  if (*mark == (apart ? layout_mark::apart : layout_mark::together)) return conversion{0, 0, true};
  if (*mark == (apart ? layout_mark::to_together : layout_mark::to_apart))
    return failure(ec::conflict, "A conversion the other way is not finished: finish that one first");
  converter work(data_dir, group, **shared, step);
  return apart ? work.to_apart() : work.to_together();
}

}  // namespace waggle
