#pragma once

#include <string>
#include <vector>

#include "remote/link/agent_image.h"

// What we say to a target's shell, which is all that a bare target understands. Nothing of a user
// is in it but as base64.
namespace workflow::link {

/// What a shell's answer begins with when it means us, so that no banner can be taken for it.
[[nodiscard]] std::string word(const char* what, const std::string& nonce);

/// The same as a shell's double quotes hold it: an odd shell that repeats a line does not say it.
[[nodiscard]] std::string unspoken(std::string words);

/// Calls the agent of its machine, or says that it is not there and what machine this is.
[[nodiscard]] std::string call_command(const AgentImages& images, const std::string& nonce);

/// Becomes a program in a directory of a target where that agent is; for a person's terminal.
[[nodiscard]] std::string become_command(const AgentImages& images, const std::string& dir,
                                         const std::vector<std::string>& words);

/// Reads the agent from stdin into the first place that is good, and says `uploaded`, or `refused`
/// with the reason of every place.
[[nodiscard]] std::string upload_command(const AgentImage& agent, const std::string& nonce);

}  // namespace workflow::link
