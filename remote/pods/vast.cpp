#include "common/text.h"
#include "remote/pods/credentials.h"
#include "remote/pods/factories.h"
#include "remote/pods/vast_answers.h"

// Vast's marketplace: an ask is taken and becomes an instance, a contract in its words.
namespace workflow::pods {
namespace {

constexpr const char* default_image = "pytorch/pytorch:2.4.0-cuda12.4-cudnn9-devel";

Json acceptance(const Offer& offer, const PodRequest& request) {
  Json env = Json::object();
  for (const auto& port : request.ports) {
    const std::string number = port.substr(0, port.find('/'));
    env["-p " + number + ":" + number] = "1";
  }
  Json out{{"client_id", "me"},
           {"image", request.image.empty() ? default_image : request.image},
           {"label", request.name},
           {"disk", request.query.container_disk_gb + request.query.volume_disk_gb},
           {"runtype", "ssh_direct"},
           {"target_state", "running"},
           {"cancel_unavail", true},
           {"env", env}};
  if (offer.spot) out["price"] = real_at(offer.detail, "bid").value_or(offer.price_total_hr);
  return out;
}

class Vast final : public Provider {
 public:
  explicit Vast(const ProviderContext& context)
      : api_({.provider = "vast",
              .url = url_of(context),
              .key = credential(context, "VAST_API_KEY").value_or(""),
              .key_name = "VAST_API_KEY",
              .interrupt_fd = context.interrupt_fd}) {}

  [[nodiscard]] std::string name() const override { return "vast"; }
  [[nodiscard]] Traits traits() const override { return {.ending = Ending::by_pod_key}; }

  [[nodiscard]] std::vector<Offer> offers(const GpuQuery& query) override {
    std::vector<Offer> out;
    if (query.is_cpu()) return out;
    const HttpAnswer answer = api_.ask("POST", "/bundles/", dump_json(vast_search(query)));
    const Json document = understood(answer);
    for (const auto& ask : api_.list_of(document, "offers")) {
      if (auto offer = vast_offer(ask, query)) out.push_back(std::move(*offer));
    }
    return out;
  }

  [[nodiscard]] std::string create(const Offer& offer, const PodRequest& request) override {
    if (!parse_integer(offer.id)) {
      throw api_.error(Trouble::rejected, "'" + offer.id + "' is no ask of Vast's");
    }
    if (!request.volume.empty()) {
      throw api_.error(
          Trouble::rejected,
          "'" + request.volume + "' cannot be mounted: volumes are bound to one machine there");
    }
    const HttpAnswer answer =
        api_.change("PUT", "/asks/" + offer.id + "/", dump_json(acceptance(offer, request)));
    const Json document = api_.json_of(answer, answer.status < 300);
    const auto contract = number_at(document, "new_contract");
    const std::string id = contract > 0 ? std::to_string(contract) : "";
    const bool yes = answer.status < 300 && flag_at(document, "success");
    if (yes && !id.empty()) {
      attach(id, request.public_key);
      return id;
    }
    if (yes) throw api_.error(Trouble::provider, "the answer names no instance", true);
    // An instance that could not start is there all the same, and its disk costs.
    const bool still_there = !id.empty() && !undone(id);
    throw api_.error(vast_trouble(answer.status, document), vast_words(document), still_there);
  }

  [[nodiscard]] std::optional<Pod> describe(const std::string& id) override {
    if (!parse_integer(id)) return std::nullopt;
    const HttpAnswer answer = api_.ask("GET", "/instances/" + id + "/");
    const Json document = api_.json_of(answer);
    if (answer.status >= 400 && vast_says_absent(answer.status, document)) return std::nullopt;
    throw_refusal(answer, document);
    const Json& instance = member(document, "instances");
    if (instance.is_object() && number_at(instance, "id") > 0) return vast_pod(instance);
    if (instance.is_null() && document.contains("instances")) return std::nullopt;
    throw api_.error(Trouble::provider, "the answer says nothing of instance '" + id + "'");
  }

  [[nodiscard]] std::vector<Pod> list() override {
    std::vector<Pod> out;
    const Json document = understood(api_.ask("GET", "/instances/?owner=me"));
    for (const auto& instance : api_.list_of(document, "instances")) {
      out.push_back(vast_pod(instance));
    }
    return out;
  }

  void terminate(const std::string& id) override {
    if (!parse_integer(id)) return;
    const HttpAnswer answer = api_.change("DELETE", "/instances/" + id + "/", "{}");
    const Json document = api_.json_of(answer, true);
    if (!vast_says_absent(answer.status, document)) throw_refusal(answer, document);
  }

 private:
  static std::string url_of(const ProviderContext& context) {
    const std::string set = context.value("VAST_URL");
    return set.empty() ? "https://console.vast.ai/api/v0" : set;
  }

  void throw_refusal(const HttpAnswer& answer, const Json& document) const {
    if (answer.status < 300 && flag_at(document, "success", true)) return;
    throw api_.error(vast_trouble(answer.status, document), vast_words(document));
  }

  Json understood(const HttpAnswer& answer) const {
    Json document = api_.json_of(answer);
    throw_refusal(answer, document);
    return document;
  }

  /// Lets our key in. The same key twice is one, so it may be asked again. An instance that nobody
  /// can enter is given back at once.
  void attach(const std::string& id, const std::string& public_key) {
    const std::string body = dump_json({{"ssh_key", public_key}});
    std::string trouble;
    try {
      const HttpAnswer answer = api_.ask("POST", "/instances/" + id + "/ssh/", body);
      const Json document = api_.json_of(answer);
      const bool there = lower(vast_words(document)).find("already") != std::string::npos;
      if (there || (answer.status < 300 && flag_at(document, "success", true))) return;
      trouble = vast_words(document);
    } catch (const ProviderError& lost) {
      trouble = lost.what();
    }
    const bool still_there = !undone(id);
    throw api_.error(Trouble::provider, "instance " + id + " did not take the key: " + trouble,
                     still_there);
  }

  /// Deletes what a failed renting has left; whether the provider then says that it is gone.
  bool undone(const std::string& id) try {
    terminate(id);
    return !describe(id);
  } catch (const ProviderError&) {
    return false;
  }

  ProviderApi api_;
};

}  // namespace

std::unique_ptr<Provider> vast_provider(const ProviderContext& context) {
  return std::make_unique<Vast>(context);
}

}  // namespace workflow::pods
