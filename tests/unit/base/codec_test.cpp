#include "base/codec.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <limits>
#include <vector>

using namespace waggle;

TEST_CASE("codec: what was written is read back, to the last byte") {
  std::string out;
  byte_writer w(out);
  w.fixed(std::uint32_t{0xdeadbeef});
  w.fixed(-1.5);
  w.varint(0);
  w.varint(127);
  w.varint(128);
  w.varint(std::numeric_limits<std::uint64_t>::max());
  w.text("naïve");
  w.text("");
  const std::vector<float> floats{0.19f, -0.0f, 3e38f};
  w.floats(floats);
  w.raw("tail");

  byte_reader r(out);
  CHECK(r.fixed<std::uint32_t>() == 0xdeadbeef);
  CHECK(r.fixed<double>() == -1.5);
  CHECK(r.varint() == 0);
  CHECK(r.varint() == 127);
  CHECK(r.varint() == 128);
  CHECK(r.varint() == std::numeric_limits<std::uint64_t>::max());
  CHECK(r.text() == "naïve");
  CHECK(r.text().empty());
  std::vector<float> read;
  r.floats(read);
  CHECK(read == floats);
  CHECK_FALSE(r.done());
  CHECK(r.raw(4) == "tail");
  CHECK(r.done());
}

TEST_CASE("codec: fixed values are little-endian") {
  std::string out;
  byte_writer(out).fixed(std::uint32_t{0x01020304});
  CHECK(out == "\x04\x03\x02\x01");
}

TEST_CASE("codec: a short read fails, gives zero or nothing, and stays failed") {
  byte_reader r(std::string_view("\x01\x02\x03", 3));
  CHECK(r.fixed<std::uint64_t>() == 0);
  CHECK_FALSE(r.ok());
  CHECK(r.fixed<std::uint8_t>() == 0);
  CHECK(r.varint() == 0);
  CHECK(r.text().empty());
  CHECK(r.raw(0).empty());
  CHECK_FALSE(r.done());
}

TEST_CASE("codec: lengths beyond the end are refused before anything is allocated") {
  std::string out;
  byte_writer(out).varint(std::numeric_limits<std::uint64_t>::max());
  out += "abc";
  {
    byte_reader r(out);
    CHECK(r.text().empty());
    CHECK_FALSE(r.ok());
  }
  byte_reader r(out);
  std::vector<float> floats{1};
  r.floats(floats);
  CHECK(floats.empty());
  CHECK_FALSE(r.ok());
}

TEST_CASE("codec: the longest varint is read, a longer one is refused") {
  const std::string most = std::string(9, '\xff') + '\x01';
  const std::string over = std::string(9, '\xff') + '\x02';
  const std::string endless(11, '\x80');
  CHECK(byte_reader(most).varint() == std::numeric_limits<std::uint64_t>::max());
  for (const auto& bytes : {over, endless}) {
    byte_reader r(bytes);
    CHECK(r.varint() == 0);
    CHECK_FALSE(r.ok());
  }
}

TEST_CASE("codec: random bytes under random reads stay inside the buffer") {
  CHECK(rc::check("reads of random bytes", [](const std::string& bytes, const std::vector<std::uint8_t>& plan) {
    // An exact heap copy, so that the sanitizers see one byte too many.
    const std::vector<char> heap(bytes.begin(), bytes.end());
    byte_reader r(std::string_view(heap.data(), heap.size()));
    std::vector<float> floats;
    for (const auto step : plan) {
      const auto before = r.left();
      switch (step % 5) {
        case 0: r.fixed<std::uint64_t>(); break;
        case 1: r.varint(); break;
        case 2: RC_ASSERT(r.text().size() <= before); break;
        case 3: RC_ASSERT(r.raw(step).size() <= before); break;
        default: r.floats(floats); RC_ASSERT(floats.size() * sizeof(float) <= before);
      }
      RC_ASSERT(r.left() <= before);
    }
  }));
}

TEST_CASE("codec: every varint and text survives the round trip") {
  CHECK(rc::check("round trip", [](std::uint64_t n, std::uint8_t shift, const std::string& text) {
    n >>= shift % 64;  // all lengths, not only the longest
    std::string out;
    byte_writer w(out);
    w.varint(n);
    w.text(text);
    byte_reader r(out);
    RC_ASSERT(r.varint() == n);
    RC_ASSERT(r.text() == text);
    RC_ASSERT(r.done());
  }));
}
