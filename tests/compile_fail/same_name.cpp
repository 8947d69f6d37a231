// Two events have one name on the wire.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto events =
      std::to_array<Name<Event>>({{press, "press"}, {burn_out, "burn-out"}, {replace, "press"}});
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
