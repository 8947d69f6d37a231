// The list of names is in another order than the enum.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto states =
      std::to_array<Name<State>>({{off, "off"}, {broken, "broken"}, {on, "on"}});
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
