#pragma once

#include <string>
#include <vector>

#include "remote/pods/rent.h"

namespace workflow::pods {

/// What could be rented now for a wish, best first.
struct Market {
  std::vector<Offer> offers;
  std::vector<std::string> unasked;  ///< providers that gave no answer or need a limit, and why
};
/// Asks every provider. Error(refused) where none may be used without a limit or none within the
/// budget; ProviderError where nothing fits.
[[nodiscard]] Market ask_market(const Renting& renting, const RentWish& wish);

/// Every attempt, one a line, and as `attempts` in the details.
[[nodiscard]] ProviderError none_worked(const RentWish& wish, const std::vector<Attempt>& attempts,
                                        const std::vector<std::string>& unasked, Trouble trouble);

}  // namespace workflow::pods
