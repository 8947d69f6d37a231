// Only an escape leads to a state, and that is not the ordinary course.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr bool is_escape(Event event) { return event == burn_out; }
  static constexpr bool is_rest(State state) { return state == off; }
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
