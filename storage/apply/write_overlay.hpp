#pragma once
// One apply batch: writes collect here and are read back at once, so that many log entries share one key-value batch. What one
// entry wrote can be taken back.
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

  /// From here on `roll_back` leads back to here.
  void mark();
  void roll_back();
  /// Everything written, for the store.
  kv_batch batch() const;
  /// The same by database.
  struct parts {
    std::map<tenant_id, kv_batch> own;
    kv_batch shared;
  };
  parts by_database() const;
  bool tenants_apart() const { return kv_.has_tenant_databases(); }

 private:
  using changes = std::map<std::string, std::optional<std::string>, std::less<>>;
  changes& of(kv_family family) { return family == kv_family::points ? points_ : meta_; }
  const changes& of(kv_family family) const { return family == kv_family::points ? points_ : meta_; }
  bool range_erased(kv_family family, std::string_view key) const;

  void change(kv_family family, std::string key, std::optional<std::string> value);
  /// Adds every write to what `to(family, key)` gives.
  template <class To>
  void write_to(To to) const;

  struct undone {
    kv_family family;
    std::string key;
    std::optional<std::optional<std::string>> before;  ///< none: the batch had nothing about the key
  };
  const kv_store& kv_;
  changes points_;
  changes meta_;
  struct erased_range {
    kv_family family;
    std::string begin, end;
  };
  std::vector<erased_range> erased_;  ///< before every single change: what lies in one was put after it
  std::vector<undone> undo_;          ///< since the mark
  std::size_t erased_at_mark_ = 0;
};

}  // namespace waggle
