#pragma once
// A migration as it is written down: which collection of the implicit tenant goes to whom, and how far it got
// (docs/formats/migrations.md). Pure; any thread.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"

namespace waggle {

inline constexpr std::string_view migrations_space = "migrations";  ///< node records: the plan, and one per collection
inline constexpr std::string_view migration_plan_key = "plan";

enum class move_status : std::uint8_t { pending, in_progress, completed, failed, rolled_back, skipped };
std::string_view name_of(move_status status);

/// One collection on its way to its owner.
struct collection_move {
  collection_id source;
  std::string name;
  tenant_id owner;
  move_status status = move_status::pending;
  std::string error;  ///< code and sentence; "" = none
  std::uint64_t points = 0;
  std::uint64_t snapshots = 0;    ///< stay behind
  collection_id copy;             ///< the owner's; 0: there is none
  std::string digest;             ///< of all points, once the copy was found to have the same
  std::int64_t migrated_ms = 0;
  bool source_deleted = false;
};
std::string encode_move(const collection_move& move);
/// ec::corrupt_data.
result<collection_move> decode_move(std::string_view json);
std::string move_key(collection_id source);
/// What a copy is called until it is complete.
std::string unfinished_name(std::string_view plan, collection_id source);

enum class migration_phase : std::uint8_t { planned, executing, executed, rolling_back, rolled_back, finishing, finished };
std::string_view name_of(migration_phase phase);
/// It has a job to do, also after a restart.
inline bool is_at_work(migration_phase phase) {
  return phase == migration_phase::executing || phase == migration_phase::rolling_back || phase == migration_phase::finishing;
}

struct migration_plan {
  std::string id;  ///< a UUID
  tenant_id default_owner;
  migration_phase phase = migration_phase::planned;
  std::int64_t created_ms = 0;
  std::int64_t started_ms = 0;    ///< of the phase that works, or worked last
  std::int64_t completed_ms = 0;  ///< 0: not yet
  bool dry_run = false;           ///< never written down
  std::vector<collection_move> moves;  ///< by name; records of their own
};
/// Without the moves.
std::string encode_plan(const migration_plan& plan);
/// ec::corrupt_data.
result<migration_plan> decode_plan(std::string_view json);

}  // namespace waggle
