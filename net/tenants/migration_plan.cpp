#include "net/tenants/migration_plan.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {
constexpr std::array<std::string_view, 6> statuses = {"pending", "in_progress", "completed", "failed", "rolled_back", "skipped"};
constexpr std::array<std::string_view, 7> phases = {"planned",     "executing", "executed", "rolling_back",
                                                    "rolled_back", "finishing", "finished"};

failure corrupt() {
  failure f(ec::corrupt_data);
  f.log_text = "a record of the migration can't be read";
  return f;
}

/// Reads members; remembers whether one was missing or of another type.
class reader {
 public:
  explicit reader(json_value from) : from_(from), good_(from.is_object()) {}
  bool good() const { return good_; }

  std::string text(std::string_view name) {
    const auto v = from_[name];
    good_ &= v.is_string();
    return v.is_string() ? std::string(v.as_string()) : std::string();
  }
  std::uint64_t number(std::string_view name) {
    std::uint64_t n = 0;
    good_ &= from_[name].get_uint64(n);
    return n;
  }
  std::int64_t time(std::string_view name) { return static_cast<std::int64_t>(number(name)); }
  bool flag(std::string_view name) {
    const auto v = from_[name];
    good_ &= v.is_bool();
    return v.is_bool() && v.as_bool();
  }
  tenant_id tenant(std::string_view name) {
    tenant_id id;
    good_ &= parse_uuid(text(name), id.bytes);
    return id;
  }
  /// The enumerator with this name.
  template <class Enum, std::size_t N>
  Enum one_of(std::string_view name, const std::array<std::string_view, N>& names) {
    const auto found = std::find(names.begin(), names.end(), text(name));
    good_ &= found != names.end();
    return static_cast<Enum>(found == names.end() ? 0 : found - names.begin());
  }

 private:
  json_value from_;
  bool good_;
};
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
  json_parser parser;
  const auto root = parser.parse(json);
  if (!root) return corrupt();
  reader in(*root);
  collection_move m;
  m.source = collection_id(in.number("source"));
  m.name = in.text("name");
  m.owner = in.tenant("owner");
  m.status = in.one_of<move_status>("status", statuses);
  m.error = in.text("error");
  m.points = in.number("points");
  m.snapshots = in.number("snapshots");
  m.copy = collection_id(in.number("copy"));
  m.digest = in.text("digest");
  m.migrated_ms = in.time("migrated_ms");
  m.source_deleted = in.flag("source_deleted");
  return in.good() ? result<collection_move>(std::move(m)) : corrupt();
}

std::string encode_plan(const migration_plan& p) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("id", p.id).member("default_owner", to_string(p.default_owner)).member("phase", name_of(p.phase));
  w.member("created_ms", p.created_ms).member("started_ms", p.started_ms).member("completed_ms", p.completed_ms).end_object();
  return out;
}

result<migration_plan> decode_plan(std::string_view json) {
  json_parser parser;
  const auto root = parser.parse(json);
  if (!root) return corrupt();
  reader in(*root);
  migration_plan p;
  p.id = in.text("id");
  p.default_owner = in.tenant("default_owner");
  p.phase = in.one_of<migration_phase>("phase", phases);
  p.created_ms = in.time("created_ms");
  p.started_ms = in.time("started_ms");
  p.completed_ms = in.time("completed_ms");
  return in.good() ? result<migration_plan>(std::move(p)) : corrupt();
}

}  // namespace waggle
