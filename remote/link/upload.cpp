#include "remote/link/upload.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "remote/protocol/message.h"

namespace workflow::link {
namespace {

/// The two places an agent may lie, as shell words; the second is for a home without exec.
constexpr const char* places = R"~("$HOME/.cache/workflow" "/var/tmp/workflow-$(id -u)")~";

/// Takes the bytes from stdin; a cut connection looks like their end, so they are counted. Every
/// name in it is ours.
std::string upload_command(const AgentImage& agent, const std::string& nonce) {
  const std::string sha(agent.sha256);
  const std::string size = std::to_string(agent.bytes.size());
  return std::string("umask 077; for d in ") + places +
         "; do mkdir -p \"$d\" 2>/dev/null && [ -O \"$d\" ] && [ -w \"$d\" ] || continue; "
         "t=\"$d/.agent-" +
         sha + "." + nonce +
         "\"; "
         "if [ -n \"$f\" ]; then cp \"$f\" \"$t\" || continue; else cat >\"$t\" || exit 1; fi; "
         "[ \"$(wc -c <\"$t\")\" -eq " +
         size +
         " ] || { rm -f \"$t\"; echo cut short; exit 1; }; "
         "if command -v sha256sum >/dev/null; then s=$(sha256sum <\"$t\"); "
         "[ \"${s%% *}\" = " +
         sha +
         " ] || { rm -f \"$t\"; echo damaged; exit 1; }; fi; "
         "chmod 700 \"$t\"; if [ -x \"$t\" ]; then mv -f \"$t\" \"$d/agent-" +
         sha + "\" && echo workflow-uploaded " + nonce +
         " && [ -n \"$f\" ] && rm -f \"$f\"; exit 0; fi; "
         "f=\"$t\"; done; [ -n \"$f\" ] && rm -f \"$f\"; "
         "echo no directory of ours allows programs to run";
}

}  // namespace

std::string call_command(const AgentImage& agent, const std::string& nonce) {
  return std::string("for d in ") + places + "; do a=\"$d/agent-" + std::string(agent.sha256) +
         "\"; [ -O \"$d\" ] && [ -x \"$a\" ] && exec \"$a\" call " + nonce + "; done; echo \"" +
         protocol::absent_prefix(nonce) + "$(uname -m)\"";
}

void upload(transport::Transport& transport, const AgentImage& agent, const std::string& machine) {
  if (machine != agent.machine) {
    throw Error(Code::precondition, transport.target() + " is a '" + machine +
                                        "' machine; this build carries an agent for '" +
                                        std::string(agent.machine) + "'");
  }
  const std::string nonce = random_hex(8);
  const auto channel = transport.open(upload_command(agent, nonce));
  channel->write(agent.bytes);
  channel->end_input();
  std::string said;
  std::int64_t heard_ms = system_clock().steady_ms();
  while (true) {
    const transport::Chunk chunk = channel->read(1000);
    said += chunk.out + chunk.err;
    if (said.find("workflow-uploaded " + nonce) != std::string::npos) return;
    if (chunk.interrupted) throw Error(Code::detached, "detached");
    if (!chunk.out.empty()) heard_ms = system_clock().steady_ms();
    if (chunk.ended) break;
    if (system_clock().steady_ms() - heard_ms > 300'000) {
      throw Error(Code::unreachable,
                  transport.target() + ": upload stalled; outcome unknown, nothing assumed");
    }
  }
  throw Error(Code::precondition,
              "cannot put the agent on " + transport.target() + ": " + std::string(trim(said)),
              "~/.cache/workflow or /var/tmp must be writable and allow programs to run");
}

}  // namespace workflow::link
