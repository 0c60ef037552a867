#pragma once
// Little-endian byte writer and bounds-checked reader for everything that reaches disk or wire.
// A reader never reads past its end: after the first short read `ok()` is false and every value is zero/empty.
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace waggle {

class byte_writer {
 public:
  explicit byte_writer(std::string& out) : out_(out) {}
  template <class N>
    requires std::is_arithmetic_v<N>
  void fixed(N v) {
    out_.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  /// LEB128.
  void varint(std::uint64_t v);
  void raw(std::string_view bytes) { out_.append(bytes); }
  /// varint length, then the bytes.
  void text(std::string_view bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  /// varint count, then the raw float32 values.
  void floats(std::span<const float> v) {
    varint(v.size());
    out_.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(float));
  }

 private:
  std::string& out_;
};

class byte_reader {
 public:
  explicit byte_reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool ok() const { return ok_; }
  /// True when every byte was read and nothing was short.
  bool done() const { return ok_ && at_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  template <class N>
    requires std::is_arithmetic_v<N>
  N fixed() {
    N v{};
    if (const auto bytes = take(sizeof v); bytes.size() == sizeof v) std::memcpy(&v, bytes.data(), sizeof v);
    return v;
  }
  std::uint64_t varint();
  std::string_view raw(std::size_t n) { return take(n); }
  std::string_view text() { return take(varint()); }
  /// Copies the floats: the source may be unaligned.
  template <class Vector>
  void floats(Vector& out) {
    const auto n = varint();
    if (n > left() / sizeof(float)) {
      fail();
      out.clear();
      return;
    }
    out.resize(n);
    const auto bytes = take(n * sizeof(float));
    if (n) std::memcpy(out.data(), bytes.data(), bytes.size());
  }
  void fail() { ok_ = false; }

 private:
  std::string_view take(std::uint64_t n) {
    if (!ok_ || n > left()) {
      ok_ = false;
      return {};
    }
    std::string_view bytes(at_, n);
    at_ += n;
    return bytes;
  }
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace waggle
