#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"
#include "remote/pods/provider.h"

namespace workflow::test {

/// Stands in for RunPod, Vast and Lambda on a free loopback port, in their wire formats; ends with
/// the object. `provider` is runpod, vast or lambda everywhere. The kinds of faults and the
/// settings are told in fake_provider_server/market.py.
class ProviderServer {
 public:
  /// With `pem`, a file of a key and its certificate, it speaks TLS.
  explicit ProviderServer(fs::path dir, const fs::path& pem = {});
  ~ProviderServer();
  ProviderServer(const ProviderServer&) = delete;
  ProviderServer& operator=(const ProviderServer&) = delete;

  /// The one key that is good.
  [[nodiscard]] static std::string key(const std::string& provider);
  /// RUNPOD_URL, RUNPOD_API_KEY and the like as `K=V`, for a program's environment.
  [[nodiscard]] std::vector<std::string> environment() const;
  /// The same for adapters within the test.
  [[nodiscard]] pods::ProviderContext context(int interrupt_fd = -1) const;
  [[nodiscard]] std::string url(const std::string& provider) const;

  /// Where every pod's sshd is said to be from now on.
  void ssh(const std::string& host, std::int64_t port);
  void set(const std::string& setting, const Json& value);
  /// {"provider","call","kind", …}; calls: offers, create, describe, list, terminate, keys,
  /// add_key, attach; `*` for any.
  void fault(const Json& fault);
  /// A pod that nobody here has asked for.
  void add_pod(const std::string& provider, const std::string& name);
  /// An ssh key that the account has at Lambda.
  void add_key(const std::string& name, const std::string& public_key);

  /// {"provider","call","method","path","body"}, oldest first.
  [[nodiscard]] std::vector<Json> requests() const;
  [[nodiscard]] int count(const std::string& provider, const std::string& call) const;
  /// The pods that exist: {"provider","id","name","state","ask","keys"}.
  [[nodiscard]] std::vector<Json> pods() const;

 private:
  void order(const Json& order);

  fs::path dir_;
  pid_t pid_ = -1;
  std::string base_;
  int orders_ = 0;
};

}  // namespace workflow::test
