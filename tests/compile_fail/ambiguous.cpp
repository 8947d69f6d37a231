// Two rows for one state and event.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto rows = std::to_array<Rows>({
      {off, press, on},
      {on, press, off},
      {on, burn_out, broken},
      {broken, replace, off},
      {on, press, broken},
  });
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
