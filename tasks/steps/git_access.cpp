#include "tasks/steps/git_access.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "common/text.h"
#include "tasks/launch.h"
#include "tasks/steps/askpass.h"

namespace workflow::tasks {
namespace {

struct TokenName {
  const char* variable;
  const char* server;  ///< part of the server's name; empty: any
};
constexpr TokenName token_names[] = {{"GIT_TOKEN", ""},
                                     {"GITHUB_TOKEN", "github"},
                                     {"GH_TOKEN", "github"},
                                     {"GITLAB_TOKEN", "gitlab"}};

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

/// The variable with the token for a server; empty for none.
std::string token_for(const std::string& server, const std::vector<std::string>& secrets) {
  for (const TokenName& token : token_names) {
    const bool named = std::find(secrets.begin(), secrets.end(), token.variable) != secrets.end();
    if (named && is_set(token.variable) && server.find(token.server) != std::string::npos) {
      return token.variable;
    }
  }
  return {};
}

/// This program under a name that git can call, also when its file has been replaced.
std::string own_program() {
  const std::string path = agent_path();
  return path == "/proc/self/exe" ? "/proc/" + std::to_string(::getpid()) + "/exe" : path;
}

struct Advice {
  const char* words;
  const char* hint;
};
constexpr Advice advice[] = {
    {"Host key verification failed",
     "the target does not know the git server's key; accept it there once: workflow ssh -- ssh -T "
     "git@HOST"},
    {"Could not resolve host",
     "the target itself must reach REPO_URL; with CHECKOUT_SOURCE=push "
     "it need not"},
    {"Connection refused",
     "the target itself must reach REPO_URL; with CHECKOUT_SOURCE=push it "
     "need not"}};

constexpr const char* needs_token =
    "a private repository? give a token: export GIT_TOKEN=… and set WF_SECRETS=GIT_TOKEN; it "
    "reaches REPO_URL's server only, and no disk";

}  // namespace

GitAccess::GitAccess(const Step& step) : server_(http_server(step.site().text("REPO_URL"))) {
  // LC_ALL: git's questions and faults are read by us. A stalled transfer is a fault after 2 min.
  env_ = {"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_LFS_SKIP_SMUDGE=1",
          "GIT_HTTP_LOW_SPEED_LIMIT=1", "GIT_HTTP_LOW_SPEED_TIME=120"};
  if (!is_set("GIT_SSH_COMMAND") && !is_set("GIT_SSH") &&
      !step.ask({"git", "config", "core.sshCommand"})) {
    env_.emplace_back(
        "GIT_SSH_COMMAND=ssh -o BatchMode=yes -o ConnectTimeout=30 "
        "-o ServerAliveInterval=30");
  }
  const std::string token = token_for(server_, split(step.site().text("WF_SECRETS"), ' '));
  answers_ = !server_.empty() && (!token.empty() || is_set(askpass_login));
  if (!answers_) {
    env_.emplace_back("GIT_ASKPASS=true");
    return;
  }
  env_.push_back("GIT_ASKPASS=" + own_program());
  env_.push_back(std::string(askpass_server) + "=" + server_);
  env_.push_back(std::string(askpass_token) + "=" + token);
}

std::vector<std::string> GitAccess::argv() const {
  // A helper of the target's would keep the token on its disk.
  if (answers_) return {"git", "-c", "credential.helper="};
  return {"git"};
}

std::string GitAccess::hint(const std::string& why) const {
  for (const Advice& each : advice) {
    if (why.find(each.words) != std::string::npos) return each.hint;
  }
  if (why.find("Permission denied (publickey") != std::string::npos) {
    if (is_set("SSH_AUTH_SOCK")) {
      return "your ssh agent is forwarded, but holds no key that the git server takes: ssh-add -l";
    }
    return "no ssh agent is forwarded to the target: set 'ForwardAgent yes' for it in "
           "~/.ssh/config "
           "(and not WF_TRANSPORT=libssh2, which cannot forward); or an https URL with GIT_TOKEN "
           "in "
           "WF_SECRETS";
  }
  if (server_.empty()) return "look at its log; the target itself must reach REPO_URL";
  if (answers_) return "was the token refused? it must be allowed to read this repository";
  return needs_token;
}

}  // namespace workflow::tasks
