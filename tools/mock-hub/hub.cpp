#include "tools/mock-hub/hub.hpp"

#include <filesystem>

#include "base/text_out.hpp"
#include "tools/mock-hub/control_api.hpp"
#include "tools/mock-hub/shapes.hpp"

namespace waggle::mock {
namespace {
constexpr std::size_t journal_max = 100'000;
constexpr std::size_t shown_body_bytes_max = 64 << 10;

/// The bodies of the journal are shown as JSON where they are JSON.
json::value shown_body(const std::string& body) {
  if (body.size() > shown_body_bytes_max) return json::value("(" + std::to_string(body.size()) + " bytes)");
  json::error_code code;
  auto parsed = json::parse(body, code);
  return code ? json::value(body) : parsed;
}

/// Everything but the service key, of which the journal says only whether it was right.
json::object shown_headers(const request& call) {
  json::object out;
  for (const auto& [name, value] : call.headers)
    if (name != "authorization") out[name] = value;
  return out;
}

std::vector<std::string> whole_lines(const std::string& path, std::uintmax_t& bytes) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line) && !in.eof(); bytes += line.size() + 1) lines.push_back(line);
  return lines;
}

/// What was refused changed nothing; a conflict may have drawn an id, and a duplicate report was counted.
bool left_a_trace(const answer& done) { return done.status < 400 || done.status == 409; }

/// A body that no one read need not be text.
json::value logged_body(const std::string& body) {
  json::error_code code;
  json::parse(body, code);
  return code ? json::value("") : json::value(body);
}

bool changes_records(const std::string& control_path) {
  return !control_path.starts_with("/__mock/faults") && !control_path.starts_with("/__mock/journal");
}
}  // namespace

hub::hub(hub_options options, std::function<unix_ms()> real_time)
    : options_(std::move(options)),
      real_time_(std::move(real_time)),
      records_(options_.rng_seed),
      faults_(options_.rng_seed) {
  if (options_.state_dir.empty())
    start_over(real_time_());
  else
    open_change_log();
}

/// The seed makes what the control API makes: users with keys, then faults.
void hub::apply_seed(unix_ms at) {
  const auto& seed = options_.seed;
  const auto each = [](const json::object& in, const char* name, const auto& take) {
    const auto* list = in.if_contains(name);
    if (!list || list->is_null()) return;
    if (!list->is_array()) throw refusal(400, std::string(name) + " must be a list");
    for (const auto& item : list->get_array()) {
      if (!item.is_object()) throw refusal(400, std::string("each of ") + name + " must be a map");
      take(item.get_object());
    }
  };
  each(seed, "users", [&](const json::object& item) {
    const auto& who = records_.state.add_user(read_user(item, at));
    each(item, "keys", [&](const json::object& described) {
      auto key = read_key(described, at);
      key.user_id = who.id;
      records_.state.add_key(std::move(key));
    });
  });
  each(seed, "faults", [&](const json::object& item) { faults_.add(item); });
}

void hub::start_over(unix_ms at) {
  records_ = hub_records(options_.rng_seed);
  faults_ = fault_table(options_.rng_seed);
  journal_.clear();
  arrived_of_.clear();
  clock_offset_ms_ = 0;
  apply_seed(at);
}

arrival hub::arrive(const request& call) {
  arrival a;
  a.route = find_route(call.method, call.path);
  a.number = ++arrived_;
  const std::string operation = a.route ? a.route->operation : "unknown";
  ++arrived_of_[operation];
  if (a.route) a.plan = faults_.plan(operation);
  const auto key = call.headers.find("authorization");
  journal_.push_back(
      {{"number", a.number},
       {"at", format_rfc3339(now())},
       {"operation", operation},
       {"method", call.method},
       {"target", call.target},
       {"headers", shown_headers(call)},
       {"service_key_right", key != call.headers.end() && key->second == "Bearer " + options_.service_key},
       {"body", shown_body(call.body)},
       {"faults", a.plan.rules},
       {"carried_out", 0},
       {"status", nullptr}});
  if (journal_.size() > journal_max) journal_.pop_front();
  return a;
}

answer hub::carry_out(const arrival& from, const request& call) {
  if (!from.route) return error_answer(404, "there is no such path");
  const auto key = call.headers.find("authorization");
  if (from.route->needs_service_key && (key == call.headers.end() || key->second != "Bearer " + options_.service_key))
    return error_answer(401, "the service key is refused");
  if (auto* entry = journal_entry(from.number)) (*entry)["carried_out"] = (*entry)["carried_out"].as_int64() + 1;
  const auto at = now();
  auto done = change("hub", call, at);
  if (from.route->changes && left_a_trace(done)) log_change("hub", call, at);
  return done;
}

void hub::answered(const arrival& from, int status) {
  if (auto* entry = journal_entry(from.number)) (*entry)["status"] = status;
}

/// Numbers in the journal have no gaps; those from before it was cleared are gone.
json::object* hub::journal_entry(std::int64_t number) {
  if (journal_.empty()) return nullptr;
  const auto place = number - journal_.front()["number"].as_int64();
  if (place < 0 || place >= static_cast<std::int64_t>(journal_.size())) return nullptr;
  return &journal_[static_cast<std::size_t>(place)];
}

answer hub::control(const request& call) {
  const auto at = call.path == "/__mock/reset" ? real_time_() : now();  // a reset takes the clock back
  auto done = change("control", call, at);
  if (call.method != "GET" && changes_records(call.path) && left_a_trace(done)) log_change("control", call, at);
  return done;
}

/// Everything that changes the records goes through here, so that the change log can be read back through here.
answer hub::change(const std::string& door, const request& call, unix_ms at) {
  try {
    if (door == "control") return control_api(*this, call, at).serve();
    return serve_operation(records_, *find_route(call.method, call.path), call, at);
  } catch (const refusal& why) {
    return error_answer(why.status, why.what());
  }
}

/// changes.jsonl: the seed first, then every change. Read back it gives the same records; faults and journal begin
/// anew.
void hub::open_change_log() {
  std::filesystem::create_directories(options_.state_dir);
  const auto path = options_.state_dir + "/changes.jsonl";
  std::uintmax_t whole_bytes = 0;
  const auto lines = whole_lines(path, whole_bytes);
  if (lines.empty()) {
    const auto at = real_time_();
    start_over(at);
    change_log_.open(path, std::ios::trunc);
    write_line({{"rng_seed", std::to_string(options_.rng_seed)}, {"seed", options_.seed}, {"at", at}});
  } else {
    std::filesystem::resize_file(path, whole_bytes);  // what follows was never answered
    const auto first = parse_object(lines.front());
    options_.rng_seed = std::stoull(required_text(first, "rng_seed"));
    options_.seed = first.at("seed").as_object();
    start_over(first.at("at").as_int64());
    for (auto line = lines.begin() + 1; line != lines.end(); ++line) {
      const auto entry = parse_object(*line);
      auto call = make_request(required_text(entry, "method"), required_text(entry, "target"));
      call.body = text_or(entry, "body", "");
      change(required_text(entry, "door"), call, entry.at("at").as_int64());
    }
    change_log_.open(path, std::ios::app);
  }
}

void hub::write_line(const json::object& line) {
  change_log_ << json::serialize(line) << '\n' << std::flush;
  if (!change_log_) throw std::runtime_error("the change log can't be written");
}

void hub::log_change(const std::string& door, const request& call, unix_ms at) {
  if (change_log_.is_open())
    write_line({{"door", door},
                {"at", at},
                {"method", call.method},
                {"target", call.target},
                {"body", logged_body(call.body)}});
}

}  // namespace waggle::mock
