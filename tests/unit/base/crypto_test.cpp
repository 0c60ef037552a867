#include "base/crypto.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cctype>
#include <string>

using namespace waggle;

TEST_CASE("crypto: SHA-256 (FIPS 180-4 examples)") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("crypto: HMAC-SHA256 (RFC 4231)") {
  CHECK(hmac_sha256_hex(std::string(20, '\x0b'), "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hmac_sha256_hex("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hmac_sha256_hex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First") ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("crypto: comparison") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0b", 3)));
  CHECK_FALSE(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
  CHECK_FALSE(constant_time_equal("secret", "secreT"));
  CHECK_FALSE(constant_time_equal("Secret", "secret"));
  CHECK_FALSE(constant_time_equal("secret", "secre"));
  CHECK_FALSE(constant_time_equal("", "s"));
}

TEST_CASE("crypto: base64 (RFC 4648 §10), canonical only") {
  for (const auto& [text, bytes] : {std::pair<const char*, const char*>{"", ""},
                                    {"Zg==", "f"},
                                    {"Zm8=", "fo"},
                                    {"Zm9v", "foo"},
                                    {"Zm9vYg==", "foob"},
                                    {"Zm9vYmE=", "fooba"},
                                    {"Zm9vYmFy", "foobar"}})
    CHECK(base64_decode(text) == std::string(bytes));
  CHECK(base64_decode("/+8A") == std::string("\xff\xef\0", 3));
  for (const std::string_view bad :
       {"Zg", "Zg=", "Zg===", "Zh==", "Zm9v\n", " Zm9v", "Zm9v Zm9v", "Zm9*", "_-8A", "=", "Z"}) {
    INFO(bad);
    CHECK_FALSE(base64_decode(bad));
  }
}

TEST_CASE("crypto: base64url, canonical only") {
  CHECK(base64url_encode("") == "");
  CHECK(base64url_encode("f") == "Zg");
  CHECK(base64url_encode("fo") == "Zm8");
  CHECK(base64url_encode(std::string(90, 'x')).find('\n') == std::string::npos);
  CHECK(base64url_encode("\xff\xef\xbe") == "_---");
  CHECK(base64url_decode("_---") == std::string("\xff\xef\xbe"));
  for (const auto& wrong : {"Zg==", "Zh", "Z", "Zm9v\n", "Zm 9v", "/+8A", "Zm9v.", "Zm9v="}) {
    CAPTURE(wrong);
    CHECK_FALSE(base64url_decode(wrong).has_value());
  }
}

TEST_CASE("crypto: random text uses every letter and repeats nothing") {
  const auto text = random_alphanumeric(20000);
  CHECK(text.size() == 20000);
  std::array<int, 256> seen{};
  for (const unsigned char c : text) ++seen[c];
  int used = 0;
  for (int c = 0; c < 256; ++c) {
    if (seen[c] == 0) continue;
    ++used;
    CHECK(std::isalnum(c));
    CHECK(seen[c] > 200);  // 322 are expected; 200 are seven standard deviations away
  }
  CHECK(used == 62);
  CHECK(random_alphanumeric(32) != random_alphanumeric(32));
  CHECK(random_bytes(32) != random_bytes(32));
  CHECK(random_bytes(0).empty());
}

TEST_CASE("crypto: what is sealed is read whole, with its key and what it is bound to, or not at all") {
  const auto key = random_bytes(32);
  for (const std::string text : {"", "x", "a position of somebody"}) {
    const auto sealed = seal(key, text, "reader");
    CHECK(unseal(key, sealed, "reader") == text);
    CHECK(seal(key, text, "reader") != sealed);
    CHECK_FALSE(unseal(key, sealed, "another").has_value());
    CHECK_FALSE(unseal(random_bytes(32), sealed, "reader").has_value());
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      auto changed = sealed;
      changed[i] ^= 1;
      CHECK_FALSE(unseal(key, changed, "reader").has_value());
      CHECK_FALSE(unseal(key, sealed.substr(0, i), "reader").has_value());
    }
  }
  CHECK_FALSE(unseal(key, "", "reader").has_value());
}
