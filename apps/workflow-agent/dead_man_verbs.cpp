#include "apps/workflow-agent/call.h"
#include "tasks/dead_man.h"

namespace workflow::agent {
namespace {

Json arm(Reply& reply) {
  return tasks::arm_dead_man(reply.site().files(), reply.site().clock(),
                             {.provider = reply.text("provider"),
                              .pod_id = reply.text("pod_id"),
                              .ends_at = reply.text("ends_at")});
}

Json state(Reply& reply) { return tasks::dead_man_state(reply.site().files()); }

}  // namespace

const std::vector<Verb> dead_man_verbs = {{"dead-man-arm", arm, Records::none},
                                          {"dead-man", state, Records::none}};

}  // namespace workflow::agent
