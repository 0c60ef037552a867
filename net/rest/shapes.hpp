#pragma once
// The contract's shared JSON shapes: C (collection), V (vector), R (result), SR, BR (rest.md §1). Pure; any thread.
#include <string>
#include <string_view>
#include <vector>

#include "actors/data/collection_reader.hpp"
#include "base/text_out.hpp"
#include "net/rest/search_request.hpp"
#include "storage/apply/records.hpp"

namespace waggle::rest {

/// "Cosine" | "Euclidean" | "DotProduct".
std::string_view metric_name(metric m);
/// "cosine" | "euclidean" | "dot_product".
std::string_view similarity_name(metric m);

/// An RFC 3339 member; null when `unix_ms` is 0 = not known.
void write_time(json_writer& w, std::string_view name, std::int64_t unix_ms);
/// Writes the members of C into the open object.
void write_collection_members(json_writer& w, const collection_summary& c);
void write_collection(json_writer& w, const collection_summary& c);

/// V. `version` is the point's sequence number.
void write_vector(json_writer& w, const point_record& p, std::string_view collection);

/// One result row, from wherever it came.
struct result_row {
  std::string_view id;
  float score = 0;
  bool has_distance = false;
  float distance = 0;
  std::span<const float> vector;
  std::string_view payload;  ///< compact JSON or ""
  std::string_view collection;  ///< only in multi-collection answers
};
void write_result(json_writer& w, const result_row& row, const result_options& options);

/// One item of a batch answer.
struct batch_item {
  std::size_t index = 0;
  std::string id;          ///< "" = none yet
  bool client_id = false;  ///< write the id as `client_id`
  ec code = ec::ok;
  std::string error;
  std::string extra;  ///< further members, already JSON, without braces
};
struct batch_answer {
  std::string collection;
  std::string operation;
  std::string_view done_member = "inserted";  ///< inserted | updated | deleted
  std::uint64_t done = 0;
  std::int64_t duration_ms = 0;
  std::vector<batch_item> items;
};
std::string write_batch(const batch_answer& answer);

}  // namespace waggle::rest
