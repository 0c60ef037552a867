#pragma once
// What a kv_store holds. Inside of storage/kv only, for kv_store.cpp (calls) and kv_resume.cpp (failure and figures).
#include <condition_variable>
#include <mutex>

#include "storage/kv/rocks_database.hpp"
#include "storage/kv/tenant_databases.hpp"
#include "storage/kv/tenant_route.hpp"

namespace waggle {

struct kv_snapshot::impl {
  explicit impl(std::shared_ptr<rocks_database> of);
  ~impl();
  std::shared_ptr<rocks_database> base;
  const rocksdb::Snapshot* at;
};

/// Each call holds its database while it runs, so that resume() can take it away, see the last call end, and reopen.
struct kv_store::impl {
  options opts;
  rocks_database::shared_parts parts;
  std::unique_ptr<tenant_databases> tenants;  ///< none: all in one
  std::mutex resuming;                        ///< one resume() at a time

  result<void> open(rocks_database::mode how);
  /// The shared database for one call; waits while it is being reopened. Null when it could not be opened again.
  std::shared_ptr<rocks_database> use() const;
  /// The same without waiting: null while it is being reopened.
  std::shared_ptr<rocks_database> look() const;
  /// Closes the database when its last call has ended; calls that begin from now on wait for give_back().
  result<void> take_away();
  void give_back();

  /// The database that holds a key, for reading. Null: it isn't there, so nothing is in it.
  struct source {
    std::shared_ptr<rocks_database> base;
    std::optional<tenant_id> owner;
  };
  result<source> find(kv_family family, std::string_view key, const kv_snapshot* snapshot) const;
  /// What a read of it met.
  failure blame(const source& from, const rocksdb::Status& s, std::string_view doing) const;
  result<void> sync(rocks_database& in) const;

  void open_tenants();
  /// What a crash left of databases that were dropped.
  result<void> finish_drops();
  result<tenant_databases::presence> presence_of(const tenant_id& owner) const;
  result<void> forget_drop(const tenant_id& owner) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable reopened_;
  std::shared_ptr<rocks_database> base_;
  bool away_ = false;
};

/// What a call gets when the database could not be opened again.
inline failure store_is_closed() { return failure(ec::not_ready, "The store could not be reopened."); }
inline rocksdb::Slice to_slice(std::string_view text) { return {text.data(), text.size()}; }
/// Adds one write of a batch, for this database.
rocksdb::Status add_write(rocksdb::WriteBatch& out, const rocks_database& in, kv_batch::op op, kv_family family,
                          std::string_view first, std::string_view second);

}  // namespace waggle
