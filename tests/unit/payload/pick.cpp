// Chance as RapidCheck draws it. The fuzz target of filters draws it from its input instead.
#include <rapidcheck.h>

#include "model.hpp"

namespace waggle::test {

std::size_t pick(std::size_t count) {
  // Resized: at RapidCheck's small sizes inRange would draw from the front of every pool only.
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, count));
}

}  // namespace waggle::test
