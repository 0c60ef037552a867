#pragma once
// One apply batch: writes collect here and are read back at once, so that many log entries share one key-value batch.
// Owned by the state machine; one thread.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "storage/kv/kv_store.hpp"

namespace waggle {

class write_overlay {
 public:
  explicit write_overlay(const kv_store& kv) : kv_(kv) {}

  result<std::optional<std::string>> get(kv_family family, const std::string& key) const;
  void put(kv_family family, std::string key, std::string value);
  void erase(kv_family family, std::string key);
  void erase_range(kv_family family, const std::string& begin, const std::string& end);
  /// Keys in [begin, end) in order, as this batch would leave them. `visit` must not write to the overlay.
  result<void> scan(kv_family family, const std::string& begin, const std::string& end,
                    const std::function<void(std::string_view key, std::string_view value)>& visit) const;

  const kv_batch& batch() const { return batch_; }

 private:
  using changes = std::map<std::string, std::optional<std::string>, std::less<>>;
  changes& of(kv_family family) { return family == kv_family::points ? points_ : meta_; }
  const changes& of(kv_family family) const { return family == kv_family::points ? points_ : meta_; }
  bool range_erased(kv_family family, std::string_view key) const;

  const kv_store& kv_;
  kv_batch batch_;
  changes points_;
  changes meta_;
  struct erased_range {
    kv_family family;
    std::string begin, end;
  };
  std::vector<erased_range> erased_;
};

}  // namespace waggle
