#include "net/audit/audit_chain.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

#include "base/crypto.hpp"
#include "base/text_out.hpp"

namespace waggle {
namespace {

/// RFC 8785 §3.2.2.2: as the house writes texts, but \b and \f have names.
void append_canonical_string(std::string& out, std::string_view text) {
  const auto start = out.size();
  append_json_string(out, text);
  for (auto at = out.find('\\', start); at != out.npos; at = out.find('\\', at + 2)) {
    if (out.compare(at, 6, "\\u0008") == 0)
      out.replace(at, 6, "\\b");
    else if (out.compare(at, 6, "\\u000c") == 0)
      out.replace(at, 6, "\\f");
  }
}

/// Writes an object whose members come in ascending order.
class canonical_object {
 public:
  explicit canonical_object(std::string& out) : out_(out) { out_ += '{'; }
  void close() { out_ += '}'; }
  void key(std::string_view name) {
    assert(last_ < name);
    last_ = name;
    if (out_.back() != '{') out_ += ',';
    out_.append("\"").append(name).append("\":");
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_canonical_string(out_, value);
  }
  void text_if_any(std::string_view name, const std::optional<std::string>& value) {
    if (value) text(name, *value);
  }
  void text_unless_empty(std::string_view name, const std::string& value) {
    if (!value.empty()) text(name, value);
  }
  template <class N>
  void number(std::string_view name, N value) {
    key(name);
    append_number(out_, value);
  }

 private:
  std::string& out_;
  std::string_view last_;
};

std::string link_hash(std::string_view prev_hash, std::string_view record) {
  return sha256_hex(std::string(prev_hash).append(record));
}

constexpr std::string_view hash_member(R"("hash":)");

/// The canonical form of any value made of objects, texts and integers; false for anything else. Without the member
/// `left_out` of the outermost object.
bool append_canonical(std::string& out, json_value value, std::string_view left_out) {
  std::uint64_t natural = 0;
  std::int64_t whole = 0;
  if (value.is_string()) return append_canonical_string(out, value.as_string()), true;
  if (value.is_integer() && value.get_uint64(natural)) return append_number(out, natural), true;
  if (value.is_integer() && value.get_int64(whole)) return append_number(out, whole), true;
  if (!value.is_object()) return false;
  std::vector<std::pair<std::string_view, json_value>> members;
  for (const auto& [name, member] : value.as_object())
    if (name != left_out) members.emplace_back(name, json_value(member));
  std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  out += '{';
  for (const auto& [name, member] : members) {
    if (out.back() != '{') out += ',';
    append_canonical_string(out, name);
    out += ':';
    if (!append_canonical(out, member, {})) return false;
  }
  out += '}';
  return true;
}

std::string text_of(json_value value) { return value.is_string() ? std::string(value.as_string()) : std::string(); }

}  // namespace

void append_audit_line(std::string& out, const audit_record& record, std::string_view node_id, chain_head& head) {
  std::string text;
  text.reserve(1024);
  const auto* request = record.request ? &*record.request : nullptr;
  canonical_object object(text);
  if (request) {
    object.text("action", request->action);
    object.key("actor");
    canonical_object actor(text);
    actor.text("id", request->actor_id);
    actor.text("key_prefix", request->actor_key_prefix);
    actor.text("kind", request->actor_kind);
    actor.close();
    object.text("class", request->permission_class);
    object.text("client_ip", request->client_ip);
    object.text("correlation_id", request->correlation_id);
  }
  if (record.count) object.number("count", *record.count);
  if (request) object.number("duration_ms", request->duration_ms);
  object.text("event", record.event);
  if (request) object.text("function", request->function);
  const auto place_of_hash = text.size();
  object.text_if_any("head", record.head);
  if (request) object.text("method", request->method);
  object.text("node_id", node_id);
  if (request) object.text_unless_empty("on_behalf_of", request->on_behalf_of);
  object.text("prev_hash", head.hash);
  object.text_if_any("previous_file", record.previous_file);
  object.text_if_any("previous_hash", record.previous_hash);
  if (request) {
    object.text("protocol", request->protocol);
    object.text_unless_empty("reason", request->reason);
    object.text("result", request->result);
    object.text("route", request->route);
  }
  object.number("seq", head.seq + 1);
  object.text_if_any("signature", record.signature);
  if (request) {
    object.number("status", request->status);
    object.text("target", request->target);
    object.text("tenant_id", request->tenant_id);
  }
  object.text("ts", format_rfc3339(record.unix_ms));
  if (request) object.text("user_agent", request->user_agent);
  object.close();
  head = {head.seq + 1, link_hash(head.hash, text)};
  // "event" stands before it, always: so there is a comma to follow.
  out.append(text, 0, place_of_hash).append(",").append(hash_member).append("\"").append(head.hash).append("\"");
  out.append(text, place_of_hash).append("\n");
}

std::optional<audit_link> read_audit_line(std::string_view line, json_parser& parser) {
  const auto parsed = parser.parse(line);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  std::string whole, hashed;
  if (!append_canonical(whole, *parsed, {}) || whole != line) return std::nullopt;
  append_canonical(hashed, *parsed, "hash");
  const auto& record = *parsed;
  audit_link link{{0, text_of(record["hash"])}, text_of(record["prev_hash"]), text_of(record["event"]),
                  text_of(record["previous_file"]), text_of(record["previous_hash"]), text_of(record["node_id"]),
                  text_of(record["head"]), text_of(record["signature"])};
  if (!record["seq"].get_uint64(link.self.seq) || link_hash(link.prev_hash, hashed) != link.self.hash)
    return std::nullopt;
  return link;
}

}  // namespace waggle
