// Lium by its own program: exit codes are not believed, every effect is looked for in its listing.
#include <poll.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/clock.h"
#include "common/text.h"
#include "remote/pods/factories.h"
#include "remote/pods/lium_up.h"

namespace workflow::pods {
namespace {

constexpr std::int64_t settle_ms = 4'000;  ///< until its listing shows what was done

PodStatus status_of(const std::string& word) {
  if (word == "RUNNING") return PodStatus::running;
  if (word == "PENDING" || word == "CREATING" || word == "STARTING") return PodStatus::starting;
  if (word == "DELETING" || word == "TERMINATING" || word == "STOPPING") return PodStatus::ending;
  if (word == "STOPPED") return PodStatus::stopped;
  if (word == "FAILED" || word == "ERROR") return PodStatus::failed;
  return word == "DELETED" || word == "TERMINATED" ? PodStatus::ended : PodStatus::unknown;
}

/// `ssh USER@HOST -p PORT`.
std::optional<SshAddress> address_in(const std::string& command) {
  const auto at = command.find('@');
  if (at == std::string::npos) return std::nullopt;
  const auto words = split(command.substr(at + 1), ' ');
  SshAddress address{command.substr(command.rfind(' ', at) + 1), words.front(), 22};
  address.user.erase(address.user.find('@'));
  const auto flag = std::find(words.begin(), words.end(), "-p");
  if (flag != words.end() && flag + 1 != words.end()) {
    const auto port = parse_integer(*(flag + 1));
    if (!port || *port < 1 || *port > 65'535) return std::nullopt;
    address.port = *port;
  }
  return address.user.empty() || address.host.empty() ? std::nullopt : std::optional(address);
}

Pod pod_in(const Json& row) {
  Pod pod;
  pod.provider = "lium";
  pod.id = text_at(row, "id");
  pod.name = text_at(row, "name");
  pod.status_text = text_at(row, "status");
  pod.status = status_of(pod.status_text);
  pod.ssh = address_in(text_at(row, "ssh_cmd"));
  if (pod.status == PodStatus::running && !pod.ssh) pod.status = PodStatus::starting;
  pod.gpu_type = text_at(row, "gpu_type");
  pod.gpu_count = number_at(row, "gpu_count");
  const Json& price = member(row, "price_per_hour");
  if (price.is_number()) pod.price_total_hr = price.get<double>();
  pod.created_at = lium_time(text_at(row, "created_at"));
  pod.ends_at = lium_time(text_at(row, "removal_scheduled_at"));
  return pod;
}

Offer offer_in(const Json& row) {
  Offer offer;
  offer.provider = "lium";
  offer.id = text_at(row, "id");
  offer.gpu_type = text_at(row, "gpu_type");
  offer.gpu_count = number_at(row, "gpu_count");
  const Json& price = member(row, "price_per_hour");
  offer.price_total_hr = price.is_number() ? price.get<double>() : std::nan("");
  if (const auto vram = number_at(row, "vram_gb"); vram > 0) offer.vram_gb = vram;
  if (const auto disk = number_at(row, "disk_gb"); disk > 0) offer.disk_gb = disk;
  const Json& cuda = member(row, "max_cuda_version");
  offer.cuda = parse_cuda(cuda.is_string() ? cuda.get<std::string>() : cuda.dump());
  const std::string tier = text_at(row, "tier");
  offer.spot = tier == "spot";
  if (tier == "secure") offer.cloud_type = tier;
  offer.region = text_at(row, "country");
  offer.detail = {{"huid", text_at(row, "huid")}};
  return offer;
}

/// A number would be a row of its last listing, and `all` every pod there is.
void require_name(const std::string& what, const std::string& id) {
  const bool name = valid_id(id) && id.find_first_not_of("0123456789") != std::string::npos;
  if (name && lower(id) != "all") return;
  throw Error(Code::usage, what + " '" + id + "' is no id of Lium's: a row number changes",
              "give the id or the name that 'lium ls' and 'lium ps' show");
}

class Lium final : public Provider {
 public:
  explicit Lium(const ProviderContext& context) : context_(context), cli_(context) {}

  [[nodiscard]] std::string name() const override { return "lium"; }

  [[nodiscard]] Traits traits() const override { return {.ending = Ending::by_provider}; }

  [[nodiscard]] std::vector<Offer> offers(const GpuQuery& query) override {
    std::vector<Offer> found;
    if (query.is_cpu()) return found;
    std::vector<std::string> words{"ls", "--format", "json", "--count",
                                   std::to_string(query.count)};
    if (const auto country = context_.value("LIUM_COUNTRY"); !country.empty()) {
      words.insert(words.end(), {"--country", country});
    }
    const std::string only = context_.value("LIUM_EXECUTOR_ID");
    if (!only.empty()) require_name("LIUM_EXECUTOR_ID", only);
    for (const auto& row : rows(words)) {
      Offer offer = offer_in(row);
      const bool wanted = only.empty() || only == offer.id || only == offer.detail["huid"];
      if (wanted && !offer.id.empty()) found.push_back(std::move(offer));
    }
    return found;
  }

  [[nodiscard]] std::string create(const Offer& offer, const PodRequest& request) override {
    require_name("the executor", offer.id);
    require_own_key(context_, request.public_key);
    PodRequest wish = request;
    const auto ttl = parse_duration(context_.value("LIUM_TTL"));
    if (wish.ends_at.empty() && ttl && *ttl > 0) {
      wish.ends_at = utc_text(system_clock().now_ms() + *ttl * 1'000);
    }
    std::string id = LiumUp(cli_, context_, offer, wish).await([&] { return named(wish.name); });
    if (!wish.ends_at.empty()) keep_end(id, wish.ends_at);
    return id;
  }

  [[nodiscard]] std::optional<Pod> describe(const std::string& id) override {
    for (auto& pod : list()) {
      if (pod.id == id) return std::move(pod);
    }
    return std::nullopt;
  }

  [[nodiscard]] std::vector<Pod> list() override {
    std::vector<Pod> pods;
    for (const auto& row : rows({"ps", "--format", "json"})) {
      pods.push_back(pod_in(row));
      if (pods.back().id.empty()) {
        throw ProviderError(Trouble::provider, "'lium ps' told of a pod without an id");
      }
    }
    return pods;
  }

  void terminate(const std::string& id) override {
    require_name("the pod", id);
    if (over(id)) return;
    const std::string said = remove({id});
    if (shows([&] { return over(id); })) return;
    throw cli_.failure("'lium rm' has not ended pod '" + id + "'", said, true);
  }

  void set_end(const std::string& id, const std::string& ends_at) override {
    require_name("the pod", id);
    const auto end = parse_utc(ends_at);
    if (!end) throw Error(Code::usage, "'" + ends_at + "' is no time");
    const std::string said = remove({id, "--in", lium_minutes(*end)});
    const auto near = [&] {
      const auto pod = describe(id);
      const auto set = pod ? parse_utc(pod->ends_at) : std::nullopt;
      return set && std::abs(*set - *end) < 180'000;
    };
    if (!shows(near)) throw cli_.failure("'lium rm --in' has set no end", said, true);
  }

 private:
  [[nodiscard]] std::vector<Json> rows(const std::vector<std::string>& words) const {
    const Json listing = cli_.json(words);
    if (listing.is_array()) return {listing.begin(), listing.end()};
    throw ProviderError(Trouble::provider, "'lium " + words.front() + "' printed no list");
  }

  /// The id of the pod of this name; empty while there is none.
  [[nodiscard]] std::string named(const std::string& wanted) {
    for (const auto& pod : list()) {
      if (pod.name == wanted) return pod.id;
    }
    return {};
  }

  [[nodiscard]] bool over(const std::string& id) {
    const auto pod = describe(id);
    return !pod || pod->status == PodStatus::ending || pod->status == PodStatus::ended;
  }

  /// Newer versions ask on a terminal only and need --yes without one, older ones do not know it.
  [[nodiscard]] std::string remove(std::vector<std::string> words) const {
    words.insert(words.begin(), "rm");
    auto confirmed = words;
    confirmed.push_back("--yes");
    std::string said = cli_.say(confirmed, "");
    if (lower(said).find("no such option") != std::string::npos) said = cli_.say(words, "y\n");
    return said;
  }

  /// `lium up` sets its --ttl when the pod runs, and we have ended it before.
  void keep_end(const std::string& id, const std::string& ends_at) {
    try {
      set_end(id, ends_at);
    } catch (const ProviderError&) {
      // The pod is rented all the same: its `ends_at` stays empty, which whoever rents looks at.
    }
  }

  template <class Condition>
  [[nodiscard]] bool shows(Condition condition) const {
    const std::int64_t deadline = system_clock().steady_ms() + settle_ms;
    while (!condition()) {
      if (system_clock().steady_ms() >= deadline) return false;
      pollfd interrupt{context_.interrupt_fd, POLLIN, 0};
      if (::poll(&interrupt, 1, 500) > 0) {
        throw Error(Code::detached, "interrupted while lium's listing was awaited");
      }
    }
    return true;
  }

  ProviderContext context_;
  LiumCli cli_;
};

}  // namespace

std::unique_ptr<Provider> lium_provider(const ProviderContext& context) {
  return std::make_unique<Lium>(context);
}

}  // namespace workflow::pods
