#include "storage/kv/tenant_route.hpp"

#include <algorithm>

namespace waggle::tenant_route {
namespace {
constexpr std::size_t owner_bytes = 16;
constexpr char mirror = 'K', gone = 'X';

std::string prefix(char kind) { return std::string(owner_bytes, '\xff') + kind; }

std::string key(char kind, const tenant_id& owner) {
  return prefix(kind).append(reinterpret_cast<const char*>(owner.bytes.data()), owner.bytes.size());
}
}  // namespace

std::optional<tenant_id> owner_of(kv_family family, std::string_view key) {
  if (family == kv_family::raft_log || key.size() < owner_bytes) return std::nullopt;
  tenant_id owner;
  std::copy_n(key.begin(), owner_bytes, owner.bytes.begin());
  const bool of_node = std::all_of(owner.bytes.begin(), owner.bytes.end(), [](auto b) { return b == 0xff; });
  if (of_node || owner.is_nil()) return std::nullopt;
  return owner;
}

std::string mirror_key(const tenant_id& owner) { return key(mirror, owner); }
std::string dropped_key(const tenant_id& owner) { return key(gone, owner); }
std::pair<std::string, std::string> mirrors() { return {prefix(mirror), prefix(mirror + 1)}; }
std::pair<std::string, std::string> dropped() { return {prefix(gone), prefix(gone + 1)}; }

tenant_id owner_in(std::string_view key) {
  tenant_id owner;
  const auto bytes = key.substr(std::min(key.size(), owner_bytes + 1));
  std::copy_n(bytes.begin(), std::min(bytes.size(), owner_bytes), owner.bytes.begin());
  return owner;
}

}  // namespace waggle::tenant_route
