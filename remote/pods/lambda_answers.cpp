#include "remote/pods/lambda_answers.h"

#include <cstdlib>

#include "common/sha256.h"
#include "common/text.h"

namespace workflow::pods {
namespace {

/// The key itself: the second word of a line `ssh-ed25519 AAAA… comment`.
std::string blob_of(std::string_view line) {
  const auto words = split(trim(line), ' ');
  return words.size() < 2 ? std::string() : words[1];
}

/// GB from `A100 (40 GB SXM4)`.
std::optional<std::int64_t> vram_of(const std::string& description) {
  const std::size_t open = description.find('(');
  const std::size_t unit = description.find(" GB", open);
  if (open == std::string::npos || unit == std::string::npos) return std::nullopt;
  return parse_integer(std::string_view(description).substr(open + 1, unit - open - 1));
}

PodStatus status_of(const std::string& word) {
  if (word == "booting") return PodStatus::starting;
  if (word == "active") return PodStatus::running;
  if (word == "unhealthy") return PodStatus::failed;
  if (word == "terminating") return PodStatus::ending;
  return word == "terminated" || word == "preempted" ? PodStatus::ended : PodStatus::unknown;
}

}  // namespace

Trouble LambdaError::trouble() const {
  const auto has = [&](const char* word) { return code.find(word) != std::string::npos; };
  if (has("insufficient-capacity")) return Trouble::no_capacity;
  if (has("invalid-api-key")) return Trouble::credentials;
  if (has("account-inactive") || has("quota-exceeded") || has("invalid-address")) {
    return Trouble::account;
  }
  return has("global/unknown") ? Trouble::provider : Trouble::rejected;
}

bool LambdaError::says_absent() const {
  return code.find("object-does-not-exist") != std::string::npos;
}

std::string LambdaError::words() const {
  return message + (suggestion.empty() ? "" : " (" + suggestion + ")");
}

LambdaError lambda_error(const Json& document) {
  const Json& error = member(document, "error");
  if (!error.is_object()) return {};
  const std::string message = text_at(error, "message");
  return {.code = text_at(error, "code"),
          .message = message.empty() ? "an error without words" : message,
          .suggestion = text_at(error, "suggestion")};
}

std::vector<Offer> lambda_offers(const Json& type) {
  const Json& kind = member(type, "instance_type");
  const Json& specs = member(kind, "specs");
  const std::string name = text_at(kind, "name");
  const auto cents = real_at(kind, "price_cents_per_hour");
  std::vector<Offer> out;
  if (name.empty() || !cents) return out;
  for (const auto& region : member(type, "regions_with_capacity_available")) {
    Offer offer{.provider = "lambda",
                .id = name + "@" + text_at(region, "name"),
                .gpu_type = {},
                .gpu_count = number_at(specs, "gpus"),
                .price_total_hr = *cents / 100,
                .cloud_type = "secure",
                .region = text_at(region, "name")};
    if (offer.gpu_count > 0) {
      const std::string gpu = text_at(kind, "gpu_description");
      offer.gpu_type = gpu.empty() ? text_at(kind, "description") : gpu;
      offer.vram_gb = vram_of(offer.gpu_type);
    }
    if (const auto disk = number_at(specs, "storage_gib"); disk > 0) offer.disk_gb = disk;
    offer.detail["instance_type_name"] = name;
    out.push_back(std::move(offer));
  }
  return out;
}

Pod lambda_pod(const Json& instance) {
  const Json& kind = member(instance, "instance_type");
  const std::string word = text_at(instance, "status");
  Pod out{.provider = "lambda",
          .id = text_at(instance, "id"),
          .name = text_at(instance, "name"),
          .status = status_of(word),
          .status_text = word,
          .gpu_type = text_at(kind, "gpu_description"),
          .gpu_count = number_at(member(kind, "specs"), "gpus")};
  if (const auto cents = real_at(kind, "price_cents_per_hour")) {
    out.price_total_hr = *cents / 100;
  }
  const std::string ip = text_at(instance, "ip");
  if (!ip.empty()) out.ssh = SshAddress{"ubuntu", ip, 22};
  return out;
}

std::string lambda_key_name(const Json& keys, const std::string& public_key) {
  const std::string wanted = blob_of(public_key);
  for (const auto& key : keys) {
    if (!wanted.empty() && blob_of(text_at(key, "public_key")) == wanted) {
      return text_at(key, "name");
    }
  }
  return {};
}

std::string lambda_new_key_name(const std::string& public_key) {
  return "workflow-" + sha256_hex(blob_of(public_key)).substr(0, 12);
}

}  // namespace workflow::pods
