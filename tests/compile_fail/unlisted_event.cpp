// An event was added to the enum and forgotten in the list of names.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto events =
      std::to_array<Name<Event>>({{press, "press"}, {burn_out, "burn-out"}});
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
