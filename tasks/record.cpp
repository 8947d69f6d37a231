#include "tasks/record.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/sha256.h"
#include "common/spawn.h"
#include "common/text.h"
#include "fsm/run_machine.h"

namespace workflow::tasks {
namespace {

constexpr std::string_view spec_schema = "workflow.task-spec/1";
constexpr std::string_view status_schema = "workflow.task/1";

Json time_or_null(const std::optional<std::int64_t>& ms) {
  return ms ? Json(utc_text(*ms)) : Json(nullptr);
}

std::optional<std::int64_t> time_at(const Json& json, std::string_view key) {
  return parse_utc(text_at(json, key));
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const auto& item : list) out.push_back(item.get<std::string>());
  return out;
}

/// Bytes that are not UTF-8 cannot stand in JSON: such a list is kept as base64.
Json bytes_list(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const auto& word : words) list.push_back(base64(word));
  return list;
}

std::vector<std::string> bytes_list(const Json& json) {
  std::vector<std::string> out;
  for (const auto& word : json) out.push_back(unbase64(word.get<std::string>()).value_or(""));
  return out;
}

void require_schema(const Json& json, std::string_view schema) {
  const std::string found = text_at(json, "schema");
  if (found == schema) return;
  throw Error(Code::precondition,
              "record has schema '" + found + "', this build reads '" + std::string(schema) + "'",
              "it was written by another version of workflow; use that one");
}

struct NamedKind {
  TaskKind kind;
  std::string_view name;
};
constexpr NamedKind kinds[] = {{TaskKind::command, "command"},
                               {TaskKind::step, "step"},
                               {TaskKind::sweep, "sweep"},
                               {TaskKind::run, "run"},
                               {TaskKind::job, "job"}};

TaskKind kind_from(std::string_view word) {
  for (const auto& row : kinds) {
    if (row.name == word) return row.kind;
  }
  return TaskKind::command;
}

}  // namespace

std::string_view name(TaskKind kind) {
  for (const auto& row : kinds) {
    if (row.kind == kind) return row.name;
  }
  bug("task kind without a name");
}

std::string TaskSpec::command_sha256() const {
  Json parts = {bytes_list(argv), base64(text), base64(workdir), bytes_list(env)};
  if (!gpu_wish.empty()) parts.push_back(gpu_wish);
  return sha256_hex(dump_json(parts));
}

std::string TaskSpec::command_script() const {
  std::string script = "#!/usr/bin/env bash\n";
  if (argv.empty()) return script + text + "\n";
  script += "exec --";
  for (const auto& word : argv) script += " " + shell_quote(word);
  return script + "\n";
}

std::string TaskSpec::window_title() const {
  return kind == TaskKind::sweep ? "sweep" : "task-" + task_id;
}

std::string TaskRecord::state_name() const {
  if (state == TaskState::cancelled && !stopped_as.empty()) return stopped_as;
  return std::string(fsm::name(state));
}

Json spec_json(const TaskSpec& spec) {
  Json out = {{"schema", spec_schema},
              {"task_id", spec.task_id},
              {"kind", name(spec.kind)},
              {"argv_base64", bytes_list(spec.argv)},
              {"text_base64", base64(spec.text)},
              {"workdir_base64", base64(spec.workdir)},
              {"env_base64", bytes_list(spec.env)},
              {"timeout_secs", spec.timeout_secs},
              {"grace_secs", spec.grace_secs},
              {"log_max_bytes", spec.log_max_bytes},
              {"leader_only", spec.leader_only},
              {"tmux_session", spec.tmux_session},
              {"token", spec.token},
              {"identity", spec.identity},
              {"owner", spec.owner}};
  if (!spec.gpu_wish.empty()) out["gpu_wish"] = spec.gpu_wish;
  return out;
}

TaskSpec spec_from(const Json& json) {
  require_schema(json, spec_schema);
  if (text_at(json, "task_id").empty()) {
    throw Error(Code::precondition, "the record names no task",
                "somebody else wrote it; the log beside it is whole");
  }
  return {.task_id = text_at(json, "task_id"),
          .kind = kind_from(text_at(json, "kind")),
          .argv = bytes_list(member(json, "argv_base64")),
          .text = unbase64(text_at(json, "text_base64")).value_or(""),
          .workdir = unbase64(text_at(json, "workdir_base64")).value_or(""),
          .env = bytes_list(member(json, "env_base64")),
          .gpu_wish = text_at(json, "gpu_wish"),
          .timeout_secs = number_at(json, "timeout_secs"),
          .grace_secs = number_at(json, "grace_secs", 30),
          .log_max_bytes = number_at(json, "log_max_bytes"),
          .leader_only = flag_at(json, "leader_only"),
          .tmux_session = text_at(json, "tmux_session"),
          .token = text_at(json, "token"),
          .identity = member(json, "identity"),
          .owner = member(json, "owner")};
}

