#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "tests/unit/wagglectl/reading.hpp"

using namespace waggle;
using namespace waggle::ctl;
using namespace waggle::ctl::test;

namespace {
template <class T>
void put(std::string& out, T v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
std::string fvec(std::initializer_list<float> values) {
  std::string out;
  put(out, static_cast<std::int32_t>(values.size()));
  for (const float v : values) put(out, v);
  return out;
}
std::string npy(const std::string& dict, const std::string& data, int version = 1) {
  std::string header = dict;
  header += '\n';
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  if (version == 1)
    put(out, static_cast<std::uint16_t>(header.size()));
  else
    put(out, static_cast<std::uint32_t>(header.size()));
  return out + header + data;
}
std::string dict(const std::string& descr, const std::string& shape, const char* fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}
bool mentions(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("fvecs and bvecs") {
  const auto f = read_all(source_format::fvecs, fvec({1, 2}) + fvec({3, 4.5f}));
  REQUIRE(f.records.size() == 2);
  CHECK(f.records[1].vector == std::vector<float>{3, 4.5f});
  CHECK(f.records[1].id == "2");
  reader_options from_zero;
  from_zero.start_id = 0;
  CHECK(read_all(source_format::fvecs, fvec({1}), from_zero).records[0].id == "0");
  std::string b;
  put(b, std::int32_t{3});
  b += std::string("\x00\x80\xff", 3);
  const auto u = read_all(source_format::bvecs, b);
  REQUIRE(u.records.size() == 1);
  CHECK(u.records[0].vector == std::vector<float>{0, 128, 255});
}

TEST_CASE("fvecs: another dimension and NaN are rejects, a damaged length or a cut end is a failure") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto r = read_all(source_format::fvecs, fvec({1, 2}) + fvec({1}) + fvec({nan, 1}) + fvec({5, 6}));
  CHECK(r.records.size() == 2);
  REQUIRE(r.rejects.size() == 2);
  CHECK(r.rejects[0].first == 2);
  CHECK(mentions(r.rejects[1].second, "NaN"));
  for (const std::int32_t claim :
       {0, -1, 65537, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
    std::string bytes = fvec({1, 2});
    put(bytes, claim);
    bytes += "rest";
    const auto bad = read_all(source_format::fvecs, bytes);
    CHECK(bad.records.size() == 1);
    CHECK(bad.failed);
  }
  const std::string whole = fvec({1, 2}) + fvec({3, 4});
  for (std::size_t cut = 13; cut < whole.size(); ++cut) {
    const auto bad = read_all(source_format::fvecs, std::string_view(whole).substr(0, cut));
    CHECK(bad.records.size() == 1);
    CHECK(bad.failed);
  }
}

TEST_CASE("npy: types and versions") {
  std::string f8, u1, i4;
  for (const double v : {1.0, 2.5, -3.0, 1e300}) put(f8, v);
  for (const int v : {0, 255, 7, 8}) put(u1, static_cast<std::uint8_t>(v));
  for (const std::int32_t v : {-5, 6, 7, 8}) put(i4, v);
  const auto a = read_all(source_format::npy, npy(dict("<f8", "(2, 2)"), f8));
  REQUIRE(a.records.size() == 1);  // 1e300 does not fit
  CHECK(a.rejects.size() == 1);
  CHECK(a.records[0].vector == std::vector<float>{1, 2.5f});
  const auto b = read_all(source_format::npy, npy(dict("|u1", "(2, 2)"), u1, 2));
  REQUIRE(b.records.size() == 2);
  CHECK(b.records[0].vector == std::vector<float>{0, 255});
  CHECK(b.records[1].id == "2");
  const auto c = read_all(source_format::npy, npy(dict("<i4", "(1, 4)"), i4));
  REQUIRE(c.records.size() == 1);
  CHECK(c.records[0].vector == std::vector<float>{-5, 6, 7, 8});
}

TEST_CASE("npy: what cannot be served is refused with a reason") {
  const auto why = [](const std::string& bytes) {
    const auto r = read_all(source_format::npy, bytes);
    CHECK_FALSE(r.opened);
    return r.open_error;
  };
  CHECK(mentions(why(npy(dict("<f4", "(2, 2)", "True"), "")), "ascontiguousarray"));
  CHECK(mentions(why(npy(dict(">f4", "(2, 2)"), "")), "astype"));
  CHECK(mentions(why(npy(dict("<U8", "(2, 2)"), "")), "astype"));
  CHECK(mentions(why(npy(dict("<f4", "(4,)"), "")), "1 dimensions"));
  CHECK(mentions(why(npy(dict("<f4", "(2, 2, 2)"), "")), "3 dimensions"));
  CHECK(mentions(why(npy(dict("<f4", "(2, 70000)"), "")), "70000"));
  CHECK(mentions(why(npy(dict("<f4", "(2, 0)"), "")), "0 components"));
  CHECK(mentions(why(npy(dict("<f4", "(99999999999999999999, 2)"), "")), "tuple"));
  CHECK(mentions(why(npy("{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (2,2)}", "")), "structured"));
  CHECK(mentions(why(npy("{}", "")), "missing"));
  CHECK(mentions(why("\x93NUMPY\x09"), "NUMPY"));
  CHECK(mentions(why(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)), "64 KiB"));
  CHECK(mentions(why(std::string("\x93NUMPY\x01\x00\xff\x00", 10)), "ends inside"));
  CHECK(mentions(why("hello, world"), "NUMPY"));
}

TEST_CASE("npy: a header that promises more rows than there are costs no memory and is a failure") {
  std::string data;
  put(data, 1.0f);
  put(data, 2.0f);
  const auto r = read_all(source_format::npy, npy(dict("<f4", "(18446744073709551615, 2)"), data));
  CHECK(r.records.size() == 1);
  CHECK(r.failed);
  CHECK(mentions(r.failure, "promises"));
}

TEST_CASE("formats are told by name, ending and head") {
  const auto choose = [](std::string_view name, std::string_view path, std::string_view bytes) {
    memory_source source(bytes);
    buffered_input input(source);
    auto f = choose_format(name, path, input);
    return f ? std::string(format_name(*f)) : "?";
  };
  CHECK(choose("csv", "x.jsonl", "{") == "csv");
  CHECK(choose("auto", "x.ndjson", "") == "jsonl");
  CHECK(choose("auto", "x.bvecs", "") == "bvecs");
  CHECK(choose("auto", "-", "\x93NUMPY\x01") == "npy");
  CHECK(choose("auto", "-", " \n{\"a\":1}") == "jsonl");
  CHECK(choose("auto", "-", "a,b\n1,2\n") == "csv");
  CHECK(choose("auto", "-", std::string_view("\x02\x00\x00\x00", 4)) == "?");
  CHECK(choose("auto", "-", "") == "?");
  CHECK(choose("xml", "x.csv", "") == "?");
}

// Mutated sources: whatever the bytes are, reading ends, every event is accounted for, and accepted records obey the
// rules.
TEST_CASE("hostile bytes: every reader ends and keeps its promises") {
  const std::string seeds[] = {
      "{\"id\":\"a\",\"vector\":[1,2],\"payload\":{\"a\":[1,{\"b\":null}]}}\n{\"id\":1,\"text\":\"x\"}\n",
      "id,text,v0,v1\n1,\"a \"\"q\"\"\n\",1,2\n2,b,3,4\n",
      fvec({1, 2}) + fvec({3, 4}) + fvec({5, 6}),
      std::string("\x02\x00\x00\x00", 4) + "ab" + std::string("\x02\x00\x00\x00", 4) + "cd",
      npy(dict("<f4", "(2, 2)"), std::string(16, '\0')),
  };
  const source_format kinds[] = {source_format::jsonl, source_format::csv, source_format::fvecs, source_format::bvecs,
                                 source_format::npy};
  std::mt19937_64 random(20240607);
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = seeds[random() % 5];
    for (std::uint64_t n = random() % 6; n > 0 && !bytes.empty(); --n) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.erase(at, 1 + random() % 8); break;
        case 2: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 16)); break;
        default: bytes[at] = "\"',\n\r{}[]\\\0\xff"[random() % 12]; break;
      }
    }
    const auto r = read_all(kinds[random() % 5], bytes, {}, 1 + random() % 64);
    CHECK(r.records.size() + r.rejects.size() <= bytes.size());
    for (const auto& record : r.records) {
      ++accepted;
      CHECK_FALSE(record.id.empty());
      CHECK((record.has_text || record.vector.size() == r.records.front().vector.size() ||
             r.records.front().vector.empty()));
      for (const float v : record.vector) CHECK(std::isfinite(v));
    }
    for (const auto& reject : r.rejects) CHECK_FALSE(reject.second.empty());
    refused += !r.opened || r.failed || !r.rejects.empty();
  }
  CHECK(accepted > 1000);
  CHECK(refused > 1000);
}
