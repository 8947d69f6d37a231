// A state was added to the enum and forgotten in the list of names.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto states = std::to_array<Name<State>>({{off, "off"}, {on, "on"}});
  static constexpr bool is_rest(State state) { return state == off; }
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
