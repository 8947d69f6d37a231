// A state is called final and has a way out.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr bool is_final(State state) { return state == broken; }
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
