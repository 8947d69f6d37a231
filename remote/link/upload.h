#pragma once

#include <string>

#include "remote/link/agent_image.h"
#include "remote/transport/transport.h"

// How the agent comes to a target that has nothing but a POSIX shell.
namespace workflow::link {

/// What machine the target is, as its `uname -m` says. Error(precondition) with the login shell's
/// own words where it runs no commands.
[[nodiscard]] std::string ask_machine(transport::Transport& transport);

/// Puts the agent for a machine on the target, in place of one that may lie there damaged.
/// Error(precondition) where none of this build's runs there, with the reason of every place.
void upload(transport::Transport& transport, const AgentImages& images, const std::string& machine);

}  // namespace workflow::link
