#include "storage/apply/layout.hpp"

#include "storage/apply/group_keys.hpp"
#include "storage/apply/layout_mark.hpp"
#include "storage/kv/tenant_route.hpp"

namespace waggle {
namespace {
constexpr auto meta = kv_family::meta;

failure not_so(std::string message) {
  failure f(ec::conflict, std::move(message));
  f.log_text = f.message;
  return f;
}

/// Nothing but the node's own and the implicit tenant's, which lie in the shared database in any layout.
result<bool> holds_no_tenant(const kv_store& kv) {
  bool none = true;
  // In the order of keys: the implicit tenant's, tenants', the node's. So the last key before the node's says it.
  const std::string of_the_node(16, '\xff');
  for (const auto family : {kv_family::points, meta}) {
    const auto scanned = kv.scan_reverse(family, {}, of_the_node, [&](std::string_view key, std::string_view) {
      none &= !tenant_route::owner_of(family, key);
      return false;
    });
    if (!scanned) return scanned.error();
  }
  return none;
}
}  // namespace

std::filesystem::path shared_directory(const std::filesystem::path& data_dir) { return data_dir / "_node" / "kv"; }

result<layout_mark> read_layout(const kv_store& kv) {
  std::string value;
  auto found = kv.get(meta, group_keys::layout(), value);
  if (!found) return found.error();
  if (!*found) return layout_mark::together;
  if (value == "apart") return layout_mark::apart;
  if (value == "to apart") return layout_mark::to_apart;
  if (value == "to together") return layout_mark::to_together;
  failure f(ec::corrupt_data);
  f.log_text = "unknown layout of tenants in the store";
  return f;
}

void write_layout(kv_batch& batch, layout_mark mark) {
  const auto key = group_keys::layout();
  switch (mark) {
    case layout_mark::together: batch.erase(meta, key); break;
    case layout_mark::apart: batch.put(meta, key, "apart"); break;
    case layout_mark::to_apart: batch.put(meta, key, "to apart"); break;
    case layout_mark::to_together: batch.put(meta, key, "to together"); break;
  }
}

result<void> adopt_layout(kv_store& kv, group_id group, tenant_layout wanted) {
  const auto mark = read_layout(kv);
  if (!mark) return mark.error();
  if (*mark == (wanted == tenant_layout::apart ? layout_mark::apart : layout_mark::together)) return {};
  if (*mark == layout_mark::apart)
    return not_so("the data has one database per tenant: set hub.tenant_isolation: storage, or convert it with "
                  "'wagglectl tenancy convert --to collection'");
  if (*mark != layout_mark::together)
    return not_so("a conversion of the data is not finished: repeat 'wagglectl tenancy convert'");
  const auto empty = holds_no_tenant(kv);
  if (!empty) return empty.error();
  if (!*empty)
    return not_so("the data has one database for all tenants: for hub.tenant_isolation: storage convert it with "
                  "'wagglectl tenancy convert --to storage'");
  kv_batch batch;
  std::string applied;
  const auto found = kv.get(meta, group_keys::applied(group), applied);
  if (!found) return found.error();
  if (*found) batch.put(meta, group_keys::durable(group), applied);
  write_layout(batch, layout_mark::apart);
  return kv.write(batch, kv_sync::yes);
}

result<std::unique_ptr<kv_store>> open_as_it_lies(const std::filesystem::path& data_dir) {
  kv_store::options options;
  options.directory = shared_directory(data_dir);
  std::error_code failed;
  // A store that is not there must not be made by looking for it.
  if (!std::filesystem::exists(options.directory / "CURRENT", failed))
    return failure(ec::not_found, "'" + data_dir.string() + "' is no data directory of a node");
  auto kv = kv_store::open(options);
  if (!kv) return kv;
  const auto mark = read_layout(**kv);
  if (!mark) return mark.error();
  if (*mark == layout_mark::together) return kv;
  if (*mark != layout_mark::apart) return not_so("a conversion of the data is not finished: repeat 'wagglectl tenancy convert'");
  kv->reset();
  options.tenants_root = data_dir;
  return kv_store::open(options);
}

}  // namespace waggle
