#pragma once
// What the tests of the key-value store and their child processes share.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "storage/kv/kv_store.hpp"

namespace waggle::test {

inline std::unique_ptr<kv_store> open_at(const std::filesystem::path& path) {
  auto opened = kv_store::open({.directory = path});
  if (opened.has_error()) FAIL(opened.error().log_text);
  return std::move(*opened);
}

inline std::string padded(int i) {
  char text[16];
  std::snprintf(text, sizeof text, "%08d", i);
  return text;
}

/// How many of the keys 0, 1, 2 … are there before the first gap, and in all.
inline std::pair<int, int> prefix_and_count(const kv_store& kv) {
  int prefix = 0, count = 0;
  REQUIRE(kv.scan(kv_family::points, "", "", [&](std::string_view key, std::string_view) {
              if (key == padded(prefix)) ++prefix;
              return ++count, true;
            }).has_value());
  return {prefix, count};
}

}  // namespace waggle::test
