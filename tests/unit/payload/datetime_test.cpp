#include "storage/payload/datetime.hpp"

#include <doctest/doctest.h>

#include <ctime>

using namespace waggle;

namespace {
bool reads_as(std::string_view text, std::int64_t seconds, std::int64_t nanoseconds = 0) {
  const auto at = parse_instant(text);
  return at && at->unix_seconds == seconds && at->nanoseconds == nanoseconds;
}
}  // namespace

TEST_CASE("datetime: RFC 3339's own examples and the forms Qdrant takes") {
  CHECK(reads_as("1985-04-12T23:20:50.52Z", 482196050, 520'000'000));
  CHECK(reads_as("1996-12-19T16:39:57-08:00", 851042397));
  CHECK(reads_as("1937-01-01T12:00:27.87+00:20", -1041337173, 870'000'000));
  CHECK(reads_as("1970-01-01T00:00:00Z", 0));
  CHECK(reads_as("1970-01-01t00:00:00z", 0));
  CHECK(reads_as("1970-01-01 00:00:00Z", 0));
  CHECK(reads_as("1970-01-01T02:00:00+0200", 0));
  CHECK(reads_as("1970-01-01T02:00:00+02", 0));
  CHECK(reads_as("1970-01-01T00:00:00-00:00", 0));
  CHECK(reads_as("1970-01-01T00:00:01", 1));
  CHECK(reads_as("1970-01-01 00:01", 60));
  CHECK(reads_as("1970-01-02", 86400));
  CHECK(reads_as("1969-12-31T23:59:59.5Z", -1, 500'000'000));
  CHECK(reads_as("0000-01-01T00:00:00Z", -62167219200));
  CHECK(reads_as("9999-12-31T23:59:59Z", 253402300799));
  CHECK(reads_as("2024-02-29T00:00:00Z", 1709164800));
}

TEST_CASE("datetime: every day of four centuries agrees with the C library") {
  for (std::int64_t day = -80000; day < 66097; day += 13) {
    const std::time_t t = day * 86400 + 12345;
    std::tm tm{};
    gmtime_r(&t, &tm);
    char text[40];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    CAPTURE(text);
    CHECK(reads_as(text, t));
  }
}

TEST_CASE("datetime: order, to the nanosecond and through a leap second") {
  const char* ascending[] = {
      "1990-12-31T23:59:59Z", "1990-12-31T23:59:59.999999999Z", "1990-12-31T23:59:60Z",  "1990-12-31T15:59:60.5-08:00",
      "1991-01-01T00:00:00Z", "1991-01-01T00:00:00.000000001Z", "1991-01-01T00:00:00.1Z"};
  for (std::size_t i = 1; i < std::size(ascending); ++i) {
    CAPTURE(ascending[i]);
    CHECK((*parse_instant(ascending[i - 1]) < *parse_instant(ascending[i])));
  }
  CHECK((*parse_instant("2024-01-01T00:00:00.0000000009Z") == *parse_instant("2024-01-01T00:00:00Z")));
}

TEST_CASE("datetime: what is none") {
  for (const std::string_view text : {"",
                                      "2024",
                                      "2024-01",
                                      "2024-1-1",
                                      "24-01-01",
                                      "2024-00-10",
                                      "2024-13-01",
                                      "2024-01-00",
                                      "2024-01-32",
                                      "2023-02-29",
                                      "1900-02-29",
                                      "2024-04-31",
                                      "2024-01-01T",
                                      "2024-01-01T00",
                                      "2024-01-01T24:00:00Z",
                                      "2024-01-01T00:60:00Z",
                                      "2024-01-01T00:00:61Z",
                                      "2024-01-01T00:00:00.Z",
                                      "2024-01-01T00:00:00,5Z",
                                      "2024-01-01T00:00:00X",
                                      "2024-01-01T00:00:00+",
                                      "2024-01-01T00:00:00+1",
                                      "2024-01-01T00:00:00+24:00",
                                      "2024-01-01T00:00:00+00:60",
                                      "2024-01-01T00:00:00+00:",
                                      "2024-01-01T00:00:00Z ",
                                      " 2024-01-01T00:00:00Z",
                                      "2024-01-01T00:00Z",
                                      "2024-01-01X00:00:00Z",
                                      "20240101T000000Z",
                                      "+2024-01-01T00:00:00Z",
                                      "-2024-01-01",
                                      "2024/01/01",
                                      "now",
                                      "2024-01-01T00:00:00Z\n",
                                      "２０２４-01-01"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_instant(text).has_value());
  }
}
