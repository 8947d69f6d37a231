#include "remote/link/upload.h"

#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "remote/link/shell_lines.h"

namespace workflow::link {
namespace {

/// What a command printed and complained until its end, or until a whole line with `mark`.
std::string listen(const transport::Transport& transport, transport::Channel& channel,
                   const std::string& mark, std::int64_t limit_ms) {
  std::string said;
  const std::int64_t deadline = system_clock().steady_ms() + limit_ms;
  while (true) {
    const transport::Chunk chunk = channel.read(1000);
    said += chunk.out + chunk.err;
    const auto at = said.find(mark);
    if (chunk.ended || (at != std::string::npos && said.find('\n', at) != std::string::npos)) {
      return said;
    }
    if (chunk.interrupted) throw Error(Code::detached, "detached");
    if (system_clock().steady_ms() > deadline) {
      throw Error(Code::unreachable, transport.target() + ": no answer for " +
                                         human_duration(limit_ms / 1000) +
                                         " while the agent was brought there; nothing was done");
    }
  }
}

/// What follows our word in each line that has it.
std::vector<std::string> told(const std::string& said, const std::string& mark) {
  std::vector<std::string> values;
  for (const auto& line : split(said, '\n')) {
    if (const auto at = line.find(mark); at != std::string::npos) {
      values.emplace_back(trim(std::string_view(line).substr(at + mark.size())));
    }
  }
  return values;
}

std::string carried(const AgentImages& images) {
  std::vector<std::string> machines;
  for (const auto& image : images) machines.push_back("'" + std::string(image.machine) + "'");
  return join(machines, " and ");
}

}  // namespace

std::string ask_machine(transport::Transport& transport) {
  const std::string mark = word("machine", random_hex(8));
  const auto channel = transport.open("echo \"" + unspoken(mark) + "$(uname -m)\"");
  channel->end_input();
  const std::string said = listen(transport, *channel, mark, 60'000);
  const auto machines = told(said, mark);
  if (!machines.empty()) return machines.front();
  const std::string words(trim(said.substr(0, 400)));
  throw Error(Code::precondition,
              "the login shell of " + transport.target() + " runs no commands ('" + words + "')",
              "the login must be allowed to run programs there");
}

void upload(transport::Transport& transport, const AgentImages& images,
            const std::string& machine) {
  const AgentImage* agent = find_agent(images, machine);
  if (agent == nullptr) {
    throw Error(Code::precondition, transport.target() + " is a '" + machine +
                                        "' machine; this build carries agents for " +
                                        carried(images));
  }
  const std::string nonce = random_hex(8);
  const auto channel = transport.open(upload_command(*agent, nonce));
  channel->write(agent->bytes);
  channel->end_input();
  // Four bytes a millisecond are less than any line that one works over.
  const auto limit_ms = 300'000 + static_cast<std::int64_t>(agent->bytes.size() / 4);
  const std::string said = listen(transport, *channel, word("uploaded", nonce), limit_ms);
  if (!told(said, word("uploaded", nonce)).empty()) return;
  const std::string reasons = join(told(said, word("refused", nonce)), "; ");
  throw Error(Code::precondition,
              "cannot put the agent on " + transport.target() + ": " +
                  (reasons.empty() ? std::string(trim(said.substr(0, 400))) : reasons),
              "~/.cache/workflow or /var/tmp must be writable, have " +
                  std::to_string(agent->bytes.size() / 1'000'000 + 1) +
                  " MB free and allow programs to run");
}

}  // namespace workflow::link
