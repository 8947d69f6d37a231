#include "client/workflow.h"

#include "client/bound_pod.h"
#include "client/local_tree.h"
#include "client/manifest_file.h"
#include "client/pods.h"
#include "client/push.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/files.h"
#include "common/text.h"
#include "fsm/planner.h"
#include "sweep/manifest.h"
#include "sweep/selection.h"

namespace workflow::client {
namespace {

sweep::Selection selection_of(const Settings& settings, const std::vector<std::string>& only) {
  return {.match = settings.text("SWEEP_MATCH"),
          .start_at = settings.text("SWEEP_START_AT"),
          .limit = settings.count("SWEEP_LIMIT"),
          .only = only};
}

sweep::Manifest parse(const Settings& settings, const ManifestFile& file) {
  const bool needs_config = trim(settings.text("TRAIN_COMMAND_TEMPLATE")).empty();
  return sweep::parse_manifest(file.bytes, file.name, {.config_required = needs_config});
}

std::string generated_id(const TaskRequest& request) {
  std::string base = "task";
  const std::string program =
      request.argv.empty() ? std::string(trim(request.cmd)) : request.argv[0];
  std::string word = program.substr(0, program.find_first_of(" \t\n;|&"));
  word = word.substr(word.rfind('/') + 1).substr(0, 40);
  if (valid_id(word)) base = word;
  return base + "-" + utc_stamp(system_clock().now_ms()) + "-" + random_hex(2);
}

Json follow_args(const FollowRequest& request) {
  Json args = {{"task_id", request.id}};
  if (request.offset) args["offset"] = *request.offset;
  if (request.tail_lines) args["tail_lines"] = *request.tail_lines;
  if (request.limit_secs) args["limit_ms"] = *request.limit_secs * 1000;
  return args;
}

/// The name of what a push would ship now; empty where no push ships the code.
std::string tree_here(const Settings& settings) {
  if (settings.text("CHECKOUT_SOURCE") != "push") return {};
  try {
    return tree_to_push(settings).name;
  } catch (const Error&) {
    return {};  // it is for a remark alone
  }
}

/// Asks once. Of a rented pod that does not answer its provider is asked, too: it may have ended,
/// or moved.
Json answer_of_pod(Session& session, fsm::Event command) {
  if (rents(session.settings())) return state_without_pod(session.settings());
  const Session::Call ask{.verb = "pod-answers", .args = {{"command", fsm::name(command)}}};
  try {
    return session.call(ask);
  } catch (const Error& fault) {
    if (fault.code() != Code::unreachable) throw;
    const auto known = pod_of_target(session.settings());
    if (!known) throw;
    const auto row = settle_pod(session.settings(), session.interrupt_fd(), *known);
    if (row.held == pods::Held::ended) return state_without_pod(session.settings());
    if (row.ssh == known->ssh) throw;
    session.find_again();
    return session.call(ask);
  }
}

Json call_with_manifest(Session& session, const std::string& verb, const SweepRequest& request,
                        std::vector<protocol::Blob> blobs) {
  const Settings& settings = session.settings();
  (void)sweep_check(settings, request.only);  // here first: a fault costs no connection
  const ManifestFile file = read_manifest(settings);
  sweep::Selection selection = selection_of(settings, request.only);
  selection.retry_failed = request.retry_failed;
  blobs.push_back({"manifest", file.bytes});
  return session.call({.verb = verb,
                       .args = {{"manifest_name", file.name},
                                {"selection", sweep::selection_json(selection)},
                                {"force", request.force || settings.flag("SWEEP_FORCE")},
                                {"redo_changed", request.redo_changed},
                                {"tree", tree_here(settings)}},
                       .blobs = std::move(blobs)});
}

}  // namespace

Json fsm_status(Session& session) {
  if (rents(session.settings())) return state_without_pod(session.settings());
  return session.call({.verb = "fsm-status"});
}

Json fsm_log(Session& session) { return session.call({.verb = "fsm-log"}); }

Json fsm_reset(Session& session, fsm::State state, bool sure,
               std::optional<std::int64_t> if_revision) {
  Json args = {{"state", fsm::name(state)}, {"sure", sure}};
  if (if_revision) args["if_revision"] = *if_revision;
  return session.call({.verb = "fsm-reset", .args = args, .again = Again::never});
}

Json plan(Session& session, fsm::State to) {
  const Json status = fsm_status(session);
  const auto from = fsm::state_from(text_at(status, "state"));
  if (!from) bug("the agent named an unknown state");
  const auto path = fsm::shortest_path(*from, to, !rents(session.settings()));
  if (!path) {
    throw Error(Code::illegal_state,
                "no commands lead from " + std::string(fsm::name(*from)) + " to " +
                    std::string(fsm::name(to)),
                "workflow fsm-reset sets a state by hand");
  }
  Json names = Json::array();
  for (const auto event : *path) names.push_back(fsm::name(event));
  return {{"state", fsm::name(*from)}, {"to", fsm::name(to)}, {"path", names}};
}

Json pod_answers(Session& session, fsm::Event command) {
  if (command != fsm::Event::pod_wait) return answer_of_pod(session, command);
  const std::int64_t limit_ms = session.settings().seconds("POD_WAIT_MAX_SECS") * 1000;
  const std::int64_t begun = system_clock().steady_ms();
  while (true) {
    try {
      return answer_of_pod(session, command);
    } catch (const Error& fault) {
      if (fault.code() != Code::unreachable) throw;
      const std::int64_t left = begun + limit_ms - system_clock().steady_ms();
      if (left <= 0) {
        throw Error(Code::wait_timeout,
                    std::string(fault.what()) + "; waited " + human_duration(limit_ms / 1000),
                    "POD_WAIT_MAX_SECS waits longer; workflow doctor looks at the way there");
      }
      session.pause(std::min<std::int64_t>(left, 2'000));
    }
  }
}

Json run_step(Session& session, fsm::Event step, const OnEvent& on_event) {
  Json args = {{"command", fsm::name(step)}};
  std::vector<protocol::Blob> blobs = session.secrets();
  for (auto& blob : session.repo_login()) blobs.push_back(std::move(blob));
  if (step == fsm::Event::checkout && session.settings().text("CHECKOUT_SOURCE") == "push") {
    Json pushed = push(session);
    pushed["event"] = "pushed";
    on_event(pushed);
    for (const char* key : {"tree", "git_sha", "head", "dirty"}) args["push"][key] = pushed[key];
  }
  return session.call({.verb = "step",
                       .args = std::move(args),
                       .blobs = std::move(blobs),
                       .again = Again::until_ended,
                       .on_event = on_event});
}

Json clean(Session& session, const CleanRequest& request) {
  return session.call({.verb = "clean",
                       .args = {{"what", request.what},
                                {"older_secs", request.older_secs},
                                {"delete", request.remove}},
                       .again = request.remove ? Again::never : Again::once});
}

Json task_run(Session& session, const TaskRequest& request) {
  const Settings& settings = session.settings();
  const std::string id = request.id.empty() ? generated_id(request) : request.id;
  require_id("task", id);
  std::vector<protocol::Blob> blobs = session.secrets();
  if (request.argv.empty()) blobs.push_back({"cmd", request.cmd});
  for (const auto& word : request.argv) blobs.push_back({"word", word});
  for (const auto& entry : request.env) blobs.push_back({"env", entry});
  if (!request.workdir.empty()) blobs.push_back({"workdir", request.workdir});
  const std::string session_name =
      request.tmux_session.empty() ? settings.text("WF_TMUX_SESSION") : request.tmux_session;
  return session.call({.verb = "task-run",
                       .args = {{"task_id", id},
                                {"timeout_secs", request.timeout_secs.value_or(
                                                     settings.seconds("TASK_TIMEOUT_SECS"))},
                                {"tmux_session", session_name},
                                {"gpus", request.gpus},
                                {"force", request.force}},
                       .blobs = std::move(blobs)});
}

Json task_status(Session& session, const std::string& id, std::int64_t tail_lines) {
  require_id("task", id);
  return session.call(
      {.verb = "task-status", .args = {{"task_id", id}, {"tail_lines", tail_lines}}});
}

Json task_list(Session& session) { return session.call({.verb = "task-list"}); }

Json task_follow(Session& session, const FollowRequest& request, const OnEvent& on_event) {
  require_id("task", request.id);
  Json data = session.call({.verb = request.wait ? "task-follow" : "task-log",
                            .args = follow_args(request),
                            .again = Again::until_ended,
                            .on_event = on_event});
  if (text_at(data, "followed") == "out_of_time") {
    throw Error(Code::wait_timeout,
                "'" + request.id + "' is still " + text_at(data, "state") + " after " +
                    human_duration(request.limit_secs.value_or(0)) + "; it goes on",
                "workflow task-logs -f " + request.id,
                dump_json({{"state", text_at(data, "state")}}));
  }
  return data;
}

Json task_cancel(Session& session, const std::string& id) {
  require_id("task", id);
  return session.call({.verb = "task-cancel", .args = {{"task_id", id}}, .again = Again::never});
}

Json task_attach(Session& session, const std::string& id) {
  require_id("task", id);
  return session.call({.verb = "task-attach", .args = {{"task_id", id}}});
}

Json sweep_check(const Settings& settings, const std::vector<std::string>& only) {
  const ManifestFile file = read_manifest(settings);
  const sweep::Manifest manifest = parse(settings, file);
  const auto selected = sweep::select_rows(manifest, selection_of(settings, only));
  Json ids = Json::array();
  for (const auto i : selected) ids.push_back(manifest.rows[i].run_id);
  return {{"manifest", file.name}, {"rows", manifest.rows.size()}, {"selected", ids}};
}

Json sweep_start(Session& session, const SweepRequest& request) {
  return call_with_manifest(session, "sweep-start", request, session.secrets());
}

Json sweep_plan(Session& session, const SweepRequest& request) {
  return call_with_manifest(session, "sweep-plan", request, {});
}

Json sweep_status(Session& session, const StatusRequest& request) {
  return session.call({.verb = "sweep-status",
                       .args = {{"campaign", request.campaign},
                                {"all", request.all},
                                {"after", request.after},
                                {"limit", request.limit},
                                {"selection", sweep::selection_json(request.selection)}}});
}

Json sweep_stop(Session& session, const OnEvent& on_event) {
  return session.call({.verb = "sweep-stop", .again = Again::never, .on_event = on_event});
}

Json run_show(Session& session, const std::string& run_id) {
  require_id("run", run_id);
  return session.call({.verb = "run-show", .args = {{"run_id", run_id}}});
}

}  // namespace workflow::client
