#include "tools/mock-hub/faults.hpp"

#include <algorithm>
#include <array>

#include "tools/mock-hub/routes.hpp"

namespace waggle::mock {
namespace {
constexpr std::size_t rules_max = 1000;
constexpr std::int64_t body_bytes_max = 256 << 20;
constexpr std::array kind_names = {"latency",   "duplicate", "status",     "reject_key", "reset", "hang",  "slow",
                                   "truncated", "malformed", "wrong_type", "oversized",  "tls",   "refuse"};

fault_kind kind_of(const std::string& name) {
  const auto found = std::ranges::find(kind_names, name);
  if (found == kind_names.end()) throw refusal(400, "there is no fault '" + name + "'");
  return static_cast<fault_kind>(found - kind_names.begin());
}

std::int64_t number_in(const json::object& from, std::string_view name, std::int64_t otherwise, std::int64_t least,
                       std::int64_t most) {
  const auto number = number_or(from, name, otherwise);
  if (number < least || number > most)
    throw refusal(400, std::string(name) + " must be " + std::to_string(least) + " to " + std::to_string(most));
  return number;
}

double probability_of(const json::object& from) {
  const auto* value = from.if_contains("probability");
  if (!value) return 1;
  json::error_code code;
  const auto probability = value->to_number<double>(code);
  if (code || !(probability >= 0 && probability <= 1)) throw refusal(400, "probability must be 0 to 1");
  return probability;
}

fault read_fault(const json::object& from) {
  constexpr std::int64_t day_ms = 86'400'000;
  fault f;
  f.kind = kind_of(required_text(from, "kind"));
  const auto when = text_or(from, "when", "before");
  if (when != "before" && when != "after") throw refusal(400, "when must be before or after");
  f.after = when == "after";
  f.status = static_cast<int>(number_in(from, "status", 503, 400, 599));
  if (f.kind == fault_kind::reject_key) f.status = 401;
  f.retry_after_seconds = find_number(from, "retry_after_seconds");
  f.ms = number_in(from, "ms", f.kind == fault_kind::slow ? 100 : 0, 0, day_ms);
  f.ms_max = number_in(from, "ms_max", f.ms, f.ms, day_ms);
  f.bytes = number_in(from, "bytes", f.kind == fault_kind::slow ? 1 : 32 << 20, 1, body_bytes_max);
  return f;
}

json::value of_another_type(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string: return 7;
    case json::kind::bool_: return "yes";
    case json::kind::null: return json::array();
    case json::kind::array: return json::object();
    case json::kind::object: return json::array();
    default: return "seven";
  }
}
}  // namespace

std::pair<fault, std::int64_t> fault_table::add(const json::object& description) {
  if (rules_.size() == rules_max) throw refusal(400, "there are too many faults");
  rule r;
  r.what = read_fault(description);
  r.operation = text_or(description, "operation", "*");
  if (r.operation != "*" && !is_operation(r.operation)) throw refusal(400, "there is no operation " + r.operation);
  if (r.what.kind == fault_kind::tls) r.operation = connect_operation;
  r.probability = probability_of(description);
  r.count = find_number(description, "count");
  r.pass = number_in(description, "pass", 0, 0, 1'000'000'000);
  r.fail = number_in(description, "fail", 1, 1, 1'000'000'000);
  r.id = next_id_++;
  r.draws.seed(rng_seed_ * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(r.id));
  r.description = description;
  r.description["id"] = r.id;
  rules_.push_back(std::move(r));
  return {rules_.back().what, rules_.back().id};
}

void fault_table::remove(std::int64_t id) {
  if (std::erase_if(rules_, [id](const rule& r) { return r.id == id; }) == 0)
    throw refusal(404, "there is no such fault");
}

bool fault_table::refusing() const {
  return std::ranges::any_of(rules_, [](const rule& r) { return r.what.kind == fault_kind::refuse; });
}

bool fault_table::fires(rule& r) {
  const auto turn = r.seen++ % (r.pass + r.fail);
  // Drawn for every request, so that a draw belongs to a place in the order and not to what happened before.
  const double draw = static_cast<double>(r.draws() >> 11) * 0x1p-53;
  return turn >= r.pass && (!r.count || r.fired < *r.count) && draw < r.probability;
}

fault_plan fault_table::plan(std::string_view operation) {
  fault_plan plan;
  const bool connecting = operation == connect_operation;
  for (auto& r : rules_) {
    if (r.what.kind == fault_kind::refuse || (r.operation != operation && (r.operation != "*" || connecting))) continue;
    const bool fires_now = fires(r);
    const bool decides = r.what.kind != fault_kind::latency && r.what.kind != fault_kind::duplicate;
    if (!fires_now || (decides && plan.last)) continue;
    ++r.fired;
    plan.rules.emplace_back(r.id);
    if (decides) {
      plan.last = r.what;
    } else if (r.what.kind == fault_kind::duplicate) {
      plan.times = 2;
    } else {
      const auto span = static_cast<std::uint64_t>(r.what.ms_max - r.what.ms + 1);
      plan.delay_ms += r.what.ms + (span == 1 ? 0 : static_cast<std::int64_t>(r.draws() % span));
    }
  }
  return plan;
}

json::array fault_table::list() const {
  json::array out;
  for (const auto& r : rules_) {
    auto shown = r.description;
    shown["seen"] = r.seen;
    shown["fired"] = r.fired;
    out.emplace_back(std::move(shown));
  }
  return out;
}

std::string spoil(const fault& what, std::string body) {
  if (what.kind == fault_kind::malformed) return "{\"valid\": tru, " + body;
  if (what.kind != fault_kind::wrong_type && what.kind != fault_kind::oversized) return body;
  json::error_code code;
  auto value = json::parse(body, code);
  if (code || !value.is_object()) value = json::object();
  auto& members = value.get_object();
  if (what.kind == fault_kind::oversized) {
    members["padding"] = std::string(static_cast<std::size_t>(what.bytes), 'x');
  } else {
    for (auto& member : members) member.value() = of_another_type(member.value());
  }
  return json::serialize(value);
}

}  // namespace waggle::mock
