#include <doctest/doctest.h>

#include "net/identity/password.hpp"

using namespace waggle;

TEST_CASE("passwords: Argon2id, salted") {
  const auto one = hash_password("correct horse");
  const auto two = hash_password("correct horse");
  REQUIRE(one.has_value());
  REQUIRE(two.has_value());
  CHECK(one->starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  CHECK(*one != *two);
  CHECK(password_fits("correct horse", *one));
  CHECK(password_fits("correct horse", *two));
  CHECK_FALSE(password_fits("correct horsE", *one));
  CHECK_FALSE(password_fits("", *one));
  CHECK_FALSE(password_fits("correct horse", "no hash"));
  CHECK_FALSE(password_fits("correct horse", one->substr(0, one->size() - 1)));
}

TEST_CASE("passwords: what may be used") {
  CHECK(judge_password("correct horse battery", "ann").errors.empty());
  CHECK_FALSE(judge_password("short", "ann").errors.empty());
  CHECK_FALSE(judge_password("aaaaaaaaaaaaaaaa", "ann").errors.empty());
  CHECK_FALSE(judge_password("my name is ann!", "ann").errors.empty());
  CHECK_FALSE(judge_password(std::string(300, 'a') + "bcdefgh", "ann").errors.empty());
  CHECK(judge_password("short", "").strength == 0);
  CHECK(judge_password("Tr0ub4dor&3 and more", "").label == "strong");
}
