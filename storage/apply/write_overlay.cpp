#include "storage/apply/write_overlay.hpp"

#include "storage/kv/tenant_route.hpp"

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

void write_overlay::change(kv_family family, std::string key, std::optional<std::string> value) {
  auto [it, fresh] = of(family).try_emplace(key);
  auto& undo = undo_.emplace_back(undone{family, std::move(key), std::nullopt});
  if (!fresh) undo.before.emplace(std::move(it->second));
  it->second = std::move(value);
}

void write_overlay::put(kv_family family, std::string key, std::string value) {
  change(family, std::move(key), std::move(value));
}

void write_overlay::erase(kv_family family, std::string key) { change(family, std::move(key), std::nullopt); }

void write_overlay::erase_range(kv_family family, const std::string& begin, const std::string& end) {
  auto& changed = of(family);
  const auto first = changed.lower_bound(begin), last = changed.lower_bound(end);
  for (auto it = first; it != last; ++it) undo_.emplace_back(undone{family, it->first, std::nullopt}).before.emplace(std::move(it->second));
  changed.erase(first, last);
  erased_.push_back({family, begin, end});
}

void write_overlay::mark() {
  undo_.clear();
  erased_at_mark_ = erased_.size();
}

void write_overlay::roll_back() {
  for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) {
    if (it->before)
      of(it->family).insert_or_assign(std::move(it->key), std::move(*it->before));
    else
      of(it->family).erase(it->key);
  }
  undo_.clear();
  erased_.resize(erased_at_mark_);
}

template <class To>
void write_overlay::write_to(To to) const {
  for (const auto& range : erased_) to(range.family, range.begin).erase_range(range.family, range.begin, range.end);
  for (const auto family : {kv_family::points, kv_family::meta})
    for (const auto& [key, value] : of(family)) {
      if (value)
        to(family, key).put(family, key, *value);
      else
        to(family, key).erase(family, key);
    }
}

kv_batch write_overlay::batch() const {
  kv_batch out;
  write_to([&out](kv_family, std::string_view) -> kv_batch& { return out; });
  return out;
}

write_overlay::parts write_overlay::by_database() const {
  parts out;
  write_to([&out](kv_family family, std::string_view key) -> kv_batch& {
    const auto owner = tenant_route::owner_of(family, key);
    return owner ? out.own[*owner] : out.shared;
  });
  return out;
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
