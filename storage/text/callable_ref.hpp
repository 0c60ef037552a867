#pragma once
// A non-owning reference to something callable: two pointers, no allocation. The callable must outlive the reference,
// therefore it can only be made from an lvalue. Any thread; as safe to call as what it refers to.
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace waggle {

template <class Signature>
class callable_ref;

template <class Result, class... Args>
class callable_ref<Result(Args...)> {
 public:
  /// Refers to nothing: converts to false and must not be called.
  callable_ref() = default;

  template <class F>
  requires(!std::same_as<std::remove_cv_t<F>, callable_ref> && std::is_invocable_r_v<Result, F&, Args...>)
      callable_ref(F& callable)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Args... args) -> Result {
          return (*static_cast<F*>(object))(std::forward<Args>(args)...);
        }) {}

  explicit operator bool() const { return call_ != nullptr; }
  Result operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_ = nullptr;
  Result (*call_)(void*, Args...) = nullptr;
};

}  // namespace waggle
