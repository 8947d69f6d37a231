#include "client/pod_offers.h"

#include <algorithm>
#include <cstdlib>
#include <future>

#include "common/text.h"

namespace workflow::client {
namespace {

pods::ProviderContext context_of(const Settings& settings, int interrupt_fd) {
  const auto value = [&settings](const std::string& key) -> std::string {
    if (find_setting(key) != nullptr) return settings.text(key);
    const char* set = std::getenv(key.c_str());
    return set == nullptr ? "" : set;
  };
  return {.value = value, .interrupt_fd = interrupt_fd};
}

struct Wanted {
  std::string name;
  bool by_name = true;  ///< the user named it
};

std::vector<Wanted> providers_for(const Settings& settings, const pods::GpuQuery& query,
                                  const pods::ProviderContext& context) {
  std::vector<Wanted> wanted;
  bool others = false;
  for (const auto& name : query.providers) {
    others = others || name == "*";
    if (name != "*") wanted.push_back({name});
  }
  if (query.providers.empty() && settings.is_set("WF_PROVIDER")) {
    wanted.push_back({settings.text("WF_PROVIDER")});
  }
  if (!wanted.empty() && !others) return wanted;
  for (const auto& name : pods::providers_with_credentials(context)) {
    const bool there = std::ranges::find(wanted, name, &Wanted::name) != wanted.end();
    if (!there) wanted.push_back({name, false});
  }
  return wanted;
}

/// What one provider has; nothing when it wants to be named and was not.
std::optional<std::vector<pods::Offer>> ask(const Wanted& wanted, const pods::GpuQuery& query,
                                            const pods::ProviderContext& context) {
  const auto provider = pods::make_provider(wanted.name, context);
  if (!wanted.by_name && provider->traits().only_by_name) return std::nullopt;
  return provider->offers(query);
}

void take(OffersFound& found, const std::string& name,
          std::future<std::optional<std::vector<pods::Offer>>>& answer) {
  try {
    auto offers = answer.get();
    if (!offers) return;
    found.asked.push_back(name);
    for (auto& offer : *offers) found.offers.push_back(std::move(offer));
  } catch (const pods::ProviderError& fault) {
    found.unasked.push_back({name, fault.what(), std::string(pods::name(fault.trouble()))});
  } catch (const Error& fault) {
    if (fault.code() == Code::detached || fault.code() == Code::usage) throw;
    found.unasked.push_back({name, fault.what(), std::string(code_name(fault.code()))});
  }
}

}  // namespace

pods::GpuQuery wanted_machine(const Settings& settings) {
  if (settings.is_set("WF_PROVISION")) {
    return pods::parse_query(settings.text("WF_PROVISION"), "WF_PROVISION");
  }
  pods::GpuQuery query;
  if (settings.is_set("LIUM_GPU")) {
    query.type = settings.text("LIUM_GPU");
    query.count = settings.count("LIUM_COUNT");
  }
  return query;
}

OffersFound pod_offers(const Settings& settings, const pods::GpuQuery& query, int interrupt_fd) {
  const auto context = context_of(settings, interrupt_fd);
  const auto wanted = providers_for(settings, query, context);
  if (wanted.empty()) {
    throw Error(Code::precondition, "there is no provider to ask",
                "set RUNPOD_API_KEY, VAST_API_KEY, LAMBDA_API_KEY or LIUM_API_KEY, or name one:\n"
                "--provider loopback rents this machine");
  }
  std::vector<std::future<std::optional<std::vector<pods::Offer>>>> answers;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    answers.push_back(
        std::async(std::launch::async, [&, i] { return ask(wanted[i], query, context); }));
  }
  OffersFound found;
  for (std::size_t i = 0; i < wanted.size(); ++i) take(found, wanted[i].name, answers[i]);
  for (const auto& offer : found.offers) {
    if (!offer.gpu_type.empty()) found.types.push_back(offer.gpu_type);
  }
  std::ranges::sort(found.types);
  found.types.erase(std::unique(found.types.begin(), found.types.end()), found.types.end());
  found.offers = pods::chosen(std::move(found.offers), query);
  return found;
}

std::string type_advice(const std::string& type, const std::vector<std::string>& types) {
  std::vector<std::string> words;
  for (const auto& one : types) {
    words.push_back(lower(one));
    for (const auto& word : split(lower(one), ' ')) words.push_back(word);
  }
  const std::string near = nearest(lower(type), words);
  for (const auto& one : types) {
    if (!near.empty() && lower(one).find(near) != std::string::npos) {
      return lower(type) == near ? std::string() : "did you mean '" + one + "'?";
    }
  }
  return types.empty() ? std::string() : "there are " + join(types, ", ");
}

}  // namespace workflow::client
