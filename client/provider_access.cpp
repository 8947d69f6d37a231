#include "client/provider_access.h"

#include <algorithm>
#include <cstdlib>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "common/user_dirs.h"

namespace workflow::client {
namespace {

std::optional<PodKey> pair_at(const fs::path& private_key) {
  const auto line = real_files().read(private_key.string() + ".pub");
  if (!line || presence(private_key) != Presence::there) return std::nullopt;
  return PodKey{private_key, std::string(trim(*line))};
}

/// Made where the user has no key that can be used; two commands at once make one.
PodKey own_pair() {
  const fs::path path = state_dir() / "pod_key";
  real_files().make_dirs(state_dir());
  const FileLock lock = FileLock::take(state_dir() / ".pod_key.lock", 10'000);
  if (auto made = pair_at(path)) return *made;
  CaptureSpec spec;
  spec.argv = {"ssh-keygen", "-q", "-t",       "ed25519", "-N",
               "",           "-C", "workflow", "-f",      path.string()};
  spec.limit_ms = 30'000;
  const Captured answer = capture(spec);
  const auto made = pair_at(path);
  if (answer.ok() && made) return *made;
  throw Error(Code::precondition,
              "cannot make a key for rented pods: " + std::string(trim(answer.err)),
              "set POD_SSH_KEY to a private key with its .pub beside it");
}

/// A provider, and whether the user named it.
struct Chosen {
  std::string name;
  bool by_name = true;
};

void add_others(std::vector<Chosen>& chosen, const pods::ProviderContext& context) {
  for (const auto& name : pods::providers_with_credentials(context)) {
    const bool there = std::ranges::find(chosen, name, &Chosen::name) != chosen.end();
    if (!there) chosen.push_back({name, false});
  }
}

std::vector<Chosen> choose(const Settings& settings, const pods::GpuQuery& query,
                           const pods::ProviderContext& context) {
  std::vector<Chosen> chosen;
  for (const auto& name : query.providers) {
    if (name != "*") chosen.push_back({name});
  }
  if (query.providers.empty() && settings.is_set("WF_PROVIDER")) {
    chosen.push_back({settings.text("WF_PROVIDER")});
  }
  const bool others = std::ranges::find(query.providers, "*") != query.providers.end();
  if (chosen.empty() || others) add_others(chosen, context);
  return chosen;
}

}  // namespace

pods::ProviderContext provider_context(const Settings& settings, int interrupt_fd) {
  const auto value = [settings](const std::string& key) -> std::string {
    if (find_setting(key) != nullptr) return settings.text(key);
    const char* set = std::getenv(key.c_str());
    return set != nullptr ? set : "";
  };
  return {value, interrupt_fd};
}

std::vector<std::unique_ptr<pods::Provider>> providers_for(const Settings& settings,
                                                           const pods::GpuQuery& query,
                                                           int interrupt_fd,
                                                           const OnUnasked& on_unasked) {
  const auto context = provider_context(settings, interrupt_fd);
  std::vector<std::unique_ptr<pods::Provider>> providers;
  const auto chosen = choose(settings, query, context);
  for (const auto& one : chosen) {
    try {
      auto provider = pods::make_provider(one.name, context);
      if (one.by_name || !provider->traits().only_by_name) providers.push_back(std::move(provider));
    } catch (const pods::ProviderError& fault) {
      if (chosen.size() == 1) throw;
      on_unasked(one.name, fault);
    }
  }
  if (!providers.empty()) return providers;
  throw Error(Code::usage, "there is no provider to rent from",
              "--provider NAME, or WF_PROVIDER in workflow.env: loopback needs no account; "
              "docs/providers.md says how the others are set up");
}

std::vector<std::unique_ptr<pods::Provider>> providers_of_accounts(const Settings& settings,
                                                                   int interrupt_fd) {
  const auto context = provider_context(settings, interrupt_fd);
  std::vector<std::unique_ptr<pods::Provider>> providers;
  for (const auto& name : pods::providers_with_credentials(context)) {
    providers.push_back(pods::make_provider(name, context));
  }
  return providers;
}

PodKey pod_key(const Settings& settings) {
  if (settings.is_set("POD_SSH_KEY")) {
    const fs::path path = settings.path_here("POD_SSH_KEY");
    if (auto pair = pair_at(path)) return *pair;
    throw Error(Code::precondition,
                "POD_SSH_KEY '" + path.string() + "' and its .pub are not there",
                "ssh-keygen -t ed25519 makes a pair");
  }
  if (const char* home = std::getenv("HOME")) {
    for (const char* name : {"id_ed25519", "id_ecdsa"}) {
      if (auto pair = pair_at(fs::path(home) / ".ssh" / name)) return *pair;
    }
  }
  return own_pair();
}

}  // namespace workflow::client
