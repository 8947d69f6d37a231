#include "apps/workflow-agent/hand_verbs.h"

namespace workflow::agent {
namespace {

/// Where a user's commands run, for those that come by another way.
Json place(Reply& reply) { return {{"dir", reply.place("").string()}}; }

}  // namespace

const std::vector<Verb> hand_verbs = {
    {"exec", exec}, {"copy-in", copy_in}, {"copy-out", copy_out}, {"place", place}};

}  // namespace workflow::agent
