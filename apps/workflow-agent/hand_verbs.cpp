#include "apps/workflow-agent/hand_verbs.h"

namespace workflow::agent {
namespace {

/// Where a user's commands run, for those that come by another way.
Json place(Reply& reply) { return {{"dir", reply.place("").string()}}; }

}  // namespace

const std::vector<Verb> hand_verbs = {{"exec", exec, Records::changed},
                                      {"copy-in", copy_in, Records::none},
                                      {"copy-out", copy_out, Records::none},
                                      {"place", place, Records::none}};

}  // namespace workflow::agent
