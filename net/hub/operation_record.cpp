#include "net/hub/operation_record.hpp"

#include "base/checksum.hpp"
#include "base/text_out.hpp"

namespace waggle {

std::string service_id_of(std::string_view cluster_id, std::string_view node_id) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t bytes = 8;
  const auto hash = sha256(std::string(cluster_id) + "/" + std::string(node_id));
  std::string id = "vec-";
  for (std::size_t i = 0; i < bytes; ++i) {
    id += digits[hash[i] >> 4];
    id += digits[hash[i] & 15];
  }
  return id;
}

std::string ship_logs_request(std::string_view service_id, std::span<const operation_record> records) {
  std::string out;
  json_writer w(out);
  w.begin_object().member("service_id", service_id).key("logs").begin_array();
  for (const auto& r : records) {
    w.begin_object().member("operation_id", r.id).member("tenant_id", to_string(r.tenant));
    w.member("operation", r.operation).member("operation_type", r.type);
    if (!r.collection.empty()) w.member("collection", r.collection);
    w.member("timestamp", r.unix_ms).member("duration_ms", r.duration_ms).member("success", r.error.empty());
    if (!r.error.empty()) w.member("error", r.error);
    w.end_object();
  }
  w.end_array().end_object();
  return out;
}

}  // namespace waggle
