#include "net/rest/point_request.hpp"

#include "base/uuid.hpp"
#include "storage/payload/payload.hpp"

namespace waggle::rest {

result<point> read_point(const json_value& json, std::size_t payload_bytes_max) {
  decoder d(json);
  point p;
  if (auto id = d.id({"id"}))
    p.id = std::move(*id);
  else
    p.id = point_id::trusted(new_uuid_v4(), false);
  p.vector = d.floats({"embedding", "vector", "data"});
  p.payload = d.payload({"payload", "metadata"}, payload_bytes_max);
  p.sparse = d.sparse({"sparse"});
  if (d.failed()) return d.fault();
  return p;
}

result<std::vector<point>> read_upsert(json_value root, std::size_t payload_bytes_max) {
  std::vector<point> points;
  decoder d(root);
  if (const auto batch = d.object({"batch"}); batch.present()) {
    decoder b(batch);
    const auto ids = b.array({"ids"}), vectors = b.array({"vectors"});
    const auto payloads = b.member({"payloads"});
    if (payloads.present() && !payloads.is_array()) b.refuse("batch.payloads", "must be an array");
    if (b.failed()) return b.fault();
    if (payloads.is_array() && payloads.size() != ids.size())
      return failure::validation("batch.payloads", "must be as many as ids");
    std::vector<json_value> id_list, payload_list;
    for (const auto id : ids.as_array()) id_list.emplace_back(id);
    if (payloads.is_array())
      for (const auto p : payloads.as_array()) payload_list.emplace_back(p);
    for (const auto v : vectors.as_array()) {
      const auto i = points.size();
      if (i >= id_list.size()) return failure::validation("batch.ids", "must be as many as vectors");
      point p;
      auto id = read_id(id_list[i], "batch.ids");
      if (!id) return id.error();
      p.id = std::move(*id);
      if (auto read = read_floats(json_value(v), "batch.vectors", p.vector); !read) return read.error();
      if (i < payload_list.size() && !payload_list[i].missing()) {
        auto text = compact_payload(payload_list[i], payload_bytes_max);
        if (!text) return text.error();
        p.payload = std::move(*text);
      }
      points.push_back(std::move(p));
    }
    if (points.size() != id_list.size()) return failure::validation("batch.ids", "must be as many as vectors");
    return points;
  }
  const auto list = d.array({"points"});
  if (d.failed()) return d.fault();
  for (const auto element : list.as_array()) {
    auto p = read_point(json_value(element), payload_bytes_max);
    if (!p) return p.error();
    points.push_back(std::move(*p));
  }
  return points;
}

}  // namespace waggle::rest
