// An event that is in no row.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto rows = std::to_array<Rows>({
      {off, press, on},
      {on, press, broken},
      {broken, replace, off},
  });
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
