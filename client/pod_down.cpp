#include "client/pod_down.h"

#include "client/bound_pod.h"
#include "client/fetch_record.h"
#include "client/kept_job.h"
#include "client/workflow.h"
#include "common/text.h"
#include "remote/pods/job_rows.h"
#include "tasks/refused.h"

namespace workflow::client {
namespace {

bool has_file(const FetchRecord& record, const Json& file) {
  const auto found = record.files.find(text_at(file, "path"));
  if (found == record.files.end()) return false;
  return found->second.entry.size == number_at(file, "bytes") &&
         found->second.entry.mtime_ns == number_at(file, "mtime_ns");
}

/// A checkpoint may be a directory: then what is in it counts.
bool has_checkpoint(const FetchRecord& record, const Json& checkpoint) {
  const std::string path = text_at(checkpoint, "path");
  std::int64_t bytes = 0;
  for (const auto& [name, file] : record.files) {
    if (name == path || name.rfind(path + "/", 0) == 0) bytes += file.entry.size;
  }
  return bytes >= number_at(checkpoint, "bytes");
}

/// What of a run is only there; null when all of it is here.
Json lacking(const Json& run, const fs::path& artifacts) {
  const auto record = read_fetch_record(artifacts / text_at(run, "run_id"));
  const bool same = record && same_attempt(record->about, run);
  Json out = {{"run_id", text_at(run, "run_id")}, {"logs", false}, {"checkpoint", ""}};
  std::int64_t bytes = 0;
  for (const auto& file : member(run, "files")) {
    if (same && has_file(*record, file)) continue;
    out["logs"] = true;
    bytes += number_at(file, "bytes");
  }
  const Json& checkpoint = member(run, "checkpoint");
  if (checkpoint.is_object() && !(same && has_checkpoint(*record, checkpoint))) {
    out["checkpoint"] = text_at(checkpoint, "path");
    bytes += number_at(checkpoint, "bytes");
  }
  out["bytes"] = bytes;
  const bool nothing = !flag_at(out, "logs") && text_at(out, "checkpoint").empty();
  return nothing ? Json() : out;
}

/// The jobs of a pod that is to go.
std::vector<pods::JobRow> jobs_on(const std::string& target) {
  std::vector<pods::JobRow> found = pods::JobRows().all();
  std::erase_if(found, [&](const auto& row) { return row.target != target || row.pod_done; });
  return found;
}

/// Jobs on the target of which a download is not here.
void add_jobs(Json& out, const std::string& target) {
  for (const auto& row : jobs_on(target)) {
    std::int64_t missing = 0;
    for (const auto& wanted : row.downloads) missing += wanted.done ? 0 : 1;
    if (missing > 0) out["only_there"].push_back({{"job_id", row.job_id}, {"downloads", missing}});
  }
}

/// Their logs go with it: here first, as far as they can be had.
void keep_jobs(Session& session, const std::string& target) {
  for (const auto& row : jobs_on(target)) {
    try {
      keep_job(session, text_at(parse_json(row.known, "the record of jobs"), "task_dir"),
               kept_job_dir(row.job_id));
    } catch (const Error& fault) {
      if (fault.code() == Code::detached) throw;
    } catch (const fs::filesystem_error&) {
      // No room here: the user has said that the pod may go.
    }
  }
}

/// After its provider has confirmed it: nobody can be asked about them any more.
void note_pod_gone(const std::string& target) {
  pods::JobRows rows;
  for (auto row : jobs_on(target)) {
    row.pod_done = true;
    if (!row.ended()) row.state = "unknown";
    rows.save(row);
  }
}

std::string working_text(const Json& working) {
  std::vector<std::string> names;
  for (const auto& one : working) {
    if (names.size() < 4) names.push_back(text_at(one, "what") + " " + text_at(one, "id"));
  }
  const std::string more = working.size() > names.size()
                               ? " and " + std::to_string(working.size() - names.size()) + " more"
                               : std::string();
  return join(names, ", ") + more + (working.size() == 1 ? " is going" : " are going");
}

/// The pod's own record says that it has gone, for whoever mounts its volume from another one.
void tell_the_pod(Session& session) {
  try {
    (void)session.call({.verb = "pod-leave", .again = Again::never});
  } catch (const Error& fault) {
    // It is given back in any case; a record that cannot be written goes with the pod.
    if (fault.code() == Code::detached) throw;
  }
}

/// Of a target that was not rented from here; where the table forbids it anyway, that is said.
Error nothing_to_give_back(Session& session) {
  const auto state = fsm::state_from(text_at(fsm_status(session), "state"));
  if (state && !fsm::next(*state, fsm::Event::pod_down)) {
    return tasks::illegal(*state, fsm::Event::pod_down);
  }
  return Error(Code::refused,
               "'" + session.settings().target() +
                   "' was not rented from here; there is nothing to give back",
               "workflow pod-list shows what was");
}

/// By what is in the way.
std::string way_out(const Json& would_go, const pods::PodRow& row) {
  std::string text;
  if (!member(would_go, "working").empty()) {
    text +=
        "end it: workflow task-cancel, sweep-stop; or with the pod: workflow pod-down --force\n";
  }
  if (!member(would_go, "only_there").empty()) {
    text += "fetch them: workflow fetch-all --checkpoints\n";
  }
  return text + "give up all that is on it: workflow pod-down --abandon " + row.name;
}

/// Error(refused) unless the pod may go.
Json look_first(Session& session, const pods::PodRow& row, const PodDown& request) {
  if (request.abandon == row.name) return Json::object();
  Json would_go;
  try {
    would_go = what_would_go(session);
  } catch (const Error& fault) {
    if (fault.code() != Code::unreachable) throw;
    throw Error(Code::refused,
                std::string(fault.what()) + ": what would be lost with it cannot be seen",
                "give it back all the same: workflow pod-down --abandon " + row.name);
  }
  if (request.force) would_go["working"] = Json::array();
  const std::string why = objection(would_go);
  if (why.empty()) return would_go;
  throw Error(Code::refused, why, way_out(would_go, row), dump_json({{"would_go", would_go}}));
}

}  // namespace

Json what_would_go(Session& session) {
  const Json there = session.call({.verb = "pod-leaving"});
  const fs::path artifacts = session.settings().path_here("LOCAL_ARTIFACTS_DIR");
  Json out = {{"working", member(there, "working")},
              {"durable", member(there, "durable")},
              {"durable_reason", member(there, "durable_reason")},
              {"unread", member(there, "unread")},
              {"only_there", Json::array()}};
  add_jobs(out, session.settings().target());
  if (flag_at(there, "durable")) return out;
  for (const auto& run : member(there, "runs")) {
    require_id("run", text_at(run, "run_id"));  // it becomes a path here
    if (Json lack = lacking(run, artifacts); lack.is_object()) out["only_there"].push_back(lack);
  }
  return out;
}

std::string objection(const Json& would_go) {
  std::vector<std::string> parts;
  if (!member(would_go, "working").empty())
    parts.push_back(working_text(member(would_go, "working")));
  std::int64_t logs = 0;
  std::int64_t checkpoints = 0;
  std::int64_t bytes = 0;
  for (const auto& run : member(would_go, "only_there")) {
    if (const std::string job = text_at(run, "job_id"); !job.empty()) {
      parts.push_back(counted(number_at(run, "downloads"), "download") + " of job '" + job +
                      "' not here yet: workflow job-wait " + job);
      continue;
    }
    if (flag_at(run, "logs")) logs += 1;
    if (!text_at(run, "checkpoint").empty()) checkpoints += 1;
    bytes += number_at(run, "bytes");
  }
  std::vector<std::string> lost;
  if (logs > 0) lost.push_back("logs of " + counted(logs, "run"));
  if (checkpoints > 0) lost.push_back(counted(checkpoints, "checkpoint"));
  if (!lost.empty()) {
    parts.push_back(join(lost, " and ") + " (" + human_bytes(static_cast<double>(bytes)) +
                    ") are only on the pod");
  }
  if (!member(would_go, "unread").empty()) {
    parts.push_back("not all of its records can be read: " +
                    member(would_go, "unread").front().get<std::string>());
  }
  return join(parts, ", and ");
}

Json pod_down(Session& session, int interrupt_fd, const PodDown& request, const OnEvent& on_event) {
  const Settings& settings = session.settings();
  const auto row = pod_of_target(settings);
  if (!row) throw nothing_to_give_back(session);
  if (!request.abandon.empty() && request.abandon != row->name) {
    throw Error(Code::usage, "--abandon '" + request.abandon + "' is not this pod's name",
                "it is called '" + row->name + "'");
  }
  Json would_go = look_first(session, *row, request);
  if (!would_go.empty()) {
    keep_jobs(session, settings.target());
    tell_the_pod(session);
  }
  const auto ended = return_pod(settings, interrupt_fd, *row, on_event);
  note_pod_gone(settings.target());
  return {{"name", ended.name},
          {"provider", ended.provider},
          {"id", ended.pod_id},
          {"state", "POD_TERMINATED"},
          {"cost", ended.cost(system_clock().now_ms())},
          {"would_go", std::move(would_go)}};
}

}  // namespace workflow::client