Json status_json(const TaskSpec& spec, const TaskRecord& record, const fs::path& dir) {
  Json out = {{"schema", status_schema}, {"task_id", spec.task_id}};
  out.update(spec.identity);
  out["state"] = record.state_name();
  out["kind"] = name(spec.kind);
  out["created_at"] = utc_text(record.created_ms);
  out["started_at"] = time_or_null(record.started_ms);
  out["ended_at"] = time_or_null(record.ended_ms);
  out["exit_code"] = record.exit_code ? Json(*record.exit_code) : Json(nullptr);
  out["signal"] = record.signal ? Json(signal_name(*record.signal)) : Json(nullptr);
  out["signal_number"] = record.signal ? Json(*record.signal) : Json(nullptr);
  out["timeout_secs"] = spec.timeout_secs;
  out["tmux_session"] = text_or_null(spec.tmux_session);
  out["tmux_window"] = spec.tmux_session.empty() ? Json() : Json(spec.window_title());
  out["command_path"] = (dir / "command.sh").string();
  out["command_sha256"] = spec.command_sha256();
  out["stdout_log"] = (dir / "stdout.log").string();
  out["workdir"] = text_or_null(spec.workdir);
  out["pid"] = record.leader.pid != 0 ? Json(record.leader.pid) : Json(nullptr);
  out["process_start"] = record.leader.start;
  out["supervisor"] = {{"pid", record.supervisor.pid}, {"process_start", record.supervisor.start}};
  out["host"] = record.place.host;
  out["boot_id"] = record.place.boot_id;
  out["pid_namespace"] = record.place.pid_namespace;
  out["heartbeat_at"] = record.heartbeat_ms != 0 ? Json(utc_text(record.heartbeat_ms)) : Json();
  out["reason"] = text_or_null(record.reason);
  out["survivors"] = record.survivors;
  if (!record.ending.empty()) out["ending"] = record.ending;
  if (record.log_hole.size() > 0) {
    out["log_hole"] = {{"from", record.log_hole.from}, {"to", record.log_hole.to}};
  }
  if (!record.log_fault.empty()) out["log_fault"] = record.log_fault;
  if (!record.ordered_class.empty()) out["ordered_class"] = record.ordered_class;
  return out;
}

TaskRecord record_from(const Json& json) {
  require_schema(json, status_schema);
  TaskRecord record;
  const std::string state = text_at(json, "state");
  if (const auto known = fsm::task_state_from(state)) {
    record.state = *known;
  } else if (fsm::run_state_from(state)) {
    record.state = TaskState::cancelled;
    record.stopped_as = state;
  } else {
    throw Error(Code::precondition, "there is no state '" + state + "' of a task",
                "somebody else wrote it; the log beside it is whole");
  }
  record.created_ms = time_at(json, "created_at").value_or(0);
  record.started_ms = time_at(json, "started_at");
  record.ended_ms = time_at(json, "ended_at");
  if (member(json, "exit_code").is_number()) record.exit_code = number_at(json, "exit_code");
  if (member(json, "signal_number").is_number()) record.signal = number_at(json, "signal_number");
  const auto process = [](const Json& owner, std::string_view pid, std::string_view start) {
    return ProcessRef{static_cast<pid_t>(number_at(owner, pid)),
                      static_cast<std::uint64_t>(number_at(owner, start))};
  };
  record.leader = process(json, "pid", "process_start");
  record.supervisor = process(member(json, "supervisor"), "pid", "process_start");
  record.place = {text_at(json, "host"), text_at(json, "boot_id"), text_at(json, "pid_namespace")};
  record.heartbeat_ms = time_at(json, "heartbeat_at").value_or(0);
  record.reason = text_at(json, "reason");
  record.survivors = texts(member(json, "survivors"));
  record.ending = text_at(json, "ending");
  record.ordered_class = text_at(json, "ordered_class");
  const Json& hole = member(json, "log_hole");
  record.log_hole = {number_at(hole, "from"), number_at(hole, "to")};
  record.log_fault = text_at(json, "log_fault");
  return record;
}

}  // namespace workflow::tasks
