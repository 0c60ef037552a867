#include "tools/wagglectl/import/jsonl_reader.hpp"

#include "base/text_out.hpp"

namespace waggle::ctl {

read_event jsonl_reader::read(import_record& out) {
  for (;;) {
    auto status = in_.read_line(line_, record_bytes_max);
    if (!status) return fail(status.error().message);
    if (*status == buffered_input::line_status::end) return read_event::end;
    position_ = ++consumed_;
    if (*status == buffered_input::line_status::too_long)
      return reject("the line is over " + format_bytes(record_bytes_max));
    if (position_ == 1 && line_.starts_with("\xef\xbb\xbf")) line_.erase(0, 3);
    if (line_.find_first_not_of(" \t") != std::string::npos) break;
  }
  auto value = parser_.parse(line_);
  if (!value) {
    std::string why = value.error().message;
    if (why.starts_with("The body ")) why.replace(0, 9, "it ");
    return reject(std::move(why));
  }
  if (!value->is_object()) return reject("it is no JSON object");
  return convert(*value, out);
}

bool jsonl_reader::read_id(json_value member, import_record& out) {
  std::uint64_t number = 0;
  if (member.missing()) return true;
  if (member.is_string())
    out.id = member.as_string();
  else if (member.get_uint64(number))
    out.id = std::to_string(number);
  else {
    reason_ = "its id is neither a string nor an integer from 0";
    return false;
  }
  if (!out.id.empty()) return true;
  reason_ = "its id is empty";
  return false;
}

std::pair<std::string, json_value> jsonl_reader::vector_member(json_value object) const {
  if (!options_.vector_field.empty()) return {options_.vector_field, object[options_.vector_field]};
  for (const char* name : {"vector", "embedding", "data"})
    // `data` is a common name for other things; only an array is taken for a vector.
    if (const auto member = object[name]; member.is_array() || (member.present() && std::string_view(name) == "vector"))
      return {name, member};
  return {};
}

read_event jsonl_reader::convert(json_value object, import_record& out) {
  if (!read_id(object[options_.id_field], out)) return read_event::reject;
  const auto [vector_name, vector] = vector_member(object);
  if (!vector.missing()) {
    if (auto floats = read_floats(vector, vector_name, out.vector); !floats)
      return reject("its vector is not valid: " + floats.error().message);
    if (out.vector.empty()) return reject("its vector is empty");
  }
  if (const auto text = object[options_.text_field]; !text.missing()) {
    if (!text.is_string()) return reject("its text is no string");
    out.text = text.as_string();
    out.has_text = true;
  }
  json_value payload = object["payload"];
  if (payload.missing()) payload = object["metadata"];
  if (!payload.missing() && !payload.is_object()) return reject("its payload is no object");
  const bool explicit_payload = payload.is_object();
  out.payload = collect_payload(explicit_payload ? payload : object, explicit_payload, vector_name);
  return read_event::record;
}

std::string jsonl_reader::collect_payload(json_value object, bool explicit_payload,
                                          std::string_view vector_name) const {
  std::string out;
  json_writer writer(out);
  writer.begin_object();
  bool any = false;
  for (const auto member : object.as_object()) {
    const bool taken = member.key == options_.id_field || member.key == vector_name ||
                       member.key == options_.text_field || member.key == "payload" || member.key == "metadata";
    if ((taken && !explicit_payload) || !payload_wanted(member.key)) continue;
    writer.key(member.key).raw(json_value(member.value).to_text());
    any = true;
  }
  writer.end_object();
  return any ? out : std::string();
}

}  // namespace waggle::ctl
