#pragma once

#include <string>
#include <vector>

#include "common/files.h"

// How a pod asks its own provider for its end, by curl. docs/providers.md has the providers' forms.
namespace workflow::tasks {

/// What lies in a pod: which one it is, and the key that is good for it alone.
struct PodKey {
  std::string id;
  std::string key;
  std::string missing{};  ///< why there is none, for people; empty: it is there
};

/// A variable in an environment as /proc tells it (NULs between the entries), or in a file of
/// `export NAME="VALUE"` lines; empty where it is not in there.
[[nodiscard]] std::string variable_in(const std::string& bytes, const std::string& name);

/// Looks in the environment of the pod's first process, in files that images copy it to, and in
/// ours.
[[nodiscard]] PodKey find_pod_key(const std::string& provider);

/// What a provider answered when it was asked for a pod's end.
struct EndAnswer {
  bool accepted = false;  ///< it will end, or is not there any more
  std::string words;      ///< for people; without the key
};

/// Asks once, in every form that the provider has until one is accepted; a minute for each.
/// WF_DEAD_MAN_URL in the environment stands for the provider's own address.
[[nodiscard]] EndAnswer ask_for_end(const std::string& provider, const PodKey& pod);

}  // namespace workflow::tasks
