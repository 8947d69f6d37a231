#include <unistd.h>

#include <algorithm>

#include "apps/workflow-agent/call.h"
#include "apps/workflow-agent/task_gpus.h"
#include "common/json_lines.h"
#include "common/text.h"
#include "fsm/planner.h"
#include "sweep/evidence.h"
#include "sweep/rehearsal/rehearsal.h"
#include "sweep/rehearsal/resume_test.h"
#include "tasks/follow.h"
#include "tasks/gpus.h"
#include "tasks/launch.h"
#include "tasks/task_window.h"

namespace workflow::agent {
namespace {

using tasks::TaskView;

sweep::RehearsalWish wish_of(const Reply& reply) {
  sweep::RehearsalWish wish = sweep::rehearsal_wish_from(member(reply.args(), "wish"));
  const auto names = sweep::trial_names();
  for (const auto& name : wish.only) {
    if (std::ranges::find(names, name) != names.end()) continue;
    throw Error(Code::usage, "there is no trial '" + name + "'", join(names, ", "));
  }
  return wish;
}

/// A rehearsal of the same wish that is going, or that this very request has begun.
std::optional<TaskView> joined(const Reply& reply, const sweep::RehearsalWish& wish) {
  const tasks::TaskStore store = reply.site().tasks();
  for (const auto& id : store.ids()) {
    if (id.rfind("rehearse-", 0) != 0) continue;
    try {
      TaskView view = tasks::settle(reply.site().files(), store.dir(id));
      const bool same = member(view.spec.owner, "wish") == sweep::wish_json(wish);
      if (view.spec.token == reply.request().token || (same && !view.record.ended())) return view;
    } catch (const Error&) {
      // Somebody else's directory, or one that is being put aside.
    }
  }
  return std::nullopt;
}

/// A resume test needs what sweep-start needs, and nothing that trains beside it.
void require_checked_out(fsm::State state, const std::vector<std::string>& living) {
  if (!living.empty()) {
    throw Error(Code::busy, "runs are going: " + join(living, ", "),
                "the resume test wants the GPUs for itself; workflow sweep-watch follows them");
  }
  if (fsm::next(state, fsm::Event::sweep_start)) return;
  const auto refusal = fsm::refuse(state, fsm::Event::sweep_start, true);
  std::string where;
  for (const auto legal : refusal.legal_in) {
    where += (where.empty() ? "" : ", ") + std::string(fsm::name(legal));
  }
  throw Error(Code::illegal_state,
              "'rehearse --resume-test' is not legal in " + std::string(fsm::name(state)) +
                  "; it is in " + where,
              "it runs a row of the manifest: workflow advance CHECKED_OUT first");
}

std::string machine_gpus() { return tasks::gpu_inventory().gpus.empty() ? "" : "all"; }

TaskView start(Reply& reply, const sweep::RehearsalWish& wish, std::vector<std::string>& notes) {
  const tasks::Site& site = reply.site();
  const std::string manifest = wish.resume ? reply.request().blob("manifest") : "";
  if (wish.resume) {
    (void)sweep::row_to_resume(site, manifest, reply.text("manifest_name"), wish.row);
  }
  tasks::TaskSpec spec = sweep::rehearsal_spec(site, wish);
  spec.token = reply.request().token.empty() ? random_hex(8) : reply.request().token;
  spec.gpu_wish = machine_gpus();
  tasks::TaskStore store = site.tasks();
  tasks::StateKeeper keeper = site.keeper();
  site.ensure_pod_id();
  tasks::Ask ask = reply.ask(fsm::Event::task_run);
  ask.reason = "rehearsal '" + spec.task_id + "'";
  std::vector<std::string> living;
  TaskGpus gpus(site, spec);
  ask.effect = [&](tasks::StateRecord& record) {
    if (wish.resume) require_checked_out(record.state, living);
    gpus.take(spec, store.dir(spec.task_id));
    const FileLock lock = store.create(spec);
    gpus.keep();
    if (wish.resume) site.files().write(store.dir(spec.task_id) / "manifest.csv", manifest);
    tasks::start_supervisor(store.dir(spec.task_id), lock, reply.secrets());
  };
  notes = keeper
              .advance(ask,
                       [&](const tasks::StateRecord& record) {
                         tasks::Evidence evidence = sweep::gather(site, record);
                         living = evidence.living_runs;
                         return evidence;
                       })
              .notes;
  for (const auto& note : gpus.notes()) notes.push_back(note);
  tasks::open_task_window(site, store.dir(spec.task_id), spec);
  return store.view(spec.task_id);
}

/// Tells trials.jsonl, each trial once.
class TrialTeller {
 public:
  TrialTeller(Reply& reply, const fs::path& dir) : reply_(reply), dir_(dir) {}

  void tell() {
    Json all = Json::array();
    const auto bytes = reply_.site().files().read(sweep::trials_file(dir_));
    each_json_line(bytes.value_or(""), [&](Json&& trial) { all.push_back(std::move(trial)); });
    for (std::size_t i = trials_.size(); i < all.size(); ++i) {
      Json event = all[i];
      event["event"] = "trial";
      reply_.send(event);
    }
    trials_ = std::move(all);
  }
  [[nodiscard]] const Json& trials() const { return trials_; }

 private:
  Reply& reply_;
  const fs::path& dir_;
  Json trials_ = Json::array();
};

/// Starts a rehearsal or joins the same one, and tells its trials until its end.
Json rehearse(Reply& reply) {
  const auto wish = wish_of(reply);
  std::vector<std::string> notes;
  std::optional<TaskView> view = joined(reply, wish);
  const bool created = !view || view->spec.token == reply.request().token;
  if (!view) view = start(reply, wish, notes);
  const fs::path dir = view->dir;
  reply.send({{"event", "started"}, {"task_id", view->spec.task_id}, {"created", created}});
  TrialTeller teller(reply, dir);
  tasks::FollowSpec follow;
  follow.dir = dir;
  follow.token = view->spec.token;
  follow.reader_fd = STDIN_FILENO;
  follow.on_bytes = [&](std::int64_t, std::string_view) { teller.tell(); };
  if (tasks::follow(reply.site().files(), follow) == tasks::Followed::reader_gone) {
    return Json::object();
  }
  teller.tell();
  Json out = tasks::observe(reply.site().files(), dir).json();
  out["created"] = created;
  out["task_dir"] = dir.string();
  out["trials"] = teller.trials();
  out["notes"] = notes;
  return out;
}

}  // namespace

const std::vector<Verb> rehearse_verbs = {{"rehearse", rehearse, Records::changed}};

}  // namespace workflow::agent
