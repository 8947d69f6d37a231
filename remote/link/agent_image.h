#pragma once

#include <string_view>

namespace workflow::link {

/// The agent's executable for one kind of machine.
struct AgentImage {
  std::string_view bytes;
  std::string_view sha256;
  std::string_view machine;  ///< as `uname -m` prints it
};

/// The agent that this build carries.
[[nodiscard]] AgentImage own_agent();

}  // namespace workflow::link
