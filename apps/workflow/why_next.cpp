#include "apps/workflow/why_next.h"

#include "apps/workflow/sweep_view.h"
#include "common/text.h"

namespace workflow::app {
namespace {

struct Advice {
  std::string_view cls;
  std::string_view text;
};

/// What mends a failure of this class, where it is more than trying again.
constexpr Advice advices[] = {
    {"oom_gpu", "it needs less memory or a larger GPU: another value for its batch size"},
    {"oom_host", "it needs less of the machine's memory: fewer loader workers, fewer runs a pod"},
    {"nan", "another value (a lower learning rate, a clip) is needed; the same one does it again"},
    {"import", "install it, in CHECKOUT_INSTALL_CMD so that it stays, then sweep-start"},
    {"assertion",
     "the program itself said no: mend the code or the row, then checkout, sweep-start"},
    {"data", "look at DATA_DIR: workflow checkout looks for what DATA_REQUIRED_GLOB names"},
    {"disk_full", "make room: workflow clean shows what may go; then sweep-start"},
    {"auth", "a credential is missing or refused: WF_SECRETS names those that runs are given"},
    {"timeout", "a higher limit: timeout_secs of its row, or RUN_TIMEOUT_SECS"},
};

}  // namespace

std::vector<std::string> waiting_lines(const Json& data) {
  const Json& waits = member(data, "waits");
  if (!waits.is_object()) return {};
  if (flag_at(waits, "stopped")) return {"the sweep was stopped; workflow sweep-start goes on"};
  if (const auto reason = text_at(waits, "stalled"); !reason.empty()) {
    return {"the sweep has stalled: " + reason, "workflow sweep-start goes on"};
  }
  const std::string executor = text_at(waits, "executor");
  if (executor == "gone") {
    return {"the executor is gone, so that nothing starts; workflow sweep-start goes on"};
  }
  std::vector<std::string> lines;
  if (number_at(member(data, "row"), "attempt") > 0) {
    lines.emplace_back("for its next attempt");
  }
  const auto before = number_at(waits, "pending_before");
  lines.push_back(counted(number_at(waits, "running"), "row") + " running, " +
                  (before == 0 ? "none" : std::to_string(before)) + " before it in the manifest");
  for (const auto& line : hindrances(waits)) lines.push_back(line);
  if (executor == "unknown") lines.emplace_back("the executor cannot be seen from here");
  return lines;
}

std::vector<std::string> next_commands(const Json& data) {
  const std::string state = text_at(data, "state");
  const std::string id = text_at(data, "run_id");
  std::vector<std::string> next;
  if (state == "success" || state == "deleted") return next;
  const std::string cls = text_at(member(member(data, "summary"), "failure"), "class");
  for (const Advice& advice : advices) {
    if (advice.cls == cls && state != "running" && state != "pending") {
      next.emplace_back(advice.text);
    }
  }
  if (state == "stopped" || state == "timed_out" || state == "lost" || state == "failed") {
    next.push_back("go on with it: workflow run-resume " + id);
    next.push_back("with another value: workflow run-clone " + id + " --set KEY=VALUE");
  }
  if (member(data, "status").is_object()) next.push_back("its log: workflow run-logs " + id);
  return next;
}

}  // namespace workflow::app
