#pragma once
// Reads a filter's JSON into its tree: one reader per filter, used once. Every member is known or refused by name.
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "base/names.hpp"
#include "storage/payload/filter_tree.hpp"

namespace waggle {

namespace limits {
inline constexpr std::size_t filter_depth_max = 32;
inline constexpr std::size_t filter_words_max = 1024;            ///< words of one text condition
inline constexpr std::size_t filter_polygon_points_max = 65536;  ///< of all polygons of one filter
}  // namespace limits

class filter_reader {
 public:
  filter_reader(tokenizer tokens, std::string_view vector_name) : tokens_(tokens), vector_name_(vector_name) {}
  result<filter_clauses> read(const json_value& json) { return read_clauses(json, 1); }

 private:
  /// Where in the filter the reader is, for error messages: "filter.must[3].range". Leaves the name when destroyed.
  class place {
   public:
    place(filter_reader& reader, std::string_view name) : at_(reader.at_), size_(at_.size()) {
      at_.append(".").append(name);
    }
    place(filter_reader& reader, std::size_t index) : at_(reader.at_), size_(at_.size()) {
      at_.append("[").append(std::to_string(index)).append("]");
    }
    ~place() { at_.resize(size_); }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

   private:
    std::string& at_;
    std::size_t size_;
  };

  failure refuse(std::string_view reason) const { return failure::validation(at_, reason); }
  failure refuse(std::string_view member, std::string_view reason) const;
  static failure too_much(std::size_t max, std::string_view of_what);
  /// An object whose members are all among `names`, none twice.
  result<void> expect_members(const json_value& json, std::initializer_list<std::string_view> names) const;

  // Clauses and conditions: filter_reader.cpp
  result<filter_clauses> read_clauses(const json_value& json, std::size_t depth);
  result<void> read_list(const json_value& json, std::size_t depth, std::vector<filter_condition>& out);
  result<void> read_min_should(const json_value& json, std::size_t depth, filter_clauses& out);
  result<filter_condition> read_condition(const json_value& json, std::size_t depth);
  result<filter_condition> read_test(std::string_view name, const json_value& json, std::size_t depth);
  result<void> check_tag(const json_value& tag, std::string_view test) const;
  result<filter_condition> read_keyed(std::string_view name, const json_value& test, const json_value& key);
  result<filter_condition> read_nested(const json_value& json, std::size_t depth);
  result<filter_condition> read_group(const json_value& json, const json_value& key, std::size_t depth);
  result<filter_condition> read_emptiness(std::string_view name, const json_value& test, const json_value& key);
  result<filter_condition> read_ids(const json_value& json) const;
  result<payload_path> read_key(const json_value& key) const;

  // Predicates: predicate_reader.cpp
  result<predicate> read_predicate(std::string_view name, const json_value& json);
  result<predicate> read_match(const json_value& json);
  result<predicate> read_match_value(const json_value& json);
  result<value_set> read_set(const json_value& json, bool list) const;
  result<predicate> read_words(const json_value& json, has_words::mode how) const;
  result<predicate> read_range(const json_value& json) const;
  result<bounds<std::uint64_t>> read_count(const json_value& json) const;
  result<predicate> read_box(const json_value& json);
  result<predicate> read_circle(const json_value& json);
  result<predicate> read_polygon(const json_value& json);
  result<geo_polygon::ring> read_ring(const json_value& json);
  result<geo_point> read_point(const json_value& json) const;

  tokenizer tokens_;
  std::string_view vector_name_;
  std::string at_ = "filter";
  std::size_t conditions_ = 0;
  std::size_t polygon_points_ = 0;
};

}  // namespace waggle
