#pragma once
// A one-shot function in the shape that the run queue holds: a caf::resumable. Destroyed without running when the runtime
// stops; a function that must tell somebody does so in its destructor (see `jobs.hpp`).
#include <caf/ref_counted.hpp>
#include <caf/resumable.hpp>
#include <utility>

namespace waggle {

class job : public caf::resumable, public caf::ref_counted {
 public:
  subtype_t subtype() const final { return caf::resumable::function_object; }
  void intrusive_ptr_add_ref_impl() final { ref(); }
  void intrusive_ptr_release_impl() final { deref(); }
};

template <class F>
class job_of final : public job {
 public:
  explicit job_of(F fn) : fn_(std::move(fn)) {}
  /// The scheduler catches what escapes.
  resume_result resume(caf::execution_unit*, std::size_t) override {
    fn_();
    return done;
  }

 private:
  F fn_;
};

}  // namespace waggle
