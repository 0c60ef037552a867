#pragma once
// JSON lines: {id?, vector|embedding|data, text?, payload|metadata?, …}. Other members become payload if there is none.
#include "base/json.hpp"
#include "tools/wagglectl/import/record_reader.hpp"

namespace waggle::ctl {

class jsonl_reader final : public record_reader {
 public:
  using record_reader::record_reader;

 private:
  read_event read(import_record& out) override;
  read_event convert(json_value object, import_record& out);
  /// False, with reason_ set, when the member is no id.
  bool read_id(json_value member, import_record& out);
  /// The member that holds the vector and its name; an empty name when there is none.
  std::pair<std::string, json_value> vector_member(json_value object) const;
  /// A JSON object of the wanted members; "" when there are none. An explicit payload is taken as it is; out of a whole
  /// record come the members that have no other meaning.
  std::string collect_payload(json_value object, bool explicit_payload, std::string_view vector_name) const;

  json_parser parser_;
  std::string line_;
};

}  // namespace waggle::ctl
