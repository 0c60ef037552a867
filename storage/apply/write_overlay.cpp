#include "storage/apply/write_overlay.hpp"

namespace waggle {

bool write_overlay::range_erased(kv_family family, std::string_view key) const {
  for (const auto& range : erased_)
    if (range.family == family && key >= range.begin && key < range.end) return true;
  return false;
}

result<std::optional<std::string>> write_overlay::get(kv_family family, const std::string& key) const {
  const auto& changed = of(family);
  if (const auto it = changed.find(key); it != changed.end()) return it->second;
  if (range_erased(family, key)) return std::optional<std::string>{};
  std::string value;
  auto found = kv_.get(family, key, value);
  if (!found) return found.error();
  if (!*found) return std::optional<std::string>{};
  return std::optional<std::string>(std::move(value));
}

void write_overlay::put(kv_family family, std::string key, std::string value) {
  batch_.put(family, key, value);
  of(family).insert_or_assign(std::move(key), std::move(value));
}

void write_overlay::erase(kv_family family, std::string key) {
  batch_.erase(family, key);
  of(family).insert_or_assign(std::move(key), std::nullopt);
}

void write_overlay::erase_range(kv_family family, const std::string& begin, const std::string& end) {
  batch_.erase_range(family, begin, end);
  auto& changed = of(family);
  changed.erase(changed.lower_bound(begin), changed.lower_bound(end));
  erased_.push_back({family, begin, end});
}

result<void> write_overlay::scan(kv_family family, const std::string& begin, const std::string& end,
                                 const std::function<void(std::string_view, std::string_view)>& visit) const {
  const auto& changed = of(family);
  auto own = changed.lower_bound(begin);
  const auto own_end = changed.lower_bound(end);
  const auto visit_own_before = [&](std::string_view key) {
    for (; own != own_end && own->first < key; ++own)
      if (own->second) visit(own->first, *own->second);
  };
  auto scanned = kv_.scan(family, begin, end, [&](std::string_view key, std::string_view value) {
    visit_own_before(key);
    if (own != own_end && own->first == key) return true;  // the batch's own version comes with the next step
    if (!range_erased(family, key)) visit(key, value);
    return true;
  });
  if (!scanned) return scanned.error();
  for (; own != own_end; ++own)
    if (own->second) visit(own->first, *own->second);
  return {};
}

}  // namespace waggle
