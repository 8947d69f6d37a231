// The table of the job-* commands, and job-list.
#include "apps/workflow/job.h"

#include "apps/workflow/job_view.h"
#include "client/job_pods.h"
#include "client/job_survey.h"

namespace workflow::app {
namespace {

const Flag id_flag{"--id", "ID", "the job"};
const Positional job_place{"job", "the job", false};
const Flag exit_code_flag{"--exit-code", "WHOSE",
                          "remote: the job's own code, 128+signal, 124, or 4 for lost"};
const Flag give_back_flag{"--give-back", "WHEN",
                          "always: also when a download failed; fetched: not then (as it is)"};
const Flag ssh_flag{"--ssh", "HOST", "where: an alias, user@host or user@host:port"};
const Flag node_flag{"--node", "PROVIDER:ID", "where: a pod that is there"};

/// Where a job is, for those who have no record of it.
std::vector<Flag> of_a_job(std::vector<Flag> more) {
  std::vector<Flag> flags{id_flag, ssh_flag, node_flag};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

std::vector<Flag> of_a_start(std::vector<Flag> more) {
  std::vector<Flag> flags{
      ssh_flag,
      node_flag,
      {"--provision", "QUERY", "where: rented for it; type=H100,count=2,max_price=3"},
      {"--provider", "NAME", "from whom; loopback is this machine", "WF_PROVIDER"},
      {"--max-hours", "H", "a rented machine ends after so many hours", "POD_MAX_HOURS"},
      {"--max-cost", "USD", "or when it has cost that much", "POD_MAX_COST"},
      {"--image", "I", "its container image", "POD_IMAGE"},
      {"--keep-alive", "", "do not give it back at the end"},
      {"--id", "ID", "its name; made up without one"},
      {"--command", "TEXT", "what bash runs"},
      {"--bootstrap", "NAME=CMD", "makes the workspace ready; skipped when unchanged", {}, true},
      {"--bootstrap-inputs", "GLOB", "files that the steps depend on; all without it"},
      {"--env", "K=V", "a variable for it", {}, true},
      {"--secret", "NAME", "a variable of yours for it, never on a disk", {}, true},
      {"--workspace", "DIR", "its directory there; ~/.workflow/workspace"},
      {"--working-dir", "DIR", "where it runs, below the workspace"},
      {"--no-push", "", "ship nothing: work with what is there"},
      {"--cache-dir", "DIR", "where downloads of models outlive it"},
      {"--gpus", "N", "GPUs held for it: N, 1/2 of one, or all"},
      {"--timeout", "T", "ends it after so long, bootstrap included; 2h; 0: never"},
      {"--download", "REMOTE:LOCAL", "fetched at its end, also when it failed", {}, true},
      {"--force", "", "end a job of this id and move it to _bak"}};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Outcome list(Context& context) {
  client::SurveyRequest request;
  request.all = context.args().has("--all");
  request.target = asked_target(context);
  Outcome outcome{client::survey_jobs(context.settings(), context.interrupt_fd(), request)};
  show_jobs(context.out(), member(outcome.data, "jobs"));
  for (const auto& target : member(outcome.data, "unreachable")) {
    context.out().warn(text_at(target, "target") + ": " + text_at(target, "reason"));
  }
  return outcome;
}

}  // namespace

std::unique_ptr<client::JobRenter> job_renter(Context& context) {
  return client::pod_renter(context.settings(), context.interrupt_fd());
}

Outcome job_list(Context& context) { return list(context); }

const Family& job_family() {
  static const Family family{
      "jobs",
      {{"job-run",
        "a job from machine to results: rent, ship, run, follow, fetch, give back",
        {},
        of_a_start({give_back_flag,
                    {"--on-interrupt", "WHAT", "at Ctrl-C: detach, as it is, or terminate"},
                    exit_code_flag}),
        job_run,
        Dry::says,
        true,
        "workflow job-run --provision type=A100,max_price=2 --download results:./results -- "
        "./train"},
       {"job-start",
        "the same as far as its start; job-wait does the rest",
        {},
        of_a_start({}),
        job_start,
        Dry::says,
        true,
        "workflow job-start --ssh gpu --bootstrap deps='uv sync' --command 'uv run train.py'"},
       {"job-list",
        "your jobs on all machines, as they are now",
        {},
        {ssh_flag, node_flag, {"--all", "", "ask also where nothing is left to do"}},
        job_list,
        Dry::reads},
       {"job-logs",
        "a job's output, byte for byte",
        {job_place},
        of_a_job({{"--follow,-f", "", "go on until it ends"},
                  {"--offset", "BYTE", "begin at this byte"},
                  {"--new", "", "begin where this machine left it"}}),
        job_logs,
        Dry::reads},
       {"job-wait",
        "wait for a job's end, fetch its downloads, give its machine back",
        {job_place},
        of_a_job(
            {{"--timeout-secs", "T", "wait no longer (exit 124)"}, give_back_flag, exit_code_flag}),
        job_wait},
       {"job-download",
        "fetch what a job's start named, or more of its workspace",
        {job_place},
        of_a_job({{"--download", "REMOTE:LOCAL", "fetch this", {}, true}, give_back_flag}),
        job_download},
       {"job-terminate",
        "end a job, fetch its downloads, give its machine back",
        {job_place},
        of_a_job({give_back_flag}),
        job_terminate}}};
  return family;
}

}  // namespace workflow::app
