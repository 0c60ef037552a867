#pragma once
// Which rows a search may return: live (not deleted) and passing the request's filter. Non-owning: what it refers to
// must outlive the search. Any thread, as far as the predicate allows.
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace waggle {

/// A reference to a callable `bool(std::uint32_t row)`; null = not set.
class row_predicate {
 public:
  constexpr row_predicate() = default;
  constexpr row_predicate(std::nullptr_t) {}
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, row_predicate> && std::predicate<F&, std::uint32_t>)
      row_predicate(F&& f)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, std::uint32_t row) -> bool {
          return (*static_cast<std::remove_reference_t<F>*>(object))(row);
        }) {}
  explicit operator bool() const { return call_ != nullptr; }
  bool operator()(std::uint32_t row) const { return call_(object_, row); }

 private:
  void* object_ = nullptr;
  bool (*call_)(void*, std::uint32_t) = nullptr;
};

/// Accepts a row when its bit is set (if there are bits) and the predicate agrees (if there is one).
/// Default-constructed: every row. Bit r is bit r%64 of word r/64; a row past the last word is refused.
class row_filter {
 public:
  constexpr row_filter() = default;
  constexpr row_filter(std::nullptr_t) {}
  row_filter(std::span<const std::uint64_t> accept_bits, row_predicate also = {})
      : bits_(accept_bits), has_bits_(true), predicate_(also) {}
  row_filter(row_predicate predicate) : predicate_(predicate) {}
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, row_filter> && std::predicate<F&, std::uint32_t>) row_filter(F&& f)
      : predicate_(std::forward<F>(f)) {}

  bool accepts_all() const { return !has_bits_ && !predicate_; }
  bool operator()(std::uint32_t row) const {
    if (has_bits_) {
      const std::size_t word = row / 64;
      if (word >= bits_.size() || ((bits_[word] >> (row % 64)) & 1u) == 0) return false;
    }
    return !predicate_ || predicate_(row);
  }
  /// Calls `visit(row)` for each accepted row < count, ascending. 64 refused rows cost one word.
  template <class Visit>
  void for_each(std::size_t count, Visit&& visit) const {
    if (!has_bits_) {
      for (std::size_t row = 0; row < count; ++row)
        if (!predicate_ || predicate_(static_cast<std::uint32_t>(row))) visit(static_cast<std::uint32_t>(row));
      return;
    }
    for (std::size_t word = 0; word < bits_.size() && word * 64 < count; ++word) {
      for (std::uint64_t left = bits_[word]; left != 0; left &= left - 1) {
        const std::size_t row = word * 64 + static_cast<std::size_t>(std::countr_zero(left));
        if (row >= count) return;
        if (!predicate_ || predicate_(static_cast<std::uint32_t>(row))) visit(static_cast<std::uint32_t>(row));
      }
    }
  }

 private:
  std::span<const std::uint64_t> bits_;
  bool has_bits_ = false;
  row_predicate predicate_;
};

}  // namespace waggle
