#include "remote/link/link.h"

#include <algorithm>
#include <optional>

#include "common/clock.h"
#include "common/text.h"
#include "remote/link/upload.h"

namespace workflow::link {
namespace {

Error unanswered(const std::string& target, const std::string& why) {
  return {Code::unreachable, target + ": " + why + "; outcome unknown, nothing assumed",
          "look before you repeat it: workflow fsm-status"};
}

LostConnection lost(const Error& fault) {
  return {fault.code(), fault.what(), fault.hint(), fault.details()};
}

/// No banner and no answer in one piece is so long; a target that goes on would fill our memory.
constexpr std::size_t longest_banner = 64U << 20U;
constexpr std::size_t longest_line = 256U << 20U;

/// A line that is none of the agent's means that the agent is no more.
Json event_from(const std::string& target, std::string_view text) {
  try {
    return parse_json(text, "the agent's answer");
  } catch (const Error&) {
    throw lost(unanswered(
        target, "the agent ended within its answer ('" + std::string(text.substr(0, 200)) + "')"));
  }
}

}  // namespace

struct Link::Answer {
  std::optional<Json> result;  ///< none: the agent did not even say hello
  std::string absent_machine;  ///< set when the shell says that no agent is there
};

Link::Answer Link::attempt(const protocol::Request& request, const CallOptions& options) {
  const std::string nonce = random_hex(8);
  const std::string hello = protocol::hello_prefix(nonce);
  const std::string absent = protocol::absent_prefix(nonce);
  const auto channel = transport_->open(call_command(agents_, nonce));
  channel->write(protocol::encode(request));

  Answer answer;
  bool greeted = false;
  std::size_t banner = 0;  // bytes that came before its hello
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
    if (kind == "alive") return;
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
    const transport::Chunk chunk = [&] {
      try {
        return channel->read(1000, greeted ? input.wake_fd() : -1);
      } catch (const Error& fault) {
        if (!greeted || fault.code() != Code::unreachable) throw;
        throw lost(fault);
      }
    }();
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
    if (!greeted) banner += chunk.out.size();
    if (banner > longest_banner || incoming.size() > longest_line) {
      throw unanswered(target(), "it sends without end and never answers");
    }
    const std::int64_t now = system_clock().steady_ms();
    if (!chunk.out.empty()) heard_ms = now;
    if (chunk.ended) {
      if (!greeted) return answer;
      const std::string said(trim(complaint));
      throw lost(unanswered(
          target(), "the agent ended without an answer" + (said.empty() ? "" : " (" + said + ")")));
    }
    if (now - heard_ms > (greeted ? options.silence_limit_ms : options.hello_limit_ms)) {
      const Error fault =
          unanswered(target(), "no answer for " + human_duration((now - heard_ms) / 1000));
      if (greeted) throw lost(fault);
      throw fault;
    }
  }
}

Json Link::call(const protocol::Request& request, const CallOptions& options) {
  Answer answer = attempt(request, options);
  if (!answer.result) {
    // Without a hello nothing was done there: the agent is absent or damaged, or no shell answers.
    const std::string& machine = answer.absent_machine;
    upload(*transport_, agents_, machine.empty() ? ask_machine(*transport_) : machine);
    answer = attempt(request, options);
  }
  if (!answer.result) throw unanswered(target(), "the agent could not be started");
  return member(*answer.result, "data");
}

}  // namespace workflow::link
