#include "remote/link/conversation.h"

#include "common/clock.h"
#include "common/text.h"

namespace workflow::link {
namespace {

/// No banner and no answer in one piece is so long; a target that goes on would fill our memory.
constexpr std::size_t longest_banner = 64U << 20U;
constexpr std::size_t longest_line = 256U << 20U;

LostConnection lost(const Error& fault) {
  return {fault.code(), fault.what(), fault.hint(), fault.details()};
}

}  // namespace

Error unanswered(const std::string& target, const std::string& why) {
  return {Code::unreachable, target + ": " + why + "; outcome unknown, nothing assumed",
          "look before you repeat it: workflow fsm-status"};
}

Conversation::Conversation(transport::Channel& channel, std::string target,
                           const std::string& nonce, const CallOptions& options)
    : channel_(channel),
      target_(std::move(target)),
      options_(options),
      hello_(protocol::hello_prefix(nonce)),
      absent_(protocol::absent_prefix(nonce)),
      input_(channel, options.input),
      heard_ms_(system_clock().steady_ms()) {}

Answer Conversation::hold(const protocol::Request& request) {
  channel_.write(protocol::encode(request));
  while (true) {
    if (greeted_) input_.fill();
    const transport::Chunk chunk = listen();
    if (take_whole()) return answer_;
    if (chunk.interrupted) throw Error(Code::detached, "detached");
    if (chunk.ended && !greeted_) return answer_;
    judge(chunk);
  }
}

transport::Chunk Conversation::listen() {
  try {
    transport::Chunk chunk = channel_.read(1000, greeted_ ? input_.wake_fd() : -1);
    incoming_.feed(chunk.out);
    complaint_ = (complaint_ + chunk.err).substr(0, 4096);
    if (!greeted_) banner_ += chunk.out.size();
    return chunk;
  } catch (const Error& fault) {
    if (!greeted_ || fault.code() != Code::unreachable) throw;
    throw lost(fault);
  }
}

bool Conversation::take_whole() {
  while (true) {
    if (announced_) {
      const auto bytes = incoming_.bytes(protocol::bytes_behind(*announced_));
      if (!bytes) return false;
      if (options_.on_bytes) options_.on_bytes(*announced_, *bytes);
      announced_.reset();
    } else {
      const auto text = incoming_.line();
      if (!text) return false;
      greeted_ ? take_event(*text) : take_line(*text);
      if (answered()) return true;
    }
  }
}

/// A line before the hello, which may have a banner without a newline before it.
void Conversation::take_line(std::string_view text) {
  if (text.find(hello_) != std::string_view::npos) greeted_ = true;
  if (const auto at = text.find(absent_); at != std::string_view::npos) {
    answer_.absent_machine = trim(text.substr(at + absent_.size()));
  }
}

void Conversation::take_event(std::string_view text) {
  Json event;
  try {
    event = parse_json(text, "the agent's answer");
  } catch (const Error&) {  // none of the agent's: it is no more
    throw lost(unanswered(
        target_, "the agent ended within its answer ('" + std::string(text.substr(0, 200)) + "')"));
  }
  const std::string kind = text_at(event, "event");
  if (kind == "alive") return;
  if (kind == "error") throw protocol::error_from(event);
  if (kind == "result") {
    answer_.result = std::move(event);
  } else if (kind == "bytes") {
    announced_ = std::move(event);
  } else if (options_.on_event) {
    options_.on_event(event);
  }
}

/// Whether what was heard, or was not, ends the conversation.
void Conversation::judge(const transport::Chunk& chunk) {
  if (banner_ > longest_banner || incoming_.size() > longest_line) {
    throw unanswered(target_, "it sends without end and never answers");
  }
  if (chunk.ended) {
    const std::string said(trim(complaint_));
    throw lost(unanswered(
        target_, "the agent ended without an answer" + (said.empty() ? "" : " (" + said + ")")));
  }
  const std::int64_t now = system_clock().steady_ms();
  if (!chunk.out.empty()) heard_ms_ = now;
  const std::int64_t silent_ms = now - heard_ms_;
  if (silent_ms <= (greeted_ ? options_.silence_limit_ms : options_.hello_limit_ms)) return;
  const Error fault = unanswered(target_, "no answer for " + human_duration(silent_ms / 1000));
  if (greeted_) throw lost(fault);
  throw fault;
}

}  // namespace workflow::link
