#pragma once
// Short forms for the tests of this folder: parse a filter, ask it about a payload, split words.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "storage/payload/filter.hpp"

namespace waggle::test {

/// Runs of ASCII letters and digits and of any other UTF-8 characters, ASCII lower-cased: enough for these tests.
inline std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  bool inside = false;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool letter = u >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter && !inside) out.emplace_back();
    if (letter) out.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    inside = letter;
  }
  return out;
}

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
