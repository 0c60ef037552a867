#pragma once
// A plain JSON tree that shares nothing with the code under test: built at random, written as text, walked by hand.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace waggle::test {

struct node {
  enum class kind { null, boolean, integer, fraction, text, array, object };
  kind is = kind::null;
  bool flag = false;
  __extension__ __int128 whole = 0;  ///< integer
  double real = 0;                   ///< fraction: written with a point or an exponent
  std::string text;
  std::vector<node> items;
  std::vector<std::pair<std::string, node>> members;

  // In model.cpp: clang asks whether a member's pair can be made and destroyed while `node` is still incomplete.
  node();
  ~node();
  node(const node&);
  node(node&&) noexcept;
  node& operator=(const node&);
  node& operator=(node&&) noexcept;

  static node boolean(bool v);
  static node integer(__int128 v);
  static node fraction(double v);
  static node string(std::string v);
  static node array(std::vector<node> v);
  static node object(std::vector<std::pair<std::string, node>> v);
  const node* find(std::string_view name) const;
};

std::string to_json(const node& n);
/// RFC 7396 §2, word for word.
node merge_patch(node target, const node& patch);

// Random trees, drawn from small pools so that payloads and filters meet.
/// The source of chance, below `count`: pick.cpp, inside a RapidCheck property only, or a fuzz target's own.
std::size_t pick(std::size_t count);
node random_value(int depth);
node random_object(int depth);
/// Any filter of the language; `depth` bounds its nesting.
node random_filter(int depth);
/// A filter of one keyed condition, and a payload with values of the kind it asks for where it asks.
struct meeting {
  node filter, payload;
};
meeting random_meeting();

}  // namespace waggle::test
