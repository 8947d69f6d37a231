#include "apps/workflow-agent/hand_verbs.h"

namespace workflow::agent {

const std::vector<Verb> hand_verbs = {
    {"exec", exec}, {"copy-in", copy_in}, {"copy-out", copy_out}};

}  // namespace workflow::agent
