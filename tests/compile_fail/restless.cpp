// Two states lead only to each other and neither is one of rest; a reset does not count as a way.
#include "toy.h"

namespace toy {

struct Spoilt : Sound {
  static constexpr auto rows = std::to_array<Rows>({
      {off, press, on},
      {on, press, broken},
      {broken, press, on},
      {on, burn_out, broken},
      {broken, replace, off},
  });
  static constexpr bool is_rest(State state) { return state == off; }
  static constexpr bool is_escape(Event event) { return event == replace; }
};

static_assert(workflow::fsm::proved<Spoilt>());

}  // namespace toy
