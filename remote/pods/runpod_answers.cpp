#include "remote/pods/runpod_answers.h"

#include <algorithm>
#include <array>

#include "common/clock.h"
#include "common/text.h"

namespace workflow::pods {
namespace {

struct Words {
  std::string_view text;  ///< in lower case
  Trouble trouble;
};

/// What RunPod says in its messages; the first that is contained decides.
constexpr std::array known_words{
    Words{"no longer any instances", Trouble::no_capacity},
    Words{"no instances", Trouble::no_capacity},
    Words{"not enough free gpus", Trouble::no_capacity},
    Words{"does not have the resources", Trouble::no_capacity},
    Words{"outbid", Trouble::no_capacity},
    Words{"balance", Trouble::account},
    Words{"funds", Trouble::account},
    Words{"spend limit", Trouble::account},
    Words{"quota", Trouble::account},
    Words{"unauthorized", Trouble::credentials},
    Words{"unauthenticated", Trouble::credentials},
    Words{"not authenticated", Trouble::credentials},
    Words{"api key", Trouble::credentials},
    Words{"forbidden", Trouble::account},
    Words{"too many requests", Trouble::rate_limited},
};

/// Errors that GraphQL servers find before they do anything.
constexpr std::array refused_codes{"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED",
                                   "BAD_USER_INPUT", "UNAUTHENTICATED", "FORBIDDEN"};

const Words* known(const std::string& message) {
  const std::string text = lower(message);
  const auto* found = std::find_if(known_words.begin(), known_words.end(), [&](const Words& one) {
    return text.find(one.text) != std::string::npos;
  });
  return found == known_words.end() ? nullptr : found;
}

bool is_refusal(const std::string& code) {
  return std::find(refused_codes.begin(), refused_codes.end(), code) != refused_codes.end();
}

PodStatus status_of(const std::string& word, bool is_up) {
  if (word == "RUNNING") return is_up ? PodStatus::running : PodStatus::starting;
  if (word == "CREATED" || word == "RESTARTING") return PodStatus::starting;
  if (word == "EXITED" || word == "PAUSED") return PodStatus::stopped;
  if (word == "DEAD") return PodStatus::failed;
  return word == "TERMINATED" ? PodStatus::ended : PodStatus::unknown;
}

bool is_ssh(const Json& port) {
  return number_at(port, "privatePort") == 22 && text_at(port, "type") == "tcp";
}

void read_ports(const Json& ports, Pod& pod) {
  if (!ports.is_array() || ports.empty()) return;
  for (const auto& port : ports) {
    if (!is_ssh(port) || !flag_at(port, "isIpPublic")) continue;
    pod.ssh = SshAddress{"root", text_at(port, "ip"), number_at(port, "publicPort")};
    return;
  }
  pod.no_ssh_reason =
      "only RunPod's proxy leads to this pod, and that carries no files: its port 22 has no public "
      "address";
}

/// USD an hour of `count` GPUs. `lowest` is told for the count that was asked for and `list` for
/// one GPU; the dearer reading is taken, so that nothing ever costs more than was said.
std::optional<double> total_price(std::optional<double> lowest, std::optional<double> list,
                                  std::int64_t count) {
  if (!lowest) return std::nullopt;
  return std::max(*lowest, list.value_or(0) * static_cast<double>(count));
}

}  // namespace

Trouble RunPodError::trouble() const {
  if (code == "UNAUTHENTICATED") return Trouble::credentials;
  if (code == "FORBIDDEN") return Trouble::account;
  if (const Words* words = known(message)) return words->trouble;
  return code == "INTERNAL_SERVER_ERROR" ? Trouble::provider : Trouble::rejected;
}

bool RunPodError::says_absent() const {
  const std::string text = lower(message);
  const auto has = [&](const char* words) { return text.find(words) != std::string::npos; };
  return has("pod") && (has("not found") || has("does not exist"));
}

bool RunPodError::says_undone() const { return is_refusal(code) || known(message) != nullptr; }

RunPodError runpod_error(const Json& document) {
  const Json& errors = member(document, "errors");
  if (!errors.is_array() || errors.empty()) return {};
  const std::string message = text_at(errors.front(), "message");
  return {message.empty() ? "an error without words" : message,
          text_at(member(errors.front(), "extensions"), "code")};
}

std::optional<Offer> runpod_offer(const Json& type, const GpuQuery& query, bool secure) {
  const Json& lowest = member(type, "lowestPrice");
  const std::string cloud = secure ? "secure" : "community";
  const char* lowest_key = query.spot ? "minimumBidPrice" : "uninterruptablePrice";
  const auto price =
      total_price(real_at(lowest, lowest_key),
                  real_at(type, cloud + (query.spot ? "SpotPrice" : "Price")), query.count);
  const bool has_stock = flag_at(type, cloud + "Cloud") && !text_at(lowest, "stockStatus").empty();
  if (!price || *price <= 0 || !has_stock) return std::nullopt;
  Offer offer{.provider = "runpod",
              .id = text_at(type, "id") + ":" + cloud + (query.spot ? ":spot" : ""),
              .gpu_type = text_at(type, "id"),
              .gpu_count = query.count,
              .price_total_hr = *price,
              .cloud_type = cloud,
              .spot = query.spot};
  if (const auto vram = number_at(type, "memoryInGb"); vram > 0) offer.vram_gb = vram;
  offer.detail["gpu_type_id"] = text_at(type, "id");
  if (query.spot) offer.detail["bid_per_gpu"] = *price / static_cast<double>(query.count);
  return offer;
}

Pod runpod_pod(const Json& pod) {
  const Json& runtime = member(pod, "runtime");
  const std::string word = text_at(pod, "desiredStatus");
  Pod out{.provider = "runpod",
          .id = text_at(pod, "id"),
          .name = text_at(pod, "name"),
          .status = status_of(word, runtime.is_object()),
          .status_text = word,
          .gpu_type = text_at(member(pod, "machine"), "gpuDisplayName"),
          .gpu_count = number_at(pod, "gpuCount"),
          .price_total_hr = real_at(pod, "costPerHr")};
  read_ports(member(runtime, "ports"), out);
  // Only the form of our own times is handed on.
  const std::string created = text_at(pod, "createdAt");
  if (parse_utc(created)) out.created_at = created;
  return out;
}

}  // namespace workflow::pods
