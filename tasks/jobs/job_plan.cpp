#include "tasks/jobs/job_plan.h"

#include "common/text.h"

namespace workflow::tasks {
namespace {

std::string bytes_at(const Json& json, std::string_view key) {
  return unbase64(text_at(json, key)).value_or("");
}

}  // namespace

Json plan_json(const JobPlan& plan) {
  Json steps = Json::array();
  for (const auto& step : plan.steps) {
    steps.push_back({{"name", step.name}, {"run_base64", base64(step.run)}});
  }
  return {{"workspace_base64", base64(plan.workspace.string())},
          {"working_dir_base64", base64(plan.working_dir)},
          {"steps", std::move(steps)},
          {"inputs_glob_base64", base64(plan.inputs_glob)},
          {"tree", plan.tree},
          {"secrets", plan.secrets},
          {"push", plan.push},
          {"site", plan.site}};
}

JobPlan plan_from(const TaskSpec& spec) {
  const Json& json = member(spec.owner, "job");
  JobPlan plan;
  plan.workspace = bytes_at(json, "workspace_base64");
  plan.working_dir = bytes_at(json, "working_dir_base64");
  for (const auto& step : member(json, "steps")) {
    plan.steps.push_back({text_at(step, "name"), bytes_at(step, "run_base64")});
  }
  plan.inputs_glob = bytes_at(json, "inputs_glob_base64");
  plan.tree = text_at(json, "tree");
  for (const auto& name : member(json, "secrets")) plan.secrets.push_back(name);
  plan.push = member(json, "push");
  plan.site = member(json, "site");
  return plan;
}

}  // namespace workflow::tasks
