#include "base/names.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>
#include <unicode/utf8.h>

using namespace waggle;

namespace {
bool name_ok(std::string_view text) {
  const auto r = collection_name::parse(text);
  if (r) CHECK(r->str() == text);
  if (!r) CHECK(r.error().code == ec::validation_error);
  return static_cast<bool>(r);
}
bool id_ok(std::string_view text) {
  const auto r = point_id::parse(text);
  if (r) CHECK(r->str() == text);
  if (!r) CHECK(r.error().code == ec::validation_error);
  return static_cast<bool>(r);
}
}  // namespace

TEST_CASE("names: ordinary names of many scripts pass") {
  for (const auto text : {"docs", "a", "Docs", "my docs", "a.b", "...", ".hidden", "données", "文書", "emoji😀", "-",
                          "%2F", "Empty", "empty2", "aliases_", "user@home", "a+b=c;d,e'f(g)[h]{i}~!$&^`_"}) {
    CAPTURE(text);
    CHECK(name_ok(text));
  }
}

TEST_CASE("names: each forbidden character, at the beginning, inside and at the end") {
  std::string forbidden = "/\\:*?\"<>|#\x7f";
  for (char c = 0; c < 0x20; ++c) forbidden += c;
  for (const char c : forbidden) {
    CAPTURE(static_cast<int>(c));
    CHECK_FALSE(name_ok(std::string("a") + c + "b"));
    CHECK_FALSE(name_ok(c + std::string("b")));
    CHECK_FALSE(name_ok(std::string("a") + c));
  }
}

TEST_CASE("names: control characters of the second block are control characters") {
  for (int low = 0x80; low <= 0x9f; ++low) {
    const std::string c{'\xc2', static_cast<char>(low)};
    CAPTURE(low);
    CHECK_FALSE(name_ok("a" + c + "b"));
    CHECK_FALSE(id_ok("a" + c + "b"));
  }
  CHECK(name_ok("a\xc2\xa0z"));
  CHECK(id_ok("\xc3\x80"));
}

TEST_CASE("names: lengths are bytes") {
  CHECK_FALSE(name_ok(""));
  CHECK(name_ok(std::string(255, 'x')));
  CHECK_FALSE(name_ok(std::string(256, 'x')));
  std::string accents;
  for (int i = 0; i < 128; ++i) accents += "é";
  CHECK_FALSE(name_ok(accents));
  CHECK(name_ok(accents.substr(0, 254)));
  CHECK_FALSE(id_ok(""));
  CHECK(id_ok(std::string(256, 'x')));
  CHECK_FALSE(id_ok(std::string(257, 'x')));
}

TEST_CASE("names: reserved words, dots, spaces around") {
  for (const auto text : {".", "..", "empty", "cleanup", "aliases", " a", "a ", " "}) {
    CAPTURE(text);
    CHECK_FALSE(name_ok(text));
  }
}

TEST_CASE("names: are compared case-sensitively") {
  CHECK(collection_name::parse("docs")->str() != collection_name::parse("Docs")->str());
}

TEST_CASE("point ids: bytes are the identity, integers are their decimal text") {
  CHECK(point_id::from_integer(0).str() == "0");
  CHECK(point_id::from_integer(18446744073709551615u).str() == "18446744073709551615");
  CHECK((point_id::from_integer(7) == *point_id::parse("7")));
  CHECK(point_id::from_integer(7).integer());
  CHECK_FALSE(point_id::parse("7")->integer());
  CHECK_FALSE((*point_id::parse("07") == point_id::from_integer(7)));
  CHECK_FALSE((*point_id::parse("\xc3\xa9") == *point_id::parse("e\xcc\x81")));
}

TEST_CASE("point ids: what they may not hold") {
  for (const std::string_view text : {" a", "a ", "\ta", "a\t", "a\nb", "a\x7f", "\xff", "a\xc3", "\xe3\x80\x80x",
                                      "x\xe3\x80\x80", "\xc2\xa0x", "x\xe2\x80\x83", "\xe2\x80\xa8x"}) {
    CAPTURE(text);
    CHECK_FALSE(id_ok(text));
  }
  CHECK_FALSE(id_ok(std::string_view("a\0b", 3)));
  for (const auto text : {"a b", "a#1", "a/b", "..", "550e8400-e29b-41d4-a716-446655440000", "ключ", "-1"}) {
    CAPTURE(text);
    CHECK(id_ok(text));
  }
}

TEST_CASE("utf-8: the borders of every length") {
  for (const std::string_view good : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                      "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const std::string_view bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xff", "a\xf0\x90\x80", "\xe2\x28\xa1"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("utf-8: agrees with ICU on random bytes") {
  const auto byte =
      rc::gen::weightedOneOf<char>({{3, rc::gen::inRange<char>(-128, 0)}, {1, rc::gen::inRange<char>(0, 127)}});
  CHECK(rc::check("random bytes", [&] {
    const auto text = *rc::gen::container<std::string>(byte);
    bool valid = true;
    const auto size = static_cast<int>(text.size());
    for (int i = 0; i < size && valid;) {
      UChar32 c;
      U8_NEXT(text.data(), i, size, c);
      valid = c >= 0;
    }
    RC_ASSERT(is_utf8(text) == valid);
  }));
}
