#pragma once
// Which bases an actor or a job has. A dynamic_cast that fails costs 100 ns, so its outcome is remembered per type: the place of
// a base inside a complete object is the same for every object of one type. Any thread.
#include <array>
#include <caf/abstract_actor.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduled_actor.hpp>
#include <cstddef>
#include <cstdint>
#include <typeinfo>

#include "actors/runtime/types.hpp"

namespace waggle {

namespace parts_detail {

template <class Base, class From>
Base* find(From* what) {
  struct line {
    const std::type_info* type = nullptr;
    std::ptrdiff_t offset = -1;
  };
  thread_local std::array<line, 64> cache{};
  const std::type_info& type = typeid(*what);
  auto* whole = static_cast<std::byte*>(dynamic_cast<void*>(what));
  line& l = cache[(reinterpret_cast<std::uintptr_t>(&type) >> 4) % cache.size()];
  if (l.type != &type) {
    auto* base = dynamic_cast<Base*>(what);
    l = {&type, base ? reinterpret_cast<std::byte*>(base) - whole : -1};
  }
  return l.offset < 0 ? nullptr : reinterpret_cast<Base*>(whole + l.offset);
}

}  // namespace parts_detail

/// Whose time it is; null: the system's.
inline const tenant_id* tenant_of(caf::resumable* what) {
  const auto* base = parts_detail::find<tenanted>(what);
  return base ? &base->tenant : nullptr;
}

/// Null for what has no mailbox and behaviour of its own, e.g. a reply port.
inline caf::scheduled_actor* scheduled_part_of(caf::abstract_actor* who) {
  return parts_detail::find<caf::scheduled_actor>(who);
}

}  // namespace waggle
