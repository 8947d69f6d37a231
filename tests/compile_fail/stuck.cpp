// Something leaves the state, but nothing a person can do.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr bool by_person(Event event) { return event == press; }
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
