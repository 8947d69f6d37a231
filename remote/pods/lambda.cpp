#include <algorithm>
#include <cctype>

#include "common/text.h"
#include "remote/pods/credentials.h"
#include "remote/pods/factories.h"
#include "remote/pods/lambda_answers.h"

// Lambda's cloud: whole virtual machines with its own image, no containers.
namespace workflow::pods {
namespace {

/// About one request a second is allowed.
constexpr std::int64_t usual_pace_ms = 1100;

/// What may stand in a path: Lambda's ids are hex digits.
bool is_id(const std::string& id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-';
  });
}

class Lambda final : public Provider {
 public:
  explicit Lambda(const ProviderContext& context)
      : api_({.provider = "lambda",
              .url = url_of(context),
              .key = credential(context, "LAMBDA_API_KEY").value_or(""),
              .key_name = "LAMBDA_API_KEY",
              .interrupt_fd = context.interrupt_fd,
              .pace_ms = parse_integer(context.value("LAMBDA_PACE_MS")).value_or(usual_pace_ms)}) {}

  [[nodiscard]] std::string name() const override { return "lambda"; }
  [[nodiscard]] Traits traits() const override { return {.ending = Ending::only_by_us}; }

  [[nodiscard]] std::vector<Offer> offers(const GpuQuery&) override {
    const Json document = understood(api_.ask("GET", "/instance-types"));
    const Json& types = member(document, "data");
    if (!types.is_object() || types.empty()) {
      throw api_.error(Trouble::provider, "the answer has no types");
    }
    std::vector<Offer> out;
    for (const auto& [name, type] : types.items()) {
      for (auto& offer : lambda_offers(type)) out.push_back(std::move(offer));
    }
    return out;
  }

  [[nodiscard]] std::string create(const Offer& offer, const PodRequest& request) override {
    if (!request.image.empty()) {
      throw api_.error(Trouble::rejected,
                       "there are no container images; '" + request.image + "' cannot be had");
    }
    Json body{{"region_name", offer.region},
              {"instance_type_name", text_at(offer.detail, "instance_type_name")},
              {"quantity", 1},
              {"name", request.name}};
    body["ssh_key_names"] = Json::array({key_name(request.public_key)});
    body["file_system_names"] = Json::array();
    if (!request.volume.empty()) body["file_system_names"].push_back(request.volume);
    const HttpAnswer answer = api_.change("POST", "/instance-operations/launch", dump_json(body));
    const Json document = api_.json_of(answer, answer.status < 300);
    throw_error(answer, document);
    const Json& ids = member(member(document, "data"), "instance_ids");
    if (ids.is_array() && !ids.empty() && ids.front().is_string()) {
      return ids.front().get<std::string>();
    }
    throw api_.error(Trouble::provider, "the answer names no instance", true);
  }

  [[nodiscard]] std::optional<Pod> describe(const std::string& id) override {
    if (!is_id(id)) return std::nullopt;
    const HttpAnswer answer = api_.ask("GET", "/instances/" + id);
    const Json document = api_.json_of(answer);
    if (lambda_error(document).says_absent()) return std::nullopt;
    throw_error(answer, document);
    const Json& instance = member(document, "data");
    if (!text_at(instance, "id").empty()) return lambda_pod(instance);
    throw api_.error(Trouble::provider, "the answer says nothing of instance '" + id + "'");
  }

  [[nodiscard]] std::vector<Pod> list() override {
    std::vector<Pod> out;
    const Json document = understood(api_.ask("GET", "/instances"));
    for (const auto& instance : api_.list_of(document, "data")) {
      out.push_back(lambda_pod(instance));
    }
    return out;
  }

  void terminate(const std::string& id) override {
    if (!is_id(id)) return;
    Json body;
    body["instance_ids"] = Json::array({id});
    const HttpAnswer answer =
        api_.change("POST", "/instance-operations/terminate", dump_json(body));
    const Json document = api_.json_of(answer, true);
    if (!lambda_error(document).says_absent()) throw_error(answer, document);
  }

 private:
  static std::string url_of(const ProviderContext& context) {
    const std::string set = context.value("LAMBDA_URL");
    return set.empty() ? "https://cloud.lambda.ai/api/v1" : set;
  }

  void throw_error(const HttpAnswer& answer, const Json& document) const {
    const LambdaError found = lambda_error(document);
    if (answer.status < 300 && found.message.empty()) return;
    if (found.message.empty()) {
      throw api_.error(Trouble::provider, "HTTP " + std::to_string(answer.status));
    }
    throw api_.error(found.trouble(), found.words());
  }

  Json understood(const HttpAnswer& answer) const {
    Json document = api_.json_of(answer);
    throw_error(answer, document);
    return document;
  }

  Json keys() { return understood(api_.ask("GET", "/ssh-keys")); }

  /// The account's name of our public key, which is uploaded where it has none. Whether that worked
  /// is read from the list, so the upload may be asked for again.
  std::string key_name(const std::string& public_key) {
    const auto known = [&] {
      const Json document = keys();
      return lambda_key_name(api_.list_of(document, "data"), public_key);
    };
    if (const std::string name = known(); !name.empty()) return name;
    const std::string fresh = lambda_new_key_name(public_key);
    const Json body{{"name", fresh}, {"public_key", public_key}};
    const HttpAnswer answer = api_.ask("POST", "/ssh-keys", dump_json(body));
    if (const std::string name = known(); !name.empty()) return name;
    throw_error(answer, api_.json_of(answer));
    throw api_.error(Trouble::provider, "the key '" + fresh + "' was taken and is not listed");
  }

  ProviderApi api_;
};

}  // namespace

std::unique_ptr<Provider> lambda_provider(const ProviderContext& context) {
  return std::make_unique<Lambda>(context);
}

}  // namespace workflow::pods
