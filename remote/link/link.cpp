#include "remote/link/link.h"

#include <algorithm>
#include <optional>

#include "common/clock.h"
#include "common/text.h"

namespace workflow::link {
namespace {

/// The two places an agent may lie, as shell words; the second is for a home without exec.
constexpr const char* places = R"~("$HOME/.cache/workflow" "/var/tmp/workflow-$(id -u)")~";

/// Becomes the agent of that hash, or goes on behind it where there is none.
std::string agent_command(const std::string& sha, const std::string& words) {
  return std::string("for d in ") + places + "; do a=\"$d/agent-" + sha +
         "\"; [ -O \"$d\" ] && [ -x \"$a\" ] && exec \"$a\" " + words + "; done; ";
}

std::string call_command(const std::string& sha, const std::string& nonce) {
  return agent_command(sha, "call " + nonce) + "echo \"" + protocol::absent_prefix(nonce) +
         "$(uname -m)\"";
}

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

Error lost(const std::string& target, const std::string& why) {
  return Error(Code::unreachable, target + ": " + why + "; outcome unknown, nothing assumed",
               "look before you repeat it: workflow fsm-status");
}

/// A line that is none of the agent's means that the agent is no more.
Json event_from(const std::string& target, std::string_view text) {
  try {
    return parse_json(text, "the agent's answer");
  } catch (const Error&) {
    throw lost(target,
               "the agent ended within its answer ('" + std::string(text.substr(0, 200)) + "')");
  }
}

}  // namespace

std::string become_command(const AgentImage& agent, const std::string& dir,
                           const std::vector<std::string>& words) {
  std::string encoded = base64(dir);
  for (const auto& word : words) encoded += "," + base64(word);
  return "exec /bin/sh -c '" + agent_command(std::string(agent.sha256), "become " + encoded) +
         "echo the agent has gone; exit 127'";
}

struct Link::Answer {
  std::optional<Json> result;
  std::string absent_machine;  ///< set when no agent is there
};

Link::Answer Link::attempt(const protocol::Request& request, const CallOptions& options) {
  const std::string nonce = random_hex(8);
  const std::string hello = protocol::hello_prefix(nonce);
  const std::string absent = protocol::absent_prefix(nonce);
  const auto channel = transport_->open(call_command(std::string(agent_.sha256), nonce));
  channel->write(protocol::encode(request));

  Answer answer;
  bool greeted = false;
  protocol::Incoming incoming;
  InputPump input(*channel, options.input);
  std::optional<Json> announced;  // an event whose bytes follow
  std::string complaint;
  std::int64_t heard_ms = system_clock().steady_ms();
  const auto line = [&](std::string_view text) {
    if (!greeted) {
      // The line may have a banner without a newline before it.
      if (text.find(hello) != std::string_view::npos) greeted = true;
      if (const auto at = text.find(absent); at != std::string_view::npos) {
        answer.absent_machine = trim(text.substr(at + absent.size()));
      }
      return;
    }
    Json event = event_from(target(), text);
    const std::string kind = text_at(event, "event");
    if (kind == "error") throw protocol::error_from(event);
    if (kind == "result") {
      answer.result = std::move(event);
    } else if (kind == "bytes") {
      announced = std::move(event);
    } else if (options.on_event) {
      options.on_event(event);
    }
  };
  while (true) {
    if (greeted) input.fill();
    const transport::Chunk chunk = channel->read(1000, greeted ? input.wake_fd() : -1);
    incoming.feed(chunk.out);
    complaint = (complaint + chunk.err).substr(0, 4096);
    while (true) {
      if (announced) {
        const auto bytes = incoming.bytes(protocol::bytes_behind(*announced));
        if (!bytes) break;
        if (options.on_bytes) options.on_bytes(*announced, *bytes);
        announced.reset();
      } else {
        const auto text = incoming.line();
        if (!text) break;
        line(*text);
        if (answer.result || !answer.absent_machine.empty()) return answer;
      }
    }
    if (chunk.interrupted) throw Error(Code::detached, "detached");
    const std::int64_t now = system_clock().steady_ms();
    if (!chunk.out.empty()) heard_ms = now;
    if (chunk.ended) {
      const std::string said(trim(complaint));
      throw lost(target(), said.empty() ? "the agent ended without an answer"
                                        : "the agent ended without an answer (" + said + ")");
    }
    if (options.silence_limit_ms >= 0 && now - heard_ms > options.silence_limit_ms) {
      throw lost(target(), "no answer for " + human_duration((now - heard_ms) / 1000));
    }
  }
}

void Link::upload(const std::string& machine) {
  if (machine != agent_.machine) {
    throw Error(Code::precondition, target() + " is a '" + machine +
                                        "' machine; this build carries an agent for '" +
                                        std::string(agent_.machine) + "'");
  }
  const std::string nonce = random_hex(8);
  const auto channel = transport_->open(upload_command(agent_, nonce));
  channel->write(agent_.bytes);
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
    if (system_clock().steady_ms() - heard_ms > 300'000) throw lost(target(), "upload stalled");
  }
  throw Error(Code::precondition,
              "cannot put the agent on " + target() + ": " + std::string(trim(said)),
              "~/.cache/workflow or /var/tmp must be writable and allow programs to run");
}

Json Link::call(const protocol::Request& request, const CallOptions& options) {
  Answer answer = attempt(request, options);
  if (!answer.absent_machine.empty()) {
    upload(answer.absent_machine);
    answer = attempt(request, options);
  }
  if (!answer.result) throw lost(target(), "the agent could not be started");
  return member(*answer.result, "data");
}

}  // namespace workflow::link
