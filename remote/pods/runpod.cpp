#include <algorithm>
#include <cmath>

#include "common/clock.h"
#include "common/text.h"
#include "remote/pods/credentials.h"
#include "remote/pods/factories.h"
#include "remote/pods/runpod_answers.h"

// RunPod's GraphQL interface. An error there is an answer with status 200 and a member `errors`.
namespace workflow::pods {
namespace {

constexpr const char* default_image = "runpod/pytorch:2.4.0-py3.11-cuda12.4.1-devel-ubuntu22.04";

constexpr const char* offers_query = R"(
query GpuTypes($lowestPriceInput: GpuLowestPriceInput) {
  gpuTypes {
    id displayName memoryInGb secureCloud communityCloud
    securePrice communityPrice secureSpotPrice communitySpotPrice
    lowestPrice(input: $lowestPriceInput) { minimumBidPrice uninterruptablePrice stockStatus }
  }
})";
constexpr const char* deploy_query = R"(
mutation Deploy($input: PodFindAndDeployOnDemandInput) {
  podFindAndDeployOnDemand(input: $input) { id }
})";
constexpr const char* spot_query = R"(
mutation Rent($input: PodRentInterruptableInput!) {
  podRentInterruptable(input: $input) { id }
})";
constexpr const char* pod_fields =
    "{ id name desiredStatus createdAt costPerHr gpuCount machine { gpuDisplayName } "
    "runtime { uptimeInSeconds ports { ip isIpPublic privatePort publicPort type } } }";
constexpr const char* terminate_query =
    "mutation Terminate($input: PodTerminateInput!) { podTerminate(input: $input) }";

/// What a pod of this offer is asked for.
Json deployment(const Offer& offer, const PodRequest& request) {
  std::vector<std::string> ports{"22/tcp"};
  for (const auto& port : request.ports) {
    if (port != ports.front()) ports.push_back(port);
  }
  Json input{{"name", request.name},
             {"gpuTypeId", text_at(offer.detail, "gpu_type_id")},
             {"gpuCount", offer.gpu_count},
             {"cloudType", offer.cloud_type == "secure" ? "SECURE" : "COMMUNITY"},
             {"imageName", request.image.empty() ? default_image : request.image},
             {"containerDiskInGb", request.query.container_disk_gb},
             {"minCudaVersion", std::to_string(request.query.min_cuda.major) + "." +
                                    std::to_string(request.query.min_cuda.minor)},
             {"ports", join(ports, ",")},
             {"supportPublicIp", true},
             {"startSsh", true},
             {"dockerArgs", ""},
             {"env", Json::array({{{"key", "PUBLIC_KEY"}, {"value", request.public_key}}})}};
  if (!request.volume.empty()) input["networkVolumeId"] = request.volume;
  if (request.volume.empty()) input["volumeInGb"] = request.query.volume_disk_gb;
  input["volumeMountPath"] = "/workspace";
  if (!request.ends_at.empty()) input["terminateAfter"] = request.ends_at;
  if (offer.spot) input["bidPerGpu"] = real_at(offer.detail, "bid_per_gpu").value_or(0);
  return input;
}

class RunPod final : public Provider {
 public:
  explicit RunPod(const ProviderContext& context)
      : api_({.provider = "runpod",
              .url = url_of(context),
              .key = credential(context, "RUNPOD_API_KEY").value_or(""),
              .key_name = "RUNPOD_API_KEY",
              .interrupt_fd = context.interrupt_fd}) {}

  [[nodiscard]] std::string name() const override { return "runpod"; }
  [[nodiscard]] Traits traits() const override { return {.ending = Ending::by_pod_key}; }

  [[nodiscard]] std::vector<Offer> offers(const GpuQuery& query) override {
    std::vector<Offer> out;
    if (query.is_cpu()) return out;
    for (const bool secure : {true, false}) {
      if (query.cloud_type == (secure ? "community" : "secure")) continue;
      const Json input{{"gpuCount", query.count}, {"secureCloud", secure}};
      const Json data = asked(offers_query, {{"lowestPriceInput", input}});
      for (const auto& type : api_.list_of(data, "gpuTypes")) {
        if (auto offer = runpod_offer(type, query, secure)) out.push_back(std::move(*offer));
      }
    }
    return out;
  }

  [[nodiscard]] std::string create(const Offer& offer, const PodRequest& request) override {
    const Json variables{{"input", deployment(offer, request)}};
    const HttpAnswer answer =
        api_.change("POST", "", graphql(offer.spot ? spot_query : deploy_query, variables));
    const Json document = api_.json_of(answer, answer.status < 300);
    const char* call = offer.spot ? "podRentInterruptable" : "podFindAndDeployOnDemand";
    const Json& made = member(member(document, "data"), call);
    // A part of the answer may have failed although the pod is there.
    if (const std::string id = text_at(made, "id"); !id.empty()) return id;
    throw_errors(document, true);
    throw api_.error(Trouble::provider, "the answer names no pod", true);
  }

  [[nodiscard]] std::optional<Pod> describe(const std::string& id) override {
    static const std::string text =
        std::string("query Pod($input: PodFilter) { pod(input: $input) ") + pod_fields + " }";
    const Json document = document_of(text, {{"input", {{"podId", id}}}});
    const Json& data = member(document, "data");
    const Json& pod = member(data, "pod");
    if (pod.is_object()) return runpod_pod(pod);
    if (runpod_error(document).says_absent()) return std::nullopt;
    throw_errors(document, false);
    if (data.is_object() && data.contains("pod") && pod.is_null()) return std::nullopt;
    throw api_.error(Trouble::provider, "the answer says nothing of pod '" + id + "'");
  }

  [[nodiscard]] std::vector<Pod> list() override {
    static const std::string text =
        std::string("query Pods { myself { pods ") + pod_fields + " } }";
    const Json data = asked(text, Json::object());
    std::vector<Pod> out;
    for (const auto& pod : api_.list_of(member(data, "myself"), "pods")) {
      out.push_back(runpod_pod(pod));
    }
    return out;
  }

  void terminate(const std::string& id) override {
    const HttpAnswer answer =
        api_.change("POST", "", graphql(terminate_query, {{"input", {{"podId", id}}}}));
    const Json document = api_.json_of(answer, true);
    if (!runpod_error(document).says_absent()) throw_errors(document, true);
  }

 private:
  static std::string url_of(const ProviderContext& context) {
    const std::string set = context.value("RUNPOD_URL");
    return set.empty() ? "https://api.runpod.io/graphql" : set;
  }

  static std::string graphql(const std::string& query, const Json& variables) {
    return dump_json({{"query", query}, {"variables", variables}});
  }

  /// The whole answer to a question, its errors still in it.
  Json document_of(const std::string& query, const Json& variables) {
    return api_.json_of(api_.ask("POST", "", graphql(query, variables)));
  }

  /// The `data` of an answer without errors.
  Json asked(const std::string& query, const Json& variables) {
    const Json document = document_of(query, variables);
    throw_errors(document, false);
    return member(document, "data");
  }

  void throw_errors(const Json& document, bool changes) const {
    const RunPodError found = runpod_error(document);
    if (found.message.empty()) return;
    throw api_.error(found.trouble(), found.message, changes && !found.says_undone());
  }

  ProviderApi api_;
};

}  // namespace

std::unique_ptr<Provider> runpod_provider(const ProviderContext& context) {
  return std::make_unique<RunPod>(context);
}

}  // namespace workflow::pods
