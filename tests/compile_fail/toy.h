#pragma once
// A small machine without a flaw. Each case beside this file derives from it and spoils one thing.

#include "fsm/proofs.h"

namespace toy {

using workflow::fsm::Name;
using workflow::fsm::Row;

enum class Light { off, on, broken };
enum class Push { press, burn_out, replace };

struct Sound {
  using State = Light;
  using Event = Push;
  using enum Light;
  using enum Push;
  using Rows = Row<State, Event>;
  static constexpr State initial = off;
  static constexpr auto states =
      std::to_array<Name<State>>({{off, "off"}, {on, "on"}, {broken, "broken"}});
  static constexpr auto events =
      std::to_array<Name<Event>>({{press, "press"}, {burn_out, "burn-out"}, {replace, "replace"}});
  static constexpr auto rows = std::to_array<Rows>({
      {off, press, on},
      {on, press, off},
      {on, burn_out, broken},
      {broken, replace, off},
  });
  static constexpr bool is_final(State) { return false; }
  static constexpr bool is_rest(State state) { return state == broken; }
  static constexpr bool by_person(Event event) { return event != burn_out; }
  static constexpr bool is_escape(Event) { return false; }
};

}  // namespace toy
