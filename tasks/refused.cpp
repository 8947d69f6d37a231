#include "tasks/refused.h"

#include "common/json.h"
#include "fsm/planner.h"

namespace workflow::tasks {

Error illegal(fsm::State state, fsm::Event event, bool bound) {
  const fsm::Refusal refusal = fsm::refuse(state, event, bound);
  Json legal = Json::array();
  for (const fsm::State one : refusal.legal_in) legal.push_back(fsm::name(one));
  Json path = Json::array();
  for (const fsm::Event step : refusal.path) path.push_back(fsm::name(step));
  return Error(Code::illegal_state, fsm::refusal_text(refusal), fsm::refusal_hint(refusal),
               dump_json({{"state", fsm::name(state)}, {"legal_in", legal}, {"path", path}}));
}

}  // namespace workflow::tasks
