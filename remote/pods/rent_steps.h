#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "remote/pods/rent.h"

// What renting, giving back and the review have in common.
namespace workflow::pods {

/// The provider of that name. Error(precondition) where it is not among those of this invocation.
[[nodiscard]] Provider& provider_of(const Renting& renting, const std::string& name);

/// Waits; Error(detached) at Ctrl-C.
void wait(const Renting& renting, std::int64_t ms);
[[nodiscard]] bool interrupted(const Renting& renting);

/// Pauses between questions: short ones first, at most ten seconds.
class Pace {
 public:
  [[nodiscard]] std::int64_t next();

 private:
  std::int64_t ms_ = 200;
};

[[nodiscard]] std::string now_text(const Renting& renting);
/// Milliseconds since a time of a row; 0 where there is none.
[[nodiscard]] std::int64_t since(const Renting& renting, const std::string& time);

/// Whether another process of this machine is renting it now. After two hours it is not, whoever
/// has its pid.
[[nodiscard]] bool is_at_work(const Renting& renting, const PodRow& row);
inline constexpr std::int64_t longest_rental_ms = 7'200'000;

/// Tells an event of a row, with its name, provider and price.
void tell(const Renting& renting, std::string_view event, const PodRow& row,
          Json more = Json::object());
void warn(const Renting& renting, const PodRow& row, const std::string& text);

/// `$4.78/h`, for people; `nothing` where it is free.
[[nodiscard]] std::string price_text(double price_total_hr);

/// What Ctrl-C leaves behind, by what the ledger has of it: what it is, what it costs, how it ends.
[[nodiscard]] Error detached_from(const PodRow& row);

/// What a provider says of a pod when it is asked by both of its ways.
struct Sighting {
  enum class Seen { there, gone, unknown };
  Seen seen = Seen::unknown;
  std::optional<Pod> pod{};  ///< where it is there
  std::string why{};         ///< the provider's words where it is unknown
};
/// `gone`: neither describe() nor list() has it as anything but ended. A pod that is younger than
/// the provider's unseen_ms may be missing from both and be there.
[[nodiscard]] Sighting look_for(Provider& provider, const PodRow& row);

/// Whether a pod that is nowhere to be seen is proven gone: one that was seen before, or that is
/// older than the provider's unseen_ms.
[[nodiscard]] bool absence_is_proof(const Renting& renting, const PodRow& row,
                                    const Provider& provider);

/// Finds out what came of a create call whose answer is not known: looks for the name until it is
/// listed (the row becomes `rented`), or until a listing that was begun after `unseen_ms` from now
/// lacks it (`never`). Error(provider), and still `intended`, when no listing can be had.
void settle_intent(Renting& renting, PodRow& row, std::int64_t unseen_ms);
/// The same for an intent that another call has left behind.
void settle_left_intent(Renting& renting, PodRow& row);

}  // namespace workflow::pods
