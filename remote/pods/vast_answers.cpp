#include "remote/pods/vast_answers.h"

#include <algorithm>
#include <cmath>

#include "common/clock.h"
#include "common/text.h"

namespace workflow::pods {
namespace {

constexpr int most_offers = 5000;

/// A version that Vast tells as a number: 12.4 is 12.4, 12.1 may have been 12.10.
std::optional<CudaVersion> cuda_of(const Json& ask) {
  const auto number = real_at(ask, "cuda_max_good");
  if (!number || *number <= 0) return std::nullopt;
  const auto tenths = static_cast<int>(std::lround(*number * 10));
  return CudaVersion{tenths / 10, tenths % 10};
}

/// `frozen` is none of ours: it does not run, and its GPUs cost as if it did.
PodStatus status_of(const std::string& actual, const std::string& intended) {
  if (actual == "running") return PodStatus::running;
  if (actual == "stopped" || actual == "exited") return PodStatus::stopped;
  if (actual.empty()) return intended == "stopped" ? PodStatus::stopped : PodStatus::starting;
  const bool starting = actual == "created" || actual == "loading" || actual == "rebooting";
  return starting ? PodStatus::starting : PodStatus::unknown;
}

/// The port of the host that leads to the pod's 22, else Vast's proxy, which carries files too.
std::optional<SshAddress> address_of(const Json& instance) {
  const Json& mapped = member(member(instance, "ports"), "22/tcp");
  const std::string ip(trim(text_at(instance, "public_ipaddr")));
  if (mapped.is_array() && !mapped.empty() && !ip.empty()) {
    const auto port = real_at(mapped.front(), "HostPort");
    if (port) return SshAddress{"root", ip, static_cast<std::int64_t>(*port)};
  }
  const std::string proxy = text_at(instance, "ssh_host");
  const long long port = number_at(instance, "ssh_port");
  if (proxy.empty() || port <= 0) return std::nullopt;
  return SshAddress{"root", proxy, port};
}

}  // namespace

std::string vast_words(const Json& answer) {
  const std::string words = words_at(answer, {"msg", "message", "error"});
  return words.empty() ? "an answer without words" : words;
}

Trouble vast_trouble(long status, const Json& answer) {
  const std::string code = lower(text_at(answer, "error") + " " + vast_words(answer));
  const auto has = [&](const char* words) { return code.find(words) != std::string::npos; };
  if (has("credit") || has("balance") || has("billing")) return Trouble::account;
  if (has("auth") || has("api key")) return Trouble::credentials;
  const bool gone = status == 404 || status == 409 || status == 410;
  if (gone || has("no_such_ask") || has("not available") || has("unavail")) {
    return Trouble::no_capacity;
  }
  return Trouble::rejected;
}

bool vast_says_absent(long status, const Json& answer) {
  const std::string text = lower(text_at(answer, "error") + " " + vast_words(answer));
  const auto has = [&](const char* words) { return text.find(words) != std::string::npos; };
  // A 404 of another server (a wrong VAST_URL) says nothing about an instance.
  return has("no such instance") || has("no_such_instance") ||
         (status == 404 && (has("instance") || answer.contains("success")));
}

Json vast_search(const GpuQuery& query) {
  const std::int64_t disk = query.container_disk_gb + query.volume_disk_gb;
  Json out{{"verified", {{"eq", true}}},
           {"external", {{"eq", false}}},
           {"rentable", {{"eq", true}}},
           {"rented", {{"eq", false}}},
           {"num_gpus", {{"eq", query.count}}},
           {"disk_space", {{"gte", disk}}},
           {"allocated_storage", disk},
           {"type", query.spot ? "bid" : "on-demand"},
           {"limit", most_offers}};
  out["order"] = Json::array({Json::array({"dph_total", "asc"})});
  out["cuda_max_good"]["gte"] = query.min_cuda.major + query.min_cuda.minor / 10.0;
  if (query.cloud_type != "any") out["datacenter"]["eq"] = query.cloud_type == "secure";
  if (query.max_price) {
    out["dph_total"]["lte"] = *query.max_price * static_cast<double>(query.count);
  }
  return out;
}

std::optional<Offer> vast_offer(const Json& ask, const GpuQuery& query) {
  const double bid = query.spot ? real_at(ask, "min_bid").value_or(0) : 0;
  const double price = std::max(real_at(ask, "dph_total").value_or(0), bid);
  if (price <= 0) return std::nullopt;
  Offer offer{.provider = "vast",
              .id = std::to_string(number_at(ask, "id")),
              .gpu_type = text_at(ask, "gpu_name"),
              .gpu_count = number_at(ask, "num_gpus"),
              .price_total_hr = price,
              .cuda = cuda_of(ask),
              .region = text_at(ask, "geolocation"),
              .reliability = real_at(ask, "reliability2"),
              .spot = query.spot};
  if (const auto megabytes = real_at(ask, "gpu_ram")) {
    offer.vram_gb = std::lround(*megabytes / 1024);
  }
  if (const auto disk = real_at(ask, "disk_space")) offer.disk_gb = std::lround(*disk);
  const auto hosting = real_at(ask, "hosting_type");
  if (hosting) offer.cloud_type = *hosting == 1 ? "secure" : "community";
  if (!hosting && query.cloud_type != "any") offer.cloud_type = query.cloud_type;
  if (query.spot) offer.detail["bid"] = bid > 0 ? bid : price;
  return offer;
}

Pod vast_pod(const Json& instance) {
  const std::string actual = text_at(instance, "actual_status");
  Pod out{.provider = "vast",
          .id = std::to_string(number_at(instance, "id")),
          .name = text_at(instance, "label"),
          .status = status_of(actual, text_at(instance, "intended_status")),
          .status_text = actual,
          .gpu_type = text_at(instance, "gpu_name"),
          .gpu_count = number_at(instance, "num_gpus"),
          .price_total_hr = real_at(instance, "dph_total")};
  if (const std::string words(trim(text_at(instance, "status_msg"))); !words.empty()) {
    out.status_text += (actual.empty() ? "" : ": ") + words;
  }
  if (out.status == PodStatus::running) out.ssh = address_of(instance);
  if (const auto start = real_at(instance, "start_date"); start && *start > 0) {
    out.created_at = utc_text(static_cast<std::int64_t>(*start * 1000));
  }
  return out;
}

}  // namespace workflow::pods
