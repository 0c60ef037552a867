#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <map>
#include <random>

#include "storage/text/postings.hpp"

using namespace waggle;

namespace {

std::span<const std::byte> bytes_of(std::string_view s) { return std::as_bytes(std::span(s.data(), s.size())); }

document_terms make_document(const std::map<std::uint64_t, std::uint32_t>& counts) {
  document_terms d;
  for (const auto& [term, count] : counts) {
    d.terms.push_back({term, count});
    d.length += count;
  }
  d.fingerprint = d.length ? d.length * 1000003ull : 0;
  return d;
}

/// row -> document, with gaps, large counts and terms from a small range so that lists grow.
std::map<std::uint32_t, document_terms> random_corpus(std::mt19937_64& random, std::uint32_t rows) {
  std::map<std::uint32_t, document_terms> corpus;
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (random() % 4 == 0) continue;
    std::map<std::uint64_t, std::uint32_t> counts;
    for (auto n = random() % 6; n > 0; --n)
      counts[random() % 2 ? random() % 5 : random() % 1000] = random() % 5 ? 1 : 1 + random() % 100000;
    corpus[row] = make_document(counts);
  }
  return corpus;
}

postings_data build(const std::map<std::uint32_t, document_terms>& corpus) {
  postings_builder builder;
  for (const auto& [row, document] : corpus) builder.add(row, document);
  return builder.finish();
}

/// Reads everything a view offers; the sum keeps the reads.
std::uint64_t read_all(const postings_view& view, bool& in_range) {
  std::uint64_t sum = 0;
  for (std::uint64_t term = 0; term < 1000; ++term) {
    std::int64_t last = -1;
    view.for_each(term, [&](std::uint32_t row, std::uint32_t count) {
      in_range &= row < view.rows() && row > last && count > 0;
      last = row;
      sum += count;
    });
  }
  for (std::uint32_t row = 0; row < view.rows(); ++row) sum += view.length(row) + view.fingerprint(row);
  return sum;
}

}  // namespace

TEST_CASE("what was added is found, row by row") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 30; ++round) {
    const auto corpus = random_corpus(random, static_cast<std::uint32_t>(random() % 300));
    const auto data = build(corpus);
    const auto view = postings_view::open(data.span());
    REQUIRE(view.has_value());
    CHECK(view->rows() == (corpus.empty() ? 0 : corpus.rbegin()->first + 1));
    std::map<std::uint64_t, std::map<std::uint32_t, std::uint32_t>> expected;
    for (const auto& [row, document] : corpus) {
      CHECK(view->length(row) == document.length);
      CHECK(view->fingerprint(row) == document.fingerprint);
      for (const auto& [term, count] : document.terms) expected[term][row] = count;
    }
    CHECK(view->terms() == expected.size());
    for (std::uint64_t term = 0; term < 1000; ++term) {
      std::map<std::uint32_t, std::uint32_t> found;
      view->for_each(term, [&](std::uint32_t row, std::uint32_t count) { found[row] = count; });
      CHECK(found == expected[term]);
      CHECK(view->find(term).documents() == found.size());
    }
  }
}

TEST_CASE("rows without text and rows past the end have length 0") {
  const auto data = build({{3, make_document({{1, 2}})}});
  const auto view = postings_view::open(data.span()).value();
  CHECK(view.rows() == 4);
  CHECK(view.length(0) == 0);
  CHECK(view.fingerprint(0) == 0);
  CHECK(view.length(3) == 2);
  CHECK(view.length(4) == 0);
  CHECK(view.fingerprint(0xFFFFFFFFu) == 0);
}

TEST_CASE("an empty index opens; the builder starts afresh after finish") {
  postings_builder builder;
  builder.add(0, make_document({{9, 1}}));
  CHECK(builder.finish().bytes.size() > 40);
  const auto data = builder.finish();
  CHECK(data.bytes.size() == 40);
  const auto view = postings_view::open(data.span());
  REQUIRE(view.has_value());
  CHECK(view->rows() == 0);
  CHECK(view->find(9).done());
  CHECK(postings_view().find(9).done());
}

