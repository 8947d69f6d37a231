#pragma once

#include <string>

#include "remote/pods/rent.h"

namespace workflow::pods {

/// How a rented pod came up. Without a trouble it is ready.
struct CameUp {
  std::string trouble{};  ///< `not_up`, `gone`, `failed`, `unfit`: the word of an attempt
  std::string text{};
};

/// Waits until a rented pod's ssh answers and its host is what was wanted, at most
/// `wish.ready_limit_ms`, and keeps its row true meanwhile. Error(busy) when another process ends
/// it meanwhile; Error(detached) at Ctrl-C.
[[nodiscard]] CameUp bring_up(Renting& renting, const RentWish& wish, PodRow& row);

}  // namespace workflow::pods
