#include <agent_hash.h>

#include "remote/link/agent_image.h"

extern "C" const char workflow_agent_begin[];
extern "C" const char workflow_agent_end[];

namespace workflow::link {

AgentImage own_agent() {
  return {
      {workflow_agent_begin, static_cast<std::size_t>(workflow_agent_end - workflow_agent_begin)},
      agent_sha256,
      agent_machine};
}

}  // namespace workflow::link
