#pragma once
// Names and ids as clients write them (contract README §6). Pure; any thread.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/ids.hpp"

namespace waggle {

/// A collection's bare name, valid under the contract: the only way to get one is `parse`.
class collection_name {
 public:
  /// A fault names `field`, as the client knows it.
  static result<collection_name> parse(std::string_view text, std::string_view field = "name");
  const std::string& str() const { return text_; }
  auto operator<=>(const collection_name&) const = default;

 private:
  explicit collection_name(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// A point's id: byte-exact text. `integer` remembers that it was last written as a JSON integer (Qdrant renders it so).
class point_id {
 public:
  /// A fault names `field`, as the client knows it.
  static result<point_id> parse(std::string_view text, std::string_view field = "id");
  static point_id from_integer(std::uint64_t n) { return point_id(std::to_string(n), true); }
  /// For bytes that were validated before they were stored.
  static point_id trusted(std::string text, bool integer) { return point_id(std::move(text), integer); }
  const std::string& str() const { return text_; }
  bool integer() const { return integer_; }
  bool operator==(const point_id& other) const { return text_ == other.text_; }
  auto operator<=>(const point_id& other) const { return text_ <=> other.text_; }

 private:
  point_id(std::string text, bool integer) : text_(std::move(text)), integer_(integer) {}
  std::string text_;
  bool integer_ = false;
};

/// `user_{uuid}:{name}`; the bare name where there is one implicit tenant. For showing: never a key.
std::string canonical_name(const tenant_id& owner, std::string_view name);

/// True when `text` is well-formed UTF-8 (RFC 3629; no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace waggle
