#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace workflow::link {

/// The agent's executable for one kind of machine.
struct AgentImage {
  std::string_view bytes;
  std::string_view sha256;
  std::string_view machine;  ///< as `uname -m` prints it on Linux: x86_64, aarch64
};

using AgentImages = std::vector<AgentImage>;

/// The agents that this build carries, one for each kind of machine.
[[nodiscard]] AgentImages agents();

/// What `uname -m` may call an image's machine: kernels have two names for it.
[[nodiscard]] std::vector<std::string> names_of(const AgentImage& image);

/// The one for a machine as its `uname -m` names it; null when there is none. A 32-bit userland on
/// a 64-bit kernel is no obstacle: the agent needs nothing but the kernel.
[[nodiscard]] const AgentImage* find_agent(const AgentImages& images, std::string_view machine);

}  // namespace workflow::link
