#include <doctest/doctest.h>

#include <set>

#include "base/crypto.hpp"
#include "net/identity/local_key.hpp"

using namespace waggle;

TEST_CASE("local keys: shape") {
  const std::string id = "AbCdEf012345", secret = "0123456789abcdefghijklmnopQRSTUV";
  const auto text = "wk_" + id + "_" + secret;
  const auto key = parse_local_key(text);
  REQUIRE(key.has_value());
  CHECK(key->id == id);
  CHECK(key->secret == secret);
  for (const auto& wrong :
       {std::string(), std::string("wk_"), "WK_" + id + "_" + secret, "wk-" + id + "_" + secret, "wk_" + id + "-" + secret,
        text + "0", text.substr(0, text.size() - 1), " " + text, text + " ", "wk_" + id + secret + "_",
        "wk_" + id.substr(1) + "__" + secret, "wk_" + id + "_" + secret.substr(1) + "_", "wk_" + id + "_" + secret.substr(1) + ".",
        "wk_" + id + "_" + secret.substr(2) + "\xc3\xa9", "hh_live_" + secret, std::string(text.size(), '\0')}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_local_key(wrong).has_value());
  }
}

TEST_CASE("local keys: fresh ones parse, differ, and only their digest is kept") {
  std::set<std::string> ids, texts;
  for (int i = 0; i < 200; ++i) {
    const auto made = make_local_key();
    const auto key = parse_local_key(made.text);
    REQUIRE(key.has_value());
    CHECK(key->id == made.id);
    CHECK(made.digest == sha256_hex(key->secret));
    ids.insert(made.id);
    texts.insert(made.text);
  }
  CHECK(ids.size() == 200);
  CHECK(texts.size() == 200);
}
