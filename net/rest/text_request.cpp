#include "net/rest/text_request.hpp"

#include "base/limits.hpp"
#include "base/text_out.hpp"
#include "base/uuid.hpp"
#include "storage/text/chunking.hpp"

namespace waggle::rest {
namespace {

/// The metadata's members, to be spliced behind our own; ours win, so the metadata may not carry them.
void append_members(std::string& payload, std::string_view metadata, std::initializer_list<std::string_view> own) {
  if (metadata.size() <= 2) return;
  json_parser parser;
  const auto parsed = parser.parse(metadata);
  if (!parsed) return;
  for (const auto member : parsed->as_object()) {
    bool taken = false;
    for (const auto name : own) taken |= member.key == name;
    if (taken) continue;
    payload += ',';
    append_json_string(payload, member.key);
    payload += ':';
    json_value(member.value).append_text(payload);
  }
}

std::string text_payload(const text_item& item) {
  std::string payload = "{\"content\":";
  append_json_string(payload, item.text);
  append_members(payload, item.metadata, {"content"});
  payload += '}';
  return payload;
}

std::string chunk_payload(const text_item& item, std::string_view chunk, std::size_t n) {
  std::string payload = "{\"content\":";
  append_json_string(payload, chunk);
  payload += ",\"file_path\":";
  append_json_string(payload, item.file_path);
  payload += ",\"chunk_index\":";
  append_number(payload, static_cast<std::uint64_t>(n));
  payload += ",\"parent_id\":";
  append_json_string(payload, item.id);
  append_members(payload, item.metadata, {"content", "file_path", "chunk_index", "parent_id"});
  payload += '}';
  return payload;
}

}  // namespace

text_options read_text_options(decoder& d, const text_options& defaults) {
  text_options o;
  o.auto_chunk = d.boolean({"auto_chunk"}, defaults.auto_chunk);
  o.chunk_size = d.integer({"chunk_size"}, defaults.chunk_size, limits::chunk_bytes_min, limits::chunk_bytes_max);
  o.chunk_overlap = d.integer({"chunk_overlap"}, std::min(defaults.chunk_overlap, o.chunk_size - 1), 0,
                              limits::chunk_bytes_max);
  if (o.chunk_overlap >= o.chunk_size) d.refuse("chunk_overlap", "must be less than chunk_size");
  if (d.member({"public_key"}).present())
    d.refuse(failure(ec::unsupported_provider, "Client-side payload encryption is not available",
                     R"({"requested":"public_key","available":[]})"));
  return o;
}

result<text_item> read_text(const json_value& json, const text_options& defaults, std::size_t payload_bytes_max) {
  decoder d(json);
  text_item item;
  item.text = d.text({"text"});
  if (!d.failed() && item.text.empty()) d.refuse("text", "must not be empty");
  if (const auto id = d.id({"id", "client_id"})) {
    item.id = id->str();
    item.integer_id = id->integer();
    item.given_id = true;
    if (item.id.find('#') != item.id.npos) d.refuse("id", "must not contain '#', which numbers the chunks of a text");
  } else {
    item.id = new_uuid_v4();
  }
  item.metadata = d.payload({"metadata", "payload"}, payload_bytes_max);
  if (const auto metadata = d.object({"metadata", "payload"}); metadata.present())
    for (const std::string_view name : {"filename", "file_path"})
      if (metadata[name].is_string()) {
        item.file_path = metadata[name].as_string();
        break;
      }
  const auto options = read_text_options(d, defaults);
  item.auto_chunk = options.auto_chunk;
  item.chunk_size = options.chunk_size;
  item.chunk_overlap = options.chunk_overlap;
  if (d.failed()) return d.fault();
  return item;
}

result<void> cut_text(text_item& item, std::size_t payload_bytes_max) {
  const auto keep = [&](std::string id, std::string payload) -> result<void> {
    if (payload.size() > payload_bytes_max)
      return failure(ec::payload_too_large, "The payload is larger than limits.max_payload_kb");
    auto parsed = point_id::parse(id);
    if (!parsed) return parsed.error();
    point p;
    p.id = point_id::trusted(std::move(id), item.integer_id && !item.chunked);
    p.payload = std::move(payload);
    item.points.push_back(std::move(p));
    return {};
  };
  item.chunked = item.auto_chunk && item.text.size() > item.chunk_size;
  if (!item.chunked) return keep(item.id, text_payload(item));
  std::size_t n = 0;
  for (const auto chunk : chunk_text(item.text, item.chunk_size, item.chunk_overlap)) {
    if (auto kept = keep(item.id + "#" + std::to_string(n), chunk_payload(item, chunk, n)); !kept) return kept;
    ++n;
  }
  return {};
}

}  // namespace waggle::rest
