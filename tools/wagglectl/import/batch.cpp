#include "tools/wagglectl/import/batch.hpp"

#include "base/checksum.hpp"
#include "base/json.hpp"
#include "base/text_out.hpp"

namespace waggle::ctl {
namespace {
import_batch::kind kind_of(const import_record& r) {
  return r.vector.empty() ? import_batch::kind::texts : import_batch::kind::vectors;
}
/// A payload that has its own `content` keeps it.
bool has_content(const std::string& payload) {
  if (payload.find("\"content\"") == std::string::npos) return false;
  json_parser parser;
  const auto value = parser.parse(payload);
  return value && (*value)["content"].present();
}
/// A vector's own text is kept where text inserts keep theirs: payload.content (contract rest.md §4).
void append_payload(std::string& out, const import_record& r, bool with_text) {
  if (!with_text) {
    out += r.payload.empty() ? "{}" : r.payload;
    return;
  }
  out += "{\"content\":";
  append_json_string(out, r.text);
  if (r.payload.size() > 2) {
    out += ',';
    out.append(r.payload, 1);
  } else {
    out += '}';
  }
}
}  // namespace

std::string derive_request_id(std::string_view run_id, std::uint64_t index, std::string_view body) {
  std::string seed(run_id);
  seed += '/';
  seed += std::to_string(index);
  seed += '/';
  const auto body_digest = sha256(body);
  seed.append(reinterpret_cast<const char*>(body_digest.data()), body_digest.size());
  auto digest = sha256(seed);
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x80);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += hex[digest[i] >> 4];
    out += hex[digest[i] & 15];
  }
  return out;
}

bool batch_builder::fits(const import_record& r) const { return empty() || (!full() && batch_.what == kind_of(r)); }

void batch_builder::add(const import_record& r) {
  std::string& body = batch_.body;
  if (empty()) {
    batch_.what = kind_of(r);
    body = "{\"collection\":";
    append_json_string(body, collection_);
    body += batch_.what == import_batch::kind::vectors ? ",\"vectors\":[" : ",\"texts\":[";
  } else {
    body += ',';
  }
  body += "{\"id\":";
  append_json_string(body, r.id);
  if (batch_.what == import_batch::kind::vectors) {
    body += ",\"vector\":";
    append_floats(body, r.vector);
    const bool with_text = r.has_text && !has_content(r.payload);
    if (with_text || !r.payload.empty()) {
      body += ",\"payload\":";
      append_payload(body, r, with_text);
    }
  } else {
    body += ",\"text\":";
    append_json_string(body, r.text);
    if (!r.payload.empty()) {
      body += ",\"metadata\":";
      body += r.payload;
    }
  }
  body += '}';
  batch_.positions.push_back(r.position);
}

import_batch batch_builder::take(std::uint64_t offset, std::uint64_t consumed) {
  import_batch out = std::move(batch_);
  batch_ = {};
  if (!out.positions.empty()) out.body += "]}";
  out.index = index_++;
  out.request_id = derive_request_id(run_id_, out.index, out.body);
  out.rejected_before = rejected_;
  rejected_ = 0;
  out.end_offset = offset;
  out.end_consumed = consumed;
  return out;
}

}  // namespace waggle::ctl
