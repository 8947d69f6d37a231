#pragma once

#include <functional>
#include <string>
#include <string_view>

// The agent as git's askpass program: git asks for a name and a password by calling it, and it
// answers from the environment that it inherited, so that no token is ever on a disk or in an argv.
namespace workflow::tasks {

/// The variables that tell the askpass for which server it answers (`https://git.example:8443`),
/// and which variable holds the token.
inline constexpr const char* askpass_server = "WORKFLOW_ASKPASS_SERVER";
inline constexpr const char* askpass_token = "WORKFLOW_ASKPASS_TOKEN";
/// `name`, `name:password`: what stood in REPO_URL itself, percent-decoded.
inline constexpr const char* askpass_login = "WORKFLOW_REPO_LOGIN";

/// `https://git.example:8443` of an http URL, without a login; empty for every other.
[[nodiscard]] std::string http_server(std::string_view url);

/// What git's question is answered with; empty where it is not about our server. `variable` is the
/// environment.
[[nodiscard]] std::string askpass_answer(
    std::string_view prompt, const std::function<std::string(const std::string&)>& variable);

}  // namespace workflow::tasks
