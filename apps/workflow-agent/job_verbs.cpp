#include <poll.h>
#include <unistd.h>

#include "apps/workflow-agent/call.h"
#include "apps/workflow-agent/job_watch.h"
#include "apps/workflow-agent/task_start.h"
#include "common/remote_path.h"
#include "common/sha256.h"
#include "common/text.h"
#include "tasks/cancel.h"
#include "tasks/jobs/cache_place.h"
#include "tasks/jobs/job_plan.h"
#include "tasks/jobs/job_record.h"
#include "tasks/steps/snapshot.h"

namespace workflow::agent {
namespace {

using tasks::JobPlan;
using tasks::TaskKind;
using tasks::TaskView;

constexpr std::string_view step_blob = "step:";
constexpr std::string_view secret_blob = "secret:";

/// What a job is known by: all that was asked for, without the values of secrets and without the
/// tree, so that whoever comes back after an edit here finds the job that goes on there.
std::string job_sha256(const Reply& reply) {
  Json parts = Json::array();
  for (const auto& blob : reply.request().blobs) {
    if (!blob.name.starts_with(secret_blob)) parts.push_back({blob.name, base64(blob.bytes)});
  }
  return sha256_hex(dump_json(parts));
}

fs::path workspace_of(const Reply& reply) {
  const std::string asked = remote_path(reply.request().blob("workspace"), "--workspace");
  const fs::path workspace = tasks::under_home(reply.site(), asked);
  if (workspace == "/" || workspace == reply.site().expand("~")) {
    throw Error(Code::refused, "a job does not work in '" + workspace.string() + "' itself",
                "--workspace DIR names a directory of its own");
  }
  return workspace;
}

JobPlan plan_from_request(const Reply& reply) {
  JobPlan plan;
  plan.workspace = workspace_of(reply);
  plan.site = {{"settings", member(reply.args(), "settings")}, {"by", member(reply.args(), "by")}};
  plan.push = member(reply.args(), "push");
  plan.tree = text_at(plan.push, "tree");
  for (const auto& blob : reply.request().blobs) {
    if (blob.name == "working_dir") plan.working_dir = remote_path(blob.bytes, "--working-dir");
    if (blob.name == "inputs") plan.inputs_glob = blob.bytes;
    if (blob.name.starts_with(secret_blob)) {
      plan.secrets.push_back(blob.name.substr(secret_blob.size()));
    }
    if (!blob.name.starts_with(step_blob)) continue;
    const std::string name = blob.name.substr(step_blob.size());
    require_id("bootstrap step", name);
    plan.steps.push_back({name, blob.bytes});
  }
  if (plan.working_dir.front() == '/' || plan.working_dir.front() == '~') {
    throw Error(Code::usage, "--working-dir '" + plan.working_dir + "' is not below the workspace");
  }
  return plan;
}

/// Downloads that outlive the job, unless the user has placed them elsewhere.
std::vector<std::string> with_cache(const Reply& reply, std::vector<std::string> env) {
  std::vector<std::string> places;
  for (const auto& blob : reply.request().blobs) {
    if (blob.name == "cache") places.push_back(blob.bytes);
  }
  const tasks::Site& site = reply.site();
  const std::string own = site.path("HF_HOME").string();
  if (places.empty()) return env;
  std::vector<std::string> all = tasks::cache_environment(site, places);
  if (!own.empty()) std::erase_if(all, [](const auto& entry) { return entry.starts_with("HF_"); });
  if (!own.empty()) all.push_back("HF_HOME=" + own);
  all.insert(all.end(), env.begin(), env.end());  // of two entries the later counts
  return all;
}

/// Nobody else may be at work in the workspace with another tree: it would change under his hands.
void require_workspace(Files& files, const tasks::TaskStore& store, const JobPlan& plan,
                       const std::string& id) {
  if (plan.tree.empty()) return;
  for (const auto& other : store.ids()) {
    if (other == id) continue;
    const auto bytes = files.read(store.dir(other) / "spec.json");
    if (!bytes || bytes->find("\"job\"") == std::string::npos) continue;
    const TaskView view = store.view(other);
    if (view.spec.kind != TaskKind::job || view.record.ended()) continue;
    const JobPlan theirs = tasks::plan_from(view.spec);
    if (theirs.workspace != plan.workspace || theirs.tree == plan.tree) continue;
    if (view.orphaned() && view.leader == tasks::Liveness::gone) continue;
    throw Error(
        Code::busy,
        "job '" + other + "' is at work in '" + plan.workspace.string() + "' with another tree",
        "--workspace DIR gives this job a directory of its own\nwait for that one: "
        "workflow job-wait " +
            other,
        dump_json({{"holder", {{"job_id", other}}}}));
  }
}

Json with_job(Files& files, Json data, const fs::path& dir) {
  data["job"] = tasks::read_job_record(files, dir);
  const TaskView view = tasks::observe(files, dir);
  data["workspace_base64"] = base64(tasks::plan_from(view.spec).workspace.string());
  return data;
}

/// Starts a job, or finds it; with `find` nothing is started: `absent` says that it is not there.
Json job_start(Reply& reply) {
  Files& files = reply.site().files();
  JobPlan plan = plan_from_request(reply);
  TaskStart start{.spec = spec_from_request(reply), .event = fsm::Event::job_start};
  start.spec.kind = TaskKind::job;
  start.spec.workdir = plan.place().string();
  start.spec.identity = {{"job_sha256", job_sha256(reply)}, {"tree", plan.tree}};
  start.same = [&](const TaskView& old) {
    return old.spec.kind == TaskKind::job &&
           text_at(old.spec.identity, "job_sha256") == text_at(start.spec.identity, "job_sha256");
  };
  start.before = [&](const tasks::TaskStore& store) {
    require_workspace(files, store, plan, start.spec.task_id);
  };
  if (flag_at(reply.args(), "find")) {
    const auto found = find_started(reply, start);
    return found ? with_job(files, *found, text_at(*found, "task_dir")) : Json{{"absent", true}};
  }
  if (!plan.tree.empty()) (void)tasks::SnapshotStore(reply.site()).list(plan.tree);
  start.spec.env = with_cache(reply, start.spec.env);
  start.spec.owner = {{"job", tasks::plan_json(plan)}};
  const Json data = start_task(reply, start);
  return with_job(files, data, text_at(data, "task_dir"));
}

fs::path find_job(const Reply& reply) {
  const std::string id = reply.text("task_id");
  require_id("job", id);
  const auto store = reply.site().tasks();
  if (store.exists(id)) {
    if (store.view(id).spec.kind == TaskKind::job) return store.dir(id);
    throw Error(Code::not_found, "'" + id + "' is a task and no job", "workflow task-status " + id);
  }
  throw Error(Code::not_found, "no job '" + id + "' on this target",
              "workflow job-list shows where jobs are");
}

Json job_status(Reply& reply) {
  const fs::path dir = find_job(reply);
  Files& files = reply.site().files();
  return with_job(files, started_json(reply, tasks::settle(files, dir), false), dir);
}

Json job_list(Reply& reply) {
  const tasks::TaskStore store = reply.site().tasks();
  Files& files = reply.site().files();
  Json list = Json::array();
  for (const auto& id : store.ids()) {
    const auto bytes = files.read(store.dir(id) / "spec.json");
    if (!bytes || bytes->find("\"job\"") == std::string::npos) continue;
    try {
      const TaskView view = tasks::settle(files, store.dir(id));
      if (view.spec.kind != TaskKind::job) continue;
      list.push_back(with_job(files, started_json(reply, view, false), view.dir));
    } catch (const Error& fault) {
      list.push_back({{"task_id", id}, {"state", "unknown"}, {"reason", fault.what()}});
    }
  }
  return {{"jobs", std::move(list)}};
}

/// Waits for a job, with what its beginning says and its log when `offset` is given.
Json job_follow(Reply& reply) {
  const fs::path dir = find_job(reply);
  Files& files = reply.site().files();
  const std::int64_t offset = number_at(reply.args(), "offset", -1);
  const std::int64_t until = number_at(reply.args(), "limit_ms", -1) < 0
                                 ? -1
                                 : system_clock().steady_ms() + number_at(reply.args(), "limit_ms");
  if (offset >= 0) JobWatch(reply, dir).until_it_runs(until);
  const std::int64_t left =
      until < 0 ? -1 : std::max<std::int64_t>(0, until - system_clock().steady_ms());
  const auto followed = reply.follow(dir, offset, left);
  Json out = with_job(files, started_json(reply, tasks::observe(files, dir), false), dir);
  out["followed"] = followed == tasks::Followed::ended ? "ended" : "out_of_time";
  return out;
}

}  // namespace

const std::vector<Verb> job_verbs = {{"job-start", job_start, Records::changed},
                                     {"job-status", job_status},
                                     {"job-list", job_list},
                                     {"job-follow", job_follow}};

}  // namespace workflow::agent
