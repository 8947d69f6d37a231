#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "remote/pods/offer.h"

// What workflow asks of a company that rents machines: five questions, each made once and none
// repeated behind the caller's back. What may cost money is decided in rent.h, never here.
namespace workflow::pods {

/// Why a provider did not do it.
enum class Trouble {
  credentials,   ///< no key, or one that is refused
  account,       ///< no balance, a limit of the account, a key that may not
  no_capacity,   ///< nobody else's fault: taken meanwhile, or nothing left
  rejected,      ///< the request is wrong in the provider's eyes
  rate_limited,  ///< 429
  network,       ///< no connection, no name, a deadline
  provider,      ///< 5xx, an answer that is not understood
};
[[nodiscard]] std::string_view name(Trouble trouble);

/// A call to a provider that failed: exit code 10.
class ProviderError : public Error {
 public:
  ProviderError(Trouble trouble, std::string what, std::string hint = {}, bool maybe_done = false,
                std::string details = {});
  [[nodiscard]] Trouble trouble() const { return trouble_; }
  /// The call may have had its effect all the same: only a listing can tell.
  [[nodiscard]] bool maybe_done() const { return maybe_done_; }

 private:
  Trouble trouble_;
  bool maybe_done_;
};

struct SshAddress {
  std::string user;
  std::string host;
  std::int64_t port = 22;
  friend bool operator==(const SshAddress&, const SshAddress&) = default;
};

enum class PodStatus {
  starting,  ///< rented, not up yet
  running,
  stopped,  ///< not running, and its disk still costs
  ending,
  ended,
  failed,
  unknown,  ///< a word that this build does not know
};
[[nodiscard]] std::string_view name(PodStatus status);

/// A pod as its provider tells of it.
struct Pod {
  std::string provider;
  std::string id;
  std::string name;  ///< that create() gave it
  PodStatus status = PodStatus::unknown;
  std::string status_text{};        ///< the provider's own words
  std::optional<SshAddress> ssh{};  ///< direct, so that files can be copied; once it is known
  std::string no_ssh_reason{};      ///< why there is no address, where that is known
  std::string gpu_type{};
  std::int64_t gpu_count = 0;
  std::optional<double> price_total_hr{};
  std::string created_at{};  ///< RFC 3339; empty: not told
  std::string ends_at{};     ///< the provider's own timer; empty: none
};

/// What a new pod is to be like.
struct PodRequest {
  std::string name;        ///< unique in the account: by it a lost answer is found again
  std::string public_key;  ///< one line of an authorized_keys file
  GpuQuery query;
  std::string image{};    ///< empty: the provider's default for training
  std::string ends_at{};  ///< RFC 3339; handed over where the provider has a timer of its own
  std::vector<std::string> ports{};  ///< `8000/http`; 22/tcp is always among them
  std::string volume{};              ///< the provider's name of a volume to mount; empty: none
  std::string offer_id{};            ///< LIUM_EXECUTOR_ID and the like: this offer and no other
};

/// How a pod of this provider ends when nobody comes back.
enum class Ending {
  by_provider,  ///< the provider has a timer: PodRequest::ends_at or set_end()
  by_pod_key,   ///< in the pod lies a key that is good for this pod alone (dead_man.h)
  only_by_us,   ///< nothing but `workflow gc` or pod-down ends it
};
[[nodiscard]] std::string_view name(Ending ending);

struct Traits {
  Ending ending = Ending::only_by_us;
  bool is_free = false;       ///< costs nothing: no --max-hours is asked for
  bool only_by_name = false;  ///< never chosen unless it is named
  /// So long after create() was called a new pod may be missing from list(), also where its caller
  /// was killed meanwhile. Only a listing after that proves that it never was.
  std::int64_t unseen_ms = 120'000;
};

/// One provider. A call throws ProviderError, or Error(detached) at Ctrl-C; every call has a
/// deadline. Only what changes nothing is tried again inside a call, after 429, 5xx and the
/// network.
class Provider {
 public:
  virtual ~Provider() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual Traits traits() const = 0;
  /// What could be rented now; may hold more than fits the query.
  [[nodiscard]] virtual std::vector<Offer> offers(const GpuQuery& query) = 0;
  /// Rents, once. Returns the new pod's id. maybe_done() when the answer was lost or makes no
  /// sense; then the pod is in list() under its name, or never was.
  [[nodiscard]] virtual std::string create(const Offer& offer, const PodRequest& request) = 0;
  /// Nothing when the provider says that there is no such pod.
  [[nodiscard]] virtual std::optional<Pod> describe(const std::string& id) = 0;
  /// Every pod of the account, ended ones as far as the provider still tells of them.
  [[nodiscard]] virtual std::vector<Pod> list() = 0;
  /// Asks for its end; no proof of it. A pod that is not there is no error.
  virtual void terminate(const std::string& id) = 0;
  /// Sets or moves the provider's own timer; only with Ending::by_provider.
  virtual void set_end(const std::string& id, const std::string& ends_at);
};

/// What a provider may know of this invocation.
struct ProviderContext {
  /// A setting or a variable of the user's: RUNPOD_API_KEY, LIUM_API_KEY, RUNPOD_URL …; empty:
  /// none.
  std::function<std::string(const std::string& key)> value;
  int interrupt_fd = -1;  ///< readable at Ctrl-C
};

/// `loopback`, `lium`, `runpod`, `vast`, `lambda`, or the executable `workflow-provider-NAME` on
/// the PATH. Error(usage) that lists what there is for any other name.
[[nodiscard]] std::unique_ptr<Provider> make_provider(const std::string& name,
                                                      const ProviderContext& context);
/// The built-in ones for which there are credentials, and the executables on the PATH.
[[nodiscard]] std::vector<std::string> providers_with_credentials(const ProviderContext& context);

}  // namespace workflow::pods
