#pragma once

#include <string>
#include <vector>

#include "remote/link/agent_image.h"
#include "remote/transport/transport.h"

// How the agent comes to a target that has nothing but a POSIX shell.
namespace workflow::link {

/// The shell line that calls the agent of its machine, or says that it is not there and what
/// machine this is.
[[nodiscard]] std::string call_command(const AgentImages& images, const std::string& nonce);

/// The shell line that becomes a program in a directory of a target where that agent is; for a
/// person's terminal. What the person wrote is in it as base64 alone.
[[nodiscard]] std::string become_command(const AgentImages& images, const std::string& dir,
                                         const std::vector<std::string>& words);

/// What machine the target is, as its `uname -m` says. Error(precondition) with the login shell's
/// own words where it runs no commands.
[[nodiscard]] std::string ask_machine(transport::Transport& transport);

/// Puts the agent for a machine on the target, in place of one that may lie there damaged.
/// Error(precondition) where none of this build's runs there, with the reason of every place.
void upload(transport::Transport& transport, const AgentImages& images, const std::string& machine);

}  // namespace workflow::link
