#include "client/pod_offers.h"

#include <algorithm>
#include <future>

#include "client/provider_access.h"
#include "common/text.h"

namespace workflow::client {
namespace {

void take(OffersFound& found, const std::string& name,
          std::future<std::vector<pods::Offer>>& answer) {
  try {
    auto offers = answer.get();
    found.asked.push_back(name);
    for (auto& offer : offers) found.offers.push_back(std::move(offer));
  } catch (const pods::ProviderError& fault) {
    found.unasked.push_back({name, fault.what(), std::string(pods::name(fault.trouble()))});
  } catch (const Error& fault) {
    if (fault.code() == Code::detached || fault.code() == Code::usage) throw;
    found.unasked.push_back({name, fault.what(), std::string(code_name(fault.code()))});
  }
}

}  // namespace

OffersFound pod_offers(const Settings& settings, const pods::GpuQuery& query, int interrupt_fd) {
  OffersFound found;
  const auto providers = providers_for(
      settings, query, interrupt_fd, [&](const std::string& name, const pods::ProviderError& why) {
        found.unasked.push_back({name, why.what(), std::string(pods::name(why.trouble()))});
      });
  std::vector<std::future<std::vector<pods::Offer>>> answers;
  for (const auto& provider : providers) {
    answers.push_back(std::async(std::launch::async,
                                 [&query, one = provider.get()] { return one->offers(query); }));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) take(found, providers[i]->name(), answers[i]);
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
