#include "net/tenants/migration_plan.hpp"

#include <array>

#include "base/text_out.hpp"
#include "net/bridge/record_reader.hpp"

namespace waggle {
namespace {
constexpr std::array<std::string_view, 6> statuses = {"pending", "in_progress", "completed", "failed", "rolled_back", "skipped"};
constexpr std::array<std::string_view, 7> phases = {"planned",     "executing", "executed", "rolling_back",
                                                    "rolled_back", "finishing", "finished"};
}  // namespace

std::string_view name_of(move_status status) { return statuses[static_cast<std::size_t>(status)]; }
std::string_view name_of(migration_phase phase) { return phases[static_cast<std::size_t>(phase)]; }

std::string move_key(collection_id source) { return "collection-" + to_string(source); }

std::string unfinished_name(std::string_view plan, collection_id source) {
  return "migration-" + std::string(plan) + "-" + to_string(source);
}

std::string encode_move(const collection_move& m) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("source", m.source.value).member("name", m.name).member("owner", to_string(m.owner));
  w.member("status", name_of(m.status)).member("error", m.error).member("points", m.points).member("snapshots", m.snapshots);
  w.member("copy", m.copy.value).member("digest", m.digest).member("migrated_ms", m.migrated_ms);
  w.member("source_deleted", m.source_deleted).end_object();
  return out;
}

result<collection_move> decode_move(std::string_view json) {
  record_reader in(json);
  collection_move m;
  m.source = collection_id(in.number<std::uint64_t>("source"));
  m.name = in.text("name");
  m.owner = in.tenant("owner");
  m.status = in.one_of<move_status>("status", statuses);
  m.error = in.text("error");
  m.points = in.number<std::uint64_t>("points");
  m.snapshots = in.number<std::uint64_t>("snapshots");
  m.copy = collection_id(in.number<std::uint64_t>("copy"));
  m.digest = in.text("digest");
  m.migrated_ms = in.number<std::int64_t>("migrated_ms");
  m.source_deleted = in.flag("source_deleted");
  return in.finish(std::move(m), "a move of the migration");
}

std::string encode_plan(const migration_plan& p) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("id", p.id).member("default_owner", to_string(p.default_owner)).member("phase", name_of(p.phase));
  w.member("created_ms", p.created_ms).member("started_ms", p.started_ms).member("completed_ms", p.completed_ms).end_object();
  return out;
}

result<migration_plan> decode_plan(std::string_view json) {
  record_reader in(json);
  migration_plan p;
  p.id = in.text("id");
  p.default_owner = in.tenant("default_owner");
  p.phase = in.one_of<migration_phase>("phase", phases);
  p.created_ms = in.number<std::int64_t>("created_ms");
  p.started_ms = in.number<std::int64_t>("started_ms");
  p.completed_ms = in.number<std::int64_t>("completed_ms");
  return in.finish(std::move(p), "the migration's plan");
}

}  // namespace waggle
