// pod-up, pod-status, pod-wait, bootstrap, checkout; the rows of doctor and push.
#include "apps/workflow/pod_up.h"
#include "apps/workflow/push.h"
#include "client/bound_pod.h"
#include "client/repo_url.h"
#include "client/wanted_pod.h"
#include "common/text.h"
#include "fsm/workflow_machine.h"
#include "remote/protocol/message.h"

namespace workflow::app {
namespace {

void tell_notes(Context& context, const Json& data) {
  for (const auto& note : member(data, "notes")) context.out().warn(note.get<std::string>());
}

/// One line: what is so, and the state it led to.
void tell_line(Context& context, const std::string& what, const Json& data) {
  context.out().line(padded(what, 42) + " " + text_at(data, "state"));
}

Outcome pod_answers(Context& context, fsm::Event command, const std::string& words) {
  Outcome outcome{client::pod_answers(context.session(), command)};
  const Json& data = outcome.data;
  tell_notes(context, data);
  if (!flag_at(data, "answers")) {
    tell_line(context, text_at(data, "reason"), data);
    return outcome;
  }
  const bool local = context.settings().target() == "local";
  tell_line(context, (local ? "this machine" : text_at(data, "host")) + " " + words, data);
  const std::string cost = client::cost_note(context.settings());
  if (!cost.empty()) context.out().note(cost);
  return outcome;
}

/// What is rented is the target from here on; the rest is the same as for any other.
Outcome rent_and_ask(Context& context) {
  Json pod = rent(context);
  Outcome outcome;
  try {
    outcome.data = client::pod_answers(context.session(), fsm::Event::pod_up);
  } catch (const Error& fault) {
    if (fault.code() != Code::detached) throw;
    throw Error(Code::detached, "detached; '" + text_at(pod, "name") + "' is up",
                "end it: workflow pod-down");
  }
  tell_notes(context, outcome.data);
  tell_line(context, "'" + text_at(pod, "name") + "' is up", outcome.data);
  if (const std::string cost = client::cost_note(context.settings()); !cost.empty()) {
    context.out().note(cost + "; end it: workflow pod-down");
  }
  outcome.data["pod"] = std::move(pod);
  return outcome;
}

/// A limit is set when a pod is rented; a flag that has no effect would be believed.
void refuse_late_limit(Context& context) {
  for (const char* flag : {"--max-hours", "--max-cost"}) {
    if (!context.args().has(flag)) continue;
    throw Error(Code::exists,
                std::string(flag) + " is set when a pod is rented, and '" +
                    context.settings().target() + "' is there already",
                "workflow pod-list shows when it ends");
  }
}

Outcome pod_up(Context& context) {
  const bool renting = is_to_rent(context);
  if (context.globals().dry_run) {
    if (renting) {
      context.out().line("would rent " +
                         pods::query_text(client::wanted_machine(context.settings())) +
                         "; workflow pod-offers shows what there is");
    } else {
      context.out().line("would ask whether " + context.settings().target() +
                         " answers; nothing to rent");
    }
    return {};
  }
  if (renting) return rent_and_ask(context);
  refuse_late_limit(context);
  Outcome outcome = pod_answers(context, fsm::Event::pod_up, "answers; nothing to rent");
  // The provider says that it is there no more: a new one, as if there had been none.
  if (text_at(outcome.data, "state") == "POD_TERMINATED") return rent_and_ask(context);
  return outcome;
}

Outcome pod_status(Context& context) {
  return pod_answers(context, fsm::Event::pod_status, "answers");
}

Outcome pod_wait(Context& context) { return pod_answers(context, fsm::Event::pod_wait, "answers"); }

Outcome run_step(Context& context, fsm::Event step) {
  const std::string name(fsm::name(step));
  Output& out = context.out();
  const bool show_log = context.globals().verbose > 0;
  std::string task;
  std::string log;
  const auto on_event = [&](const Json& event) {
    const std::string kind = text_at(event, "event");
    out.event(event);
    if (kind == "started") {
      task = text_at(event, "task_id");
      const bool joined = !flag_at(event, "created", true);
      if (joined) out.note("'" + name + "' is going already; this is its task " + task);
      if (!show_log && out.terminal()) out.note("follow it: workflow task-logs -f " + task);
    }
    if (kind == "pushed") {
      tell_notes(context, event);
      for (const auto& text : member(event, "remarks")) out.warn(text.get<std::string>());
      out.note(push_summary(event));
    }
    if (kind != "log") return;
    const std::string bytes = protocol::log_bytes(event);
    if (show_log) out.note(std::string(trim(bytes)));
    log = (log + bytes);
    if (log.size() > 8192) log.erase(0, log.size() - 4096);
  };
  Outcome outcome;
  try {
    outcome.data = client::run_step(context.session(), step, on_event);
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    throw Error(Code::detached, "detached; '" + name + "' goes on as task " + task,
                "come back: workflow " + name + "\nend it: workflow task-cancel " + task);
  }
  tell_notes(context, outcome.data);
  const Json& record = member(outcome.data, "task");
  if (text_at(record, "state") == "success") {
    tell_line(context, text_at(outcome.data, "summary"), outcome.data);
    return outcome;
  }
  const Json& failure = member(outcome.data, "failure");
  const bool told = !text_at(failure, "message").empty();
  outcome.code = told ? code_from_name(text_at(failure, "code")) : Code::work_failed;
  if (outcome.code == Code::usage && !told) outcome.code = Code::work_failed;
  outcome.message = "'" + name + "' " + text_at(record, "state") + ": " +
                    (told ? text_at(failure, "message") : text_at(record, "reason", "see its log"));
  outcome.hint = text_at(failure, "hint");
  if (!outcome.hint.empty()) outcome.hint += "\n";
  outcome.hint += "its log: workflow task-logs " + text_at(record, "task_id");
  return outcome;
}

Outcome bootstrap(Context& context) {
  if (!context.globals().dry_run) return run_step(context, fsm::Event::bootstrap);
  const client::Settings& settings = context.settings();
  const bool install = settings.flag("AUTO_INSTALL_PREREQS");
  context.out().line("would look for git, tmux and " + settings.text("REMOTE_PYTHON_BIN") +
                     (install ? ", and install what is missing of " + settings.text("APT_PACKAGES")
                              : std::string()));
  if (settings.is_set("BOOTSTRAP_SCRIPT")) {
    context.out().line("would run " + settings.text("BOOTSTRAP_SCRIPT"));
  }
  return {};
}

void tell_wanted(Context& context, const client::Settings& settings) {
  const std::string pr = settings.text("CHECKOUT_PR");
  const std::string branch = settings.text("CHECKOUT_BRANCH");
  context.out().line("would check out " + client::shown_url(settings.text("REPO_URL")) + ", " +
                     (!pr.empty()       ? "pull request " + pr
                      : !branch.empty() ? "branch " + branch
                                        : "its default branch"));
}

Outcome checkout(Context& context) {
  if (!context.globals().dry_run) return run_step(context, fsm::Event::checkout);
  const client::Settings& settings = context.settings();
  if (settings.text("CHECKOUT_SOURCE") == "push") {
    (void)push(context);
  } else {
    tell_wanted(context, settings);
  }
  for (const char* key : {"CHECKOUT_INSTALL_CMD", "CHECKOUT_POST_CMD"}) {
    if (settings.is_set(key)) context.out().line("would run " + settings.text(key));
  }
  return {};
}

const Flag untracked{"--dirty", "", "push what git neither tracks nor ignores, too",
                     "PUSH_UNTRACKED"};

}  // namespace

const Family& pod_family() {
  static const Family family{
      "target",
      {{"pod-up",
        "make the target answer; rents only where there is something to rent",
        {},
        {{"--provision", "QUERY", "what to rent: type=H100,count=2,max_price=3", "WF_PROVISION"},
         {"--provider", "NAME", "from whom: loopback is this machine", "WF_PROVIDER"},
         {"--max-hours", "H", "it ends after so many hours", "POD_MAX_HOURS"},
         {"--max-cost", "USD", "or when it has cost that much", "POD_MAX_COST"},
         {"--image", "I", "container image", "POD_IMAGE"}},
        pod_up,
        Dry::says,
        false,
        "workflow pod-up --provider loopback"},
       {"pod-status", "ask the target whether it answers", {}, {}, pod_status},
       {"pod-wait", "wait until the target answers", {}, {}, pod_wait},
       {"pod-offers",
        "what could be rented now, of all providers, best first",
        {{"query",
          "KEY=VALUE[,KEY=VALUE]: type, count, max_price, min_vram_gb, cloud_type, "
          "min_cuda, container_disk_gb, volume_disk_gb, providers, spot",
          false}},
        {{"--provision", "QUERY", "the same", "WF_PROVISION"},
         {"--provider", "NAME", "ask this one only", "WF_PROVIDER"},
         {"--limit", "N", "show at most so many; 20"}},
        pod_offers,
        Dry::reads,
        false,
        "workflow pod-offers type=H100,count=2,max_price=3"},
       {"doctor",
        "look at the way to the target and at the target, and say what to do",
        {},
        {},
        doctor,
        Dry::reads},
       {"rehearse",
        "a short acceptance test of the target: GPUs, disk, torch, an all-reduce",
        {},
        {{"--resume-test", "", "prove that a row of the manifest continues from its checkpoint"},
         {"--row", "RUN", "the resume test's row; the first without it"},
         {"--only", "NAMES", "these trials, with commas between", {}, true},
         {"--network", "", "ask HF_ENDPOINT, PIP_INDEX_URL or pypi.org too"},
         {"--trial-limit", "T", "how long a trial may take; 60"},
         {"--wait", "T", "how long the resume test waits for a checkpoint, and for a step; 10m"}},
        rehearse,
        Dry::none,
        false,
        "workflow rehearse --resume-test --row lr3-s1"},
       {"clean",
        "what on the target may go, and how much it is; --yes deletes it",
        {{"what", "bak, trash, tasks, attempts, snapshots, leftovers, agents; all without", false,
          true}},
        {{"--older", "T", "only what has been as it is for so long; 7d"}},
        clean,
        Dry::reads,
        false,
        "workflow clean --yes bak tasks"},
       {"bootstrap",
        "check the tools on the target, or install them",
        {},
        {{"--install", "", "install what is missing with apt", "AUTO_INSTALL_PREREQS"}},
        bootstrap,
        Dry::says},
       {"checkout",
        "bring the repository and its virtual environment to the target",
        {},
        {untracked,
         {"--branch", "B", "branch to check out", "CHECKOUT_BRANCH"},
         {"--pr", "N", "pull request to check out", "CHECKOUT_PR"},
         {"--expect-sha", "SHA", "refuse any other commit", "EXPECT_GIT_SHA"},
         {"--force-clean", "", "throw away changes made on the target", "CHECKOUT_FORCE_CLEAN"},
         {"--recreate-venv", "", "build the virtual environment anew", "VENV_RECREATE"}},
        checkout,
        Dry::says,
        false,
        "workflow checkout --branch main"},
       {"push",
        "ship this machine's tree as a snapshot; CHECKOUT_SOURCE=push checks it out",
        {},
        {untracked},
        push,
        Dry::says}}};
  return family;
}

}  // namespace workflow::app
