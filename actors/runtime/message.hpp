#pragma once
// Which C++ types may travel between actors of one node. None of them can cross to another node: that takes a codec
// (actors/edge). In 0.17 CAF calls such types "unsafe" and asks for a declaration of each.
#include <caf/allowed_unsafe_message_type.hpp>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/error.hpp"

/// Declares a request type, at global scope: WAGGLE_MESSAGE(waggle::search_points). It must be copyable; one that must be
/// moved, or is large and sent to many, travels as a shared_ptr, which needs no declaration. Replies need none either.
#define WAGGLE_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(type)

namespace caf {

/// Every actor replies with `waggle::result<T>`.
template <class T>
struct allowed_unsafe_message_type<boost::system::result<T, waggle::failure>> : std::true_type {};

template <class T>
struct allowed_unsafe_message_type<std::shared_ptr<T>> : std::true_type {};

}  // namespace caf
