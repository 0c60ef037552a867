#pragma once
// Short forms for the tests of this folder: parse a filter, ask it about a payload.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "storage/payload/filter.hpp"
#include "words.hpp"

namespace waggle::test {

inline result<filter> parse_filter(std::string_view text, std::string_view vector_name = {}) {
  json_parser parser;
  const auto json = parser.parse(text);
  REQUIRE_MESSAGE(json.has_value(), text);
  return filter::parse(*json, words, vector_name);
}

/// A filter that must parse, asked about one row both ways: copied and in place.
inline bool matches(std::string_view filter_text, std::string_view payload, std::string_view id = "p1") {
  const auto f = parse_filter(filter_text);
  REQUIRE_MESSAGE(f.has_value(), filter_text << ": " << f.error().message);
  const bool copied = f->matches(id, payload, false);
  const std::string padded = std::string(payload) + std::string(json_parser::padding, ' ');
  CHECK(f->matches(id, std::string_view(padded).substr(0, payload.size()), true) == copied);
  return copied;
}

/// The field a refused filter names, "" when it was accepted.
inline std::string refused_at(std::string_view filter_text) {
  const auto f = parse_filter(filter_text);
  if (f) return {};
  CHECK(f.error().code == ec::validation_error);
  json_parser parser;
  const auto details = parser.parse(f.error().details);
  REQUIRE(details.has_value());
  CHECK_FALSE((*details)["reason"].as_string().empty());
  return std::string((*details)["field"].as_string());
}

}  // namespace waggle::test
