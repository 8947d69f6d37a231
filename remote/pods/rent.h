#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "remote/pods/ledger.h"

// Renting and giving back, so that whatever is killed or lost in between, no pod is rented twice
// and none is forgotten. The order of the steps is in docs/architecture.md, "Renting".
namespace workflow::pods {

/// What a look at a rented pod's host found.
struct HostLook {
  bool answers = false;
  std::string why_not{};              ///< for people, while it does not
  bool never_will = false;            ///< no further look helps: another key was offered, …
  std::optional<CudaVersion> cuda{};  ///< of the driver, where there is one
  std::int64_t gpu_count = -1;        ///< -1: not looked at
  std::string no_timer{};             ///< why the timer in the pod is not set; empty: it is
};

struct RentWish {
  GpuQuery query;
  /// Wishes with the same binding, or with the same purpose where it is empty, are the same wish: a
  /// pod that lives is gone on with, none is rented beside it.
  std::string purpose;
  std::string binding{};
  std::string public_key{};
  std::string image{};
  std::vector<std::string> ports{};
  std::string volume{};
  std::string offer_id{};
  std::string pod_name{};                  ///< in place of `wf-USER` in `wf-USER-HEX`
  std::optional<std::int64_t> max_secs{};  ///< --max-hours, or the setting
  std::optional<double> max_cost{};        ///< USD; shortens max_secs by the price
  std::int64_t ready_limit_ms = 600'000;   ///< from the create call to the first answer by ssh
  int most_offers = 3;                     ///< tried one after the other
};

struct Renting {
  Ledger& ledger;
  std::vector<std::unique_ptr<Provider>>& providers;
  const Clock& clock;
  int interrupt_fd = -1;
  /// Looks at a pod whose address is known, by ssh, once; its own deadline is some seconds.
  std::function<HostLook(const PodRow&)> look;
  /// Progress: `offer` and what came of it (`attempt`), `resumed`, `rented`, `booting`, `address`,
  /// `ready`, `returned`, `warning` (`text`). Each has `name`, `provider`, `price_total_hr`. What
  /// throws at `offer` stops before that offer is asked for.
  std::function<void(const Json& event)> tell;
  /// Waits so many milliseconds; nothing: by the machine's clock, Error(detached) at Ctrl-C.
  std::function<void(std::int64_t ms)> wait{};
};

/// Rents the first offer that works and returns when its ssh answers; what an earlier call for the
/// same wish has begun is finished, be it an end, and a pod that is ready is returned as it is.
/// Error(busy) while another process of this machine is at it. A pod that does not come up within
/// the limit, or is not what was wanted, is given back before the next offer is tried.
/// Error(refused) for a budget that no offer fits and where a limit is missing; ProviderError with
/// every attempt in its details when none worked. At Ctrl-C Error(detached) that names what goes on
/// costing.
[[nodiscard]] PodRow rent(Renting& renting, const RentWish& wish);

/// Ends a pod and returns when the provider no longer lists it as anything but ended.
/// Error(provider) when it still does after `limit_ms`: the ledger then says `ending`.
[[nodiscard]] PodRow give_back(Renting& renting, PodRow row, std::int64_t limit_ms = 300'000);

/// What the ledger and a provider's listing say when they are laid side by side.
struct Orphan {
  PodRow row;             ///< of a stranger (not in the ledger) only name, provider and pod_id
  std::string why;        ///< for people: `rented 3 h ago by ana@laptop, whose job-run has gone`
  bool ours = true;       ///< false: its name is like ours, but this ledger does not know it
  bool may_work = false;  ///< it is ready, and what was started on it may go on: look first
};
struct Review {
  std::vector<PodRow> live;  ///< all that is not over, orphans too, with what the listing added
  std::vector<Orphan> orphans;
  std::vector<std::string> unasked;  ///< providers that could not be asked, and why
};
/// Asks a pod's provider how it is, by both of its ways, and keeps that in the ledger: its address,
/// or that it is proven gone. ProviderError where that cannot be told.
[[nodiscard]] PodRow settle(Renting& renting, PodRow row);

/// Asks every provider of a row that is not over, and settles what a listing settles: an intent
/// whose pod is there is rented, one whose pod is not there (after the provider's unseen_ms) never
/// was, a pod that is gone is ended. Ends nothing.
[[nodiscard]] Review review(Renting& renting);

}  // namespace workflow::pods
