#include "storage/text/document_terms.hpp"

#include <algorithm>
#include <limits>

#include "storage/text/analyzer.hpp"

namespace waggle {
namespace {

/// fmix64 of MurmurHash3 (Austin Appleby, public domain): a bijection.
std::uint64_t finish_hash(std::uint64_t h) {
  h ^= h >> 33;
  h *= 0xFF51AFD7ED558CCDull;
  h ^= h >> 33;
  h *= 0xC4CEB9FE1A85EC53ull;
  h ^= h >> 33;
  return h;
}

struct term_sequence {
  std::vector<std::uint64_t> terms;  // with repetitions, in text order
  std::uint64_t fingerprint = 0;

  void add(std::string_view word, std::string_view stem) {
    const auto word_hash = hash_term(word);
    terms.push_back(word == stem ? word_hash : hash_term(stem));
    fingerprint = finish_hash(fingerprint * 0x9E3779B97F4A7C15ull + word_hash);
  }
};

void add_symbol_runs(std::string_view text, term_sequence& out) {
  constexpr std::string_view blanks = " \t\n\v\f\r";
  for (std::size_t i = text.find_first_not_of(blanks); i != text.npos; i = text.find_first_not_of(blanks, i)) {
    const auto end = std::min(text.find_first_of(blanks, i), text.size());
    const auto run = text.substr(i, end - i);
    out.add(run, run);
    i = end;
  }
}

/// The result lives until the thread's next call.
term_sequence& analyze(std::string_view utf8) {
  thread_local term_sequence sequence;
  sequence.terms.clear();
  sequence.fingerprint = 0;
  auto add = [](std::string_view word, std::string_view stem) { sequence.add(word, stem); };
  scan_terms(utf8, add);
  if (sequence.terms.empty()) add_symbol_runs(utf8, sequence);
  if (!sequence.terms.empty() && sequence.fingerprint == 0) sequence.fingerprint = 1;
  return sequence;
}

std::uint32_t length_of(const term_sequence& sequence) {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(sequence.terms.size(), std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

std::uint64_t hash_term(std::string_view stem) {
  std::uint64_t h = 0xCBF29CE484222325ull;
  for (const char c : stem) h = (h ^ static_cast<unsigned char>(c)) * 0x00000100000001B3ull;
  return finish_hash(h);
}

document_terms analyze_document(std::string_view utf8) {
  auto& sequence = analyze(utf8);
  document_terms out;
  out.length = length_of(sequence);
  out.fingerprint = sequence.fingerprint;
  std::sort(sequence.terms.begin(), sequence.terms.end());
  for (std::size_t i = 0; i < sequence.terms.size();) {
    std::size_t end = i + 1;
    while (end < sequence.terms.size() && sequence.terms[end] == sequence.terms[i]) ++end;
    out.terms.push_back({sequence.terms[i], static_cast<std::uint32_t>(end - i)});
    i = end;
  }
  out.terms.shrink_to_fit();
  return out;
}

query_terms analyze_query(std::string_view utf8) {
  const auto& sequence = analyze(utf8);
  query_terms out;
  out.length = length_of(sequence);
  out.fingerprint = sequence.fingerprint;
  // Sorting positions by (term, position) finds first uses in n log n: a query may be as long as a document.
  struct use {
    std::uint64_t term;
    std::size_t position;
    std::uint32_t count;
  };
  std::vector<use> uses;
  uses.reserve(sequence.terms.size());
  for (std::size_t i = 0; i < sequence.terms.size(); ++i) uses.push_back({sequence.terms[i], i, 1});
  std::sort(uses.begin(), uses.end(),
            [](const use& a, const use& b) { return a.term != b.term ? a.term < b.term : a.position < b.position; });
  std::size_t unique = 0;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    if (i > 0 && uses[i].term == uses[unique - 1].term) {
      ++uses[unique - 1].count;
    } else {
      uses[unique++] = uses[i];
    }
  }
  uses.resize(unique);
  std::sort(uses.begin(), uses.end(), [](const use& a, const use& b) { return a.position < b.position; });
  for (const auto& u : uses) {
    out.terms.push_back(u.term);
    out.counts.push_back(u.count);
  }
  return out;
}

}  // namespace waggle