TEST_CASE("the layout on disk does not drift") {
  const auto data = build({{0, make_document({{5, 1}})}, {2, make_document({{5, 300}, {6, 1}})}});
  std::string hex;
  for (const unsigned char c : data.bytes) {
    hex += "0123456789abcdef"[c >> 4];
    hex += "0123456789abcdef"[c & 15];
  }
  CHECK(hex ==
        "5747504f53540001"
        "01000000"
        "03000000"
        "0200000000000000"
        "0700000000000000"  // header
        "0500000000000000"
        "0600000000000000"  // terms
        "0000000000000000"
        "0500000000000000"
        "0700000000000000"  // offsets
        "43420f0000000000"
        "0000000000000000"
        "c7e8f01100000000"  // fingerprints
        "01000000"
        "00000000"
        "2d010000"  // lengths
        "020102ac02"
        "0105");  // lists
}

TEST_CASE("every truncation and every extension is refused") {
  std::mt19937_64 random(11);
  const auto whole = build(random_corpus(random, 40)).bytes;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto torn = postings_view::open(bytes_of(std::string_view(whole).substr(0, size)));
    REQUIRE(!torn.has_value());
    CHECK(torn.error().code == ec::corrupt_data);
  }
  CHECK(!postings_view::open(bytes_of(whole + '\0')).has_value());
}

TEST_CASE("an index opens at any alignment") {
  std::mt19937_64 random(12);
  const auto whole = build(random_corpus(random, 40)).bytes;
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const std::string moved = std::string(shift, 'x') + whole;
    const auto view = postings_view::open(bytes_of(std::string_view(moved).substr(shift)));
    REQUIRE(view.has_value());
    bool in_range = true;
    read_all(*view, in_range);
    CHECK(in_range);
  }
}

TEST_CASE("flipped bytes are refused or stay in range") {
  std::mt19937_64 random(13);
  int refused = 0, opened = 0;
  bool in_range = true;
  for (int round = 0; round < 4000; ++round) {
    auto damaged = build(random_corpus(random, 12)).bytes;
    for (auto n = 1 + random() % 3; n > 0; --n) {
      const auto at = random() % damaged.size();
      damaged[at] = static_cast<char>(random() % 2 ? damaged[at] ^ (1 << random() % 8) : random());
    }
    // An exact copy on the heap, so that a sanitizer sees a read past the end.
    const std::vector<char> copy(damaged.begin(), damaged.end());
    const auto view = postings_view::open(bytes_of({copy.data(), copy.size()}));
    view.has_value() ? ++opened : ++refused;
    if (view.has_value()) read_all(*view, in_range);
  }
  CHECK(in_range);
  CHECK(refused > 500);
  CHECK(opened > 100);
}

TEST_CASE("sizes that would overflow are refused") {
  auto data = build({{0, make_document({{1, 1}})}}).bytes;
  for (const std::size_t field : {12, 16, 24}) {
    for (const std::uint64_t huge : {~0ull, ~0ull / 8, ~0ull / 16 + 1, 1ull << 60, 1ull << 32}) {
      auto damaged = data;
      std::memcpy(damaged.data() + field, &huge, field == 12 ? 4 : 8);
      if (damaged != data) CHECK(!postings_view::open(bytes_of(damaged)).has_value());
    }
  }
}

TEST_CASE("a cursor over damaged lists stops by itself") {
  CHECK(posting_cursor(std::string_view()).done());
  CHECK(posting_cursor(std::string_view("\0", 1)).done());                       // no documents
  CHECK(posting_cursor("\x05").done());                                          // documents, no data
  CHECK(posting_cursor("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").done());  // endless varint
  CHECK(posting_cursor(std::string_view("\x01\x00\x00", 3)).done());             // count 0
  CHECK(posting_cursor("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").done());  // row out of 32 bits
  posting_cursor two("\x02\x01");                                                // second document missing
  REQUIRE(!two.done());
  CHECK(two.row() == 0);
  two.advance();
  CHECK(two.done());
}
