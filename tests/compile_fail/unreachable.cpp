// No row leads to a state.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto rows = std::to_array<Rows>({
      {off, press, on},
      {on, press, off},
      {on, burn_out, off},
      {broken, replace, off},
  });
  static constexpr bool is_rest(State state) { return state == off; }
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
