#include "remote/link/link.h"

#include "common/text.h"
#include "remote/link/conversation.h"
#include "remote/link/shell_lines.h"
#include "remote/link/upload.h"

namespace workflow::link {

Json Link::call(const protocol::Request& request, const CallOptions& options) {
  const auto attempt = [&] {
    const std::string nonce = random_hex(8);
    const auto channel = transport_->open(call_command(agents_, nonce));
    return Conversation(*channel, target(), nonce, options).hold(request);
  };
  Answer answer = attempt();
  if (!answer.result) {
    // Without a hello nothing was done there: the agent is absent or damaged, or no shell answers.
    const std::string& machine = answer.absent_machine;
    upload(*transport_, agents_, machine.empty() ? ask_machine(*transport_) : machine);
    answer = attempt();
  }
  if (!answer.result) throw unanswered(target(), "the agent could not be started");
  return member(*answer.result, "data");
}

}  // namespace workflow::link
