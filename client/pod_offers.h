#pragma once

#include <string>
#include <vector>

#include "client/settings.h"
#include "remote/pods/offer.h"
#include "remote/pods/provider.h"

// What there is to rent, of all providers that may be asked.
namespace workflow::client {

/// A provider of which nothing is known now.
struct Unasked {
  std::string provider;
  std::string why;
  std::string category;  ///< as name(Trouble) says it
};

struct OffersFound {
  std::vector<pods::Offer> offers;  ///< that fit, best first
  std::vector<Unasked> unasked;
  std::vector<std::string> asked;
  std::vector<std::string> types;  ///< of the GPUs that there are, whether they fit or not
};

/// Asks all providers that the query may choose from at once (provider_access.h).
[[nodiscard]] OffersFound pod_offers(const Settings& settings, const pods::GpuQuery& query,
                                     int interrupt_fd);

/// The nearest of the types there are to one that nothing fits, else all of them; for people, empty
/// when there are none.
[[nodiscard]] std::string type_advice(const std::string& type,
                                      const std::vector<std::string>& types);

}  // namespace workflow::client
