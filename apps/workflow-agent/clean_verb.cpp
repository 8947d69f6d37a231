#include "apps/workflow-agent/clean_verb.h"

#include "common/text.h"
#include "sweep/clutter.h"
#include "tasks/mounts.h"

namespace workflow::agent {
namespace {

Json told(const Reply& reply, const sweep::ClutterKind& kind, bool remove) {
  Json items = Json::array();
  Json faults = Json::array();
  std::int64_t bytes = 0;
  for (const auto& clutter : kind.found) {
    const std::string fault = remove ? sweep::remove_clutter(reply.site(), clutter) : "";
    if (fault.empty()) {
      items.push_back({{"path", clutter.path.string()}, {"bytes", clutter.bytes}});
      bytes += clutter.bytes;
    } else {
      faults.push_back("'" + clutter.path.string() + "': " + fault);
    }
  }
  return {{"what", kind.name}, {"why", kind.why},           {"count", items.size()},
          {"bytes", bytes},    {"items", std::move(items)}, {"faults", std::move(faults)}};
}

}  // namespace

Json clean(Reply& reply) {
  const bool remove = flag_at(reply.args(), "delete");
  std::vector<std::string> names;
  for (const auto& name : member(reply.args(), "what")) names.push_back(name.get<std::string>());
  Json kinds = Json::array();
  std::int64_t bytes = 0;
  std::int64_t count = 0;
  for (const auto& kind :
       sweep::find_clutter(reply.site(), names, number_at(reply.args(), "older_secs"))) {
    kinds.push_back(told(reply, kind, remove));
    bytes += number_at(kinds.back(), "bytes");
    count += number_at(kinds.back(), "count");
  }
  // Where it may hang it is not asked for so little.
  const auto space = reply.site().live() ? std::nullopt : tasks::space_at(reply.site().outputs());
  return {{"outputs_dir", reply.site().outputs().string()},
          {"deleted", remove},
          {"count", count},
          {"bytes", bytes},
          {"free_bytes", space ? Json(space->free_bytes) : Json()},
          {"kinds", std::move(kinds)}};
}

}  // namespace workflow::agent
