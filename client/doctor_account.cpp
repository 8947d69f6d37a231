#include "client/doctor_account.h"

#include <algorithm>

#include "common/text.h"

namespace workflow::client {
namespace {

bool costs(const pods::Pod& pod) {
  return pod.status != pods::PodStatus::ended && pod.status != pods::PodStatus::ending;
}

std::string hint_for(pods::Trouble trouble) {
  if (trouble == pods::Trouble::credentials) return "is its key right, and allowed to list pods?";
  if (trouble == pods::Trouble::network) return "is there a proxy or a firewall in between?";
  return "look at the account on its web page";
}

Check look_at(pods::Provider& provider) {
  const std::string name = "account " + provider.name();
  try {
    const auto pods = provider.list();
    const auto living = std::ranges::count_if(pods, costs);
    return {
        name, "ok",
        living == 0 ? "answers; no pod there" : "answers; " + counted(living, "pod") + " there"};
  } catch (const pods::ProviderError& fault) {
    return {name, "fail", fault.what(),
            fault.hint().empty() ? hint_for(fault.trouble()) : fault.hint()};
  } catch (const Error& fault) {
    if (fault.code() == Code::detached) throw;
    return {name, "fail", fault.what(), fault.hint()};
  }
}

}  // namespace

std::vector<Check> look_at_accounts(const std::function<Providers()>& open) {
  Providers providers;
  try {
    providers = open();
  } catch (const Error& fault) {
    if (fault.code() == Code::detached) throw;
    return {{"account", "fail", fault.what(), fault.hint()}};
  }
  std::vector<Check> checks;
  for (const auto& provider : providers) checks.push_back(look_at(*provider));
  if (checks.empty()) {
    checks.push_back({"account", "ok", "no provider's key is here; nothing can be rented"});
  }
  return checks;
}

}  // namespace workflow::client
