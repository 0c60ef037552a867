#pragma once
// Large arrays that start on a cache line, and on a huge page when they are big: a graph walk touches memory at random,
// so address translation costs as much as the data. A std::vector with an allocator; same ownership and thread rules.
#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace waggle {

template <class T>
struct aligned_allocator {
  using value_type = T;
  static constexpr std::size_t line_bytes = 64;
  static constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

  aligned_allocator() = default;
  template <class U>
  aligned_allocator(const aligned_allocator<U>&) {}

  static constexpr std::size_t alignment_of(std::size_t bytes) {
    return bytes >= 2 * huge_page_bytes ? huge_page_bytes : line_bytes;
  }
  T* allocate(std::size_t n) {
    const std::size_t bytes = n * sizeof(T);
    const std::size_t alignment = alignment_of(bytes);
    void* memory = ::operator new (bytes, std::align_val_t{alignment});
    // Advice only: without it the array works the same, slower.
    if (alignment == huge_page_bytes) ::madvise(memory, bytes / huge_page_bytes * huge_page_bytes, MADV_HUGEPAGE);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t n) {
    ::operator delete (memory, std::align_val_t{alignment_of(n * sizeof(T))});
  }
  template <class U>
  bool operator==(const aligned_allocator<U>&) const {
    return true;
  }
};

template <class T>
using aligned_array = std::vector<T, aligned_allocator<T>>;

}  // namespace waggle
