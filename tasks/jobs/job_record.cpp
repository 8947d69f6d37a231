#include "tasks/jobs/job_record.h"

namespace workflow::tasks {
namespace {

constexpr const char* schema = "workflow.job/1";

std::string_view name(JobPhase phase) {
  switch (phase) {
    case JobPhase::deploying:
      return "deploying";
    case JobPhase::bootstrapping:
      return "bootstrapping";
    case JobPhase::running:
      return "running";
  }
  bug("job phase without a name");
}

Json steps_json(const JobPlan& plan) {
  Json steps = Json::array();
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const std::string& name = plan.steps[i].name;
    steps.push_back({{"name", name},
                     {"run", plan.steps[i].run},
                     {"state", "pending"},
                     {"exit_code", nullptr},
                     {"signal", nullptr},
                     {"started_at", nullptr},
                     {"duration_secs", nullptr},
                     {"log", "bootstrap-" + std::to_string(i + 1) + "-" + name + ".log"}});
  }
  return steps;
}

}  // namespace

JobRecord::JobRecord(Files& files, const Clock& clock, fs::path dir, const std::string& job_id,
                     const JobPlan& plan)
    : files_(files), clock_(clock), dir_(std::move(dir)) {
  json_ = {{"schema", schema},
           {"job_id", job_id},
           {"phase", name(JobPhase::deploying)},
           {"workspace", plan.workspace.string()},
           {"working_dir", plan.working_dir},
           {"tree", plan.tree},
           {"git_sha", text_at(plan.push, "git_sha")},
           {"steps", steps_json(plan)},
           {"failure", nullptr}};
  write();
}

void JobRecord::enter(JobPhase phase) {
  json_["phase"] = name(phase);
  json_["phase_since"] = utc_text(clock_.now_ms());
  write();
}

void JobRecord::step_began(std::size_t index) {
  step(index)["state"] = "running";
  step(index)["started_at"] = utc_text(clock_.now_ms());
  write();
}

void JobRecord::step_skipped(std::size_t index) {
  step(index)["state"] = "skipped";
  write();
}

void JobRecord::step_ended(std::size_t index, const ExitStatus& status) {
  Json& row = step(index);
  row["state"] = status.ok() ? "success" : "failed";
  if (status.code) row["exit_code"] = *status.code;
  if (status.signal) row["signal"] = signal_name(*status.signal);
  const auto began = parse_utc(text_at(row, "started_at"));
  if (began) row["duration_secs"] = static_cast<double>(clock_.now_ms() - *began) / 1000;
  write();
}

void JobRecord::failed(const Error& fault) {
  json_["failure"] = {
      {"code", code_name(fault.code())}, {"message", fault.what()}, {"hint", fault.hint()}};
  write();
}

fs::path JobRecord::log(std::size_t index) const {
  return dir_ / json_["steps"][index]["log"].get<std::string>();
}

void JobRecord::write() { files_.write(dir_ / "job.json", pretty_json(json_)); }

Json read_job_record(Files& files, const fs::path& dir) {
  const auto bytes = files.read(dir / "job.json");
  return bytes ? parse_json(*bytes, (dir / "job.json").string()) : Json();
}

std::string job_failure(Files& files, const fs::path& dir) {
  try {
    return text_at(member(read_job_record(files, dir), "failure"), "message");
  } catch (const Error&) {
    return {};  // its task ends all the same
  }
}

}  // namespace workflow::tasks
