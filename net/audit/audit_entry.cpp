#include "net/audit/audit_entry.hpp"

#include <initializer_list>

#include "base/text_out.hpp"

namespace waggle {
namespace {

std::string_view text_of(json_value value) { return value.is_string() ? value.as_string() : std::string_view(); }

/// Those who are not the tenant's own people: a key id that a service names is the tenant's.
struct shown_actor {
  std::string_view kind, id, key_prefix;
  bool from_outside = false;
};

shown_actor actor_of(json_value record, const audit_query& query) {
  const auto actor = record["actor"];
  shown_actor shown{text_of(actor["kind"]), text_of(actor["id"]), text_of(actor["key_prefix"]), false};
  if (query.as_operator || !record["on_behalf_of"].present()) return shown;
  shown.from_outside = true;
  shown.key_prefix = {};
  if (shown.kind != "service") shown.id = {};
  return shown;
}

bool is_asked_for(json_value record, const shown_actor& actor, const audit_query& query) {
  if (!query.only_tenant.empty() && text_of(record["tenant_id"]) != query.only_tenant) return false;
  const auto at = text_of(record["ts"]);
  const auto time = at.substr(0, at.find('Z'));
  if (time < query.from || (!query.to.empty() && time >= query.to)) return false;
  if (!query.actor.empty() && query.actor != actor.id && query.actor != actor.kind) return false;
  return query.action.empty() || query.action == text_of(record["action"]) ||
         query.action == text_of(record["function"]);
}

/// Members of the record, under their own names, where it has them.
void write_members(json_writer& w, json_value record, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (const auto value = record[name]; value.present()) w.member_raw(name, value.to_text());
}

}  // namespace

std::optional<std::string> read_audit_time(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00.000";
  constexpr std::size_t day_bytes = 10, seconds_bytes = 19;
  const bool day = text.size() == day_bytes;
  if (!day && !text.ends_with('Z')) return std::nullopt;
  if (!day) text.remove_suffix(1);
  const bool whole = day || text.size() == seconds_bytes || (text.size() > seconds_bytes + 1 && text.size() <= shape.size());
  if (!whole) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == '0' ? !digit : text[i] != shape[i]) return std::nullopt;
  }
  return std::string(text);
}

audit_line_filter::audit_line_filter(const audit_query& query) {
  if (!query.only_tenant.empty()) tenant_member_ = R"("tenant_id":")" + query.only_tenant + "\"";
}

bool audit_line_filter::may_be_asked_for(std::string_view line) const { return line.find(tenant_member_) != line.npos; }

std::optional<std::string> audit_entry(json_value record, const audit_query& query) {
  // The chain's records about itself are nobody's doing.
  if (!record["actor"].is_object()) return std::nullopt;
  const auto actor = actor_of(record, query);
  if (!is_asked_for(record, actor, query)) return std::nullopt;
  std::string out;
  json_writer w(out);
  w.begin_object().member("at", text_of(record["ts"])).key("actor").begin_object().member("kind", actor.kind);
  w.member("id", actor.id).member("key_prefix", actor.key_prefix).end_object();
  write_members(w, record, {"action", "target", "event", "function", "class", "tenant_id", "on_behalf_of", "protocol", "method",
                            "route", "status", "result", "reason", "correlation_id", "duration_ms"});
  if (!actor.from_outside) write_members(w, record, {"client_ip", "user_agent"});
  if (query.as_operator) write_members(w, record, {"node_id", "seq", "hash"});
  w.end_object();
  return out;
}

}  // namespace waggle
