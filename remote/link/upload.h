#pragma once

#include <string>

#include "remote/link/agent_image.h"
#include "remote/transport/transport.h"

namespace workflow::link {

/// The shell line that calls the agent, or says that it is not there and what machine this is.
[[nodiscard]] std::string call_command(const AgentImage& agent, const std::string& nonce);

/// Puts the agent on the target. Error(precondition) where it cannot run, with the reason.
void upload(transport::Transport& transport, const AgentImage& agent, const std::string& machine);

}  // namespace workflow::link
