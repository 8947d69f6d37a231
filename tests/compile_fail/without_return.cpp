// No final state, and yet the machine cannot begin again.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto rows = std::to_array<Rows>({
      {off, press, on},
      {on, press, broken},
      {on, burn_out, broken},
      {broken, replace, on},
  });
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
