#include "remote/pods/provider_json.h"

#include "common/text.h"

namespace workflow::pods {
namespace {

Json known(const auto& value) { return value ? Json(*value) : Json(); }

std::optional<double> real_at(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::optional<std::int64_t> count_at(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  return value.is_number() ? std::optional(value.get<std::int64_t>()) : std::nullopt;
}

[[noreturn]] void lacks(const std::string& provider, const char* what, const char* key) {
  throw ProviderError(Trouble::provider,
                      "'" + provider + "' told of " + what + " without a usable '" + key + "'");
}

}  // namespace

Trouble trouble_from(std::string_view word) {
  for (const auto trouble : {Trouble::credentials, Trouble::account, Trouble::no_capacity,
                             Trouble::rejected, Trouble::rate_limited, Trouble::network}) {
    if (name(trouble) == word) return trouble;
  }
  return Trouble::provider;
}

PodStatus status_from(std::string_view word) {
  for (const auto status : {PodStatus::starting, PodStatus::running, PodStatus::stopped,
                            PodStatus::ending, PodStatus::ended, PodStatus::failed}) {
    if (name(status) == word) return status;
  }
  return PodStatus::unknown;
}

Ending ending_from(std::string_view word) {
  if (word == "by_provider") return Ending::by_provider;
  return word == "by_pod_key" ? Ending::by_pod_key : Ending::only_by_us;
}

Json query_json(const GpuQuery& query) {
  return {{"type", query.type},
          {"count", query.count},
          {"max_price", known(query.max_price)},
          {"min_vram_gb", known(query.min_vram_gb)},
          {"cloud_type", query.cloud_type},
          {"min_cuda", cuda_text(query.min_cuda)},
          {"container_disk_gb", query.container_disk_gb},
          {"volume_disk_gb", query.volume_disk_gb},
          {"spot", query.spot}};
}

Json request_json(const PodRequest& request) {
  return {{"name", request.name},
          {"public_key", request.public_key},
          {"image", request.image},
          {"ends_at", request.ends_at},
          {"ports", request.ports},
          {"volume", request.volume},
          {"query", query_json(request.query)}};
}

Json whole_offer_json(const Offer& offer) {
  Json json = offer_json(offer);
  json["detail"] = offer.detail;
  return json;
}

Offer offer_from(const Json& json, const std::string& provider) {
  Offer offer;
  offer.provider = provider;
  offer.id = text_at(json, "id");
  offer.gpu_type = text_at(json, "gpu_type");
  offer.gpu_count = number_at(json, "gpu_count");
  const auto price = real_at(json, "price_total_hr");
  if (offer.id.empty()) lacks(provider, "an offer", "id");
  if (!price) lacks(provider, "an offer", "price_total_hr");
  offer.price_total_hr = *price;
  offer.vram_gb = count_at(json, "vram_gb");
  offer.cuda = parse_cuda(text_at(json, "cuda"));
  offer.cloud_type = text_at(json, "cloud_type");
  offer.region = text_at(json, "region");
  offer.reliability = real_at(json, "reliability");
  offer.disk_gb = count_at(json, "disk_gb");
  offer.spot = flag_at(json, "spot");
  offer.detail = member(json, "detail");
  return offer;
}

Pod pod_from(const Json& json, const std::string& provider) {
  Pod pod;
  pod.provider = provider;
  pod.id = text_at(json, "id");
  if (!valid_id(pod.id)) lacks(provider, "a pod", "id");
  pod.name = text_at(json, "name");
  pod.status_text = text_at(json, "status_text", text_at(json, "status"));
  pod.status = status_from(text_at(json, "status"));
  const Json& ssh = member(json, "ssh");
  if (ssh.is_object()) {
    pod.ssh =
        SshAddress{text_at(ssh, "user", "root"), text_at(ssh, "host"), number_at(ssh, "port", 22)};
    if (pod.ssh->host.empty()) lacks(provider, "a pod's ssh", "host");
  }
  pod.no_ssh_reason = text_at(json, "no_ssh_reason");
  pod.gpu_type = text_at(json, "gpu_type");
  pod.gpu_count = number_at(json, "gpu_count");
  pod.price_total_hr = real_at(json, "price_total_hr");
  pod.created_at = text_at(json, "created_at");
  pod.ends_at = text_at(json, "ends_at");
  return pod;
}

}  // namespace workflow::pods
