#include "client/jobs.h"

#include "client/download.h"
#include "client/push.h"
#include "common/error.h"
#include "common/text.h"

namespace workflow::client {
namespace {

/// Where a volume of a rented pod is mounted, by what providers do: the first that is there. A
/// loopback pod shares this machine's disk, so that its volume is in its own home.
std::vector<std::string> volume_places(const std::string& target) {
  if (target.starts_with("loopback:")) return {"~/volume"};
  return {"/workspace", "/data", "/mnt"};
}

std::vector<protocol::Blob> blobs_of(const JobSpec& spec, const std::string& target) {
  std::vector<protocol::Blob> blobs;
  if (spec.argv.empty()) blobs.push_back({"cmd", spec.command});
  for (const auto& word : spec.argv) blobs.push_back({"word", word});
  for (const auto& entry : spec.env) blobs.push_back({"env", entry});
  blobs.push_back({"workspace", spec.workspace});
  blobs.push_back({"working_dir", spec.working_dir});
  for (const auto& step : spec.bootstrap) blobs.push_back({"step:" + step.name, step.run});
  if (!spec.bootstrap_inputs.empty()) blobs.push_back({"inputs", spec.bootstrap_inputs});
  if (!spec.cache_dir.empty()) {
    blobs.push_back({"cache", spec.cache_dir});
  } else if (spec.provision && spec.provision->volume_disk_gb > 0) {
    for (const auto& place : volume_places(target)) blobs.push_back({"cache", place});
  }
  return blobs;
}

Session::Call start_call(Session& session, const JobSpec& spec) {
  require_id("job", spec.id);
  Session::Call call{.verb = "job-start",
                     .args = {{"task_id", spec.id},
                              {"timeout_secs", spec.timeout_secs},
                              {"tmux_session", session.settings().text("WF_TMUX_SESSION")},
                              {"gpus", spec.gpus},
                              {"force", spec.force}},
                     .blobs = session.secrets()};
  for (auto& blob : blobs_of(spec, session.settings().target()))
    call.blobs.push_back(std::move(blob));
  return call;
}

}  // namespace

std::optional<Json> job_find(Session& session, const JobSpec& spec) {
  Session::Call call = start_call(session, spec);
  call.args["find"] = true;
  call.args["force"] = false;
  Json data = session.call(call);
  if (flag_at(data, "absent")) return std::nullopt;
  return data;
}

Json job_start(Session& session, const JobSpec& spec, const OnEvent& on_event) {
  Session::Call call = start_call(session, spec);
  if (spec.push) {
    Json pushed = push(session);
    pushed["event"] = "pushed";
    on_event(pushed);
    for (const char* key : {"tree", "git_sha", "head", "dirty"}) {
      call.args["push"][key] = pushed[key];
    }
  }
  return session.call(call);
}

Json job_status(Session& session, const std::string& id) {
  require_id("job", id);
  return session.call({.verb = "job-status", .args = {{"task_id", id}}});
}

Json job_list(Session& session) { return session.call({.verb = "job-list"}); }

Json job_follow(Session& session, const JobFollow& follow, const OnEvent& on_event) {
  require_id("job", follow.id);
  Json args = {{"task_id", follow.id}, {"beginning", follow.beginning}};
  if (follow.offset) args["offset"] = *follow.offset;
  if (follow.limit_secs) args["limit_ms"] = *follow.limit_secs * 1000;
  Json data = session.call(
      {.verb = "job-follow", .args = args, .again = Again::until_ended, .on_event = on_event});
  if (text_at(data, "followed") == "out_of_time") {
    throw Error(Code::wait_timeout,
                "job '" + follow.id + "' is still " + text_at(data, "state") + " after " +
                    human_duration(follow.limit_secs.value_or(0)) + "; it goes on",
                "workflow job-logs -f " + follow.id,
                dump_json({{"state", text_at(data, "state")}}));
  }
  return data;
}

Json job_download(Session& session, const Json& job, const JobDownload& wanted,
                  const OnEvent& on_event) {
  const std::string workspace = unbase64(text_at(job, "workspace_base64")).value_or("");
  if (workspace.empty()) bug("a job without a workspace");
  const bool own_root = wanted.remote.starts_with('/') || wanted.remote.starts_with('~');
  const std::string remote = own_root ? wanted.remote : workspace + "/" + wanted.remote;
  return download(session, remote, fs::absolute(wanted.local), on_event);
}

int remote_exit_code(const Json& task) {
  const std::string state = text_at(task, "state");
  if (state == "timed_out") return 124;
  if (state == "lost") return static_cast<int>(Code::unreachable);
  if (member(task, "signal_number").is_number()) {
    return 128 + static_cast<int>(number_at(task, "signal_number"));
  }
  const int fallback = state == "success" ? 0 : 1;
  return static_cast<int>(number_at(task, "exit_code", fallback));
}

bool has_ended(const Json& job) { return !text_at(job, "ended_at").empty(); }

}  // namespace workflow::client
