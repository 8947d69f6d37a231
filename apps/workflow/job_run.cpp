// job-run and job-start: from words to a job, and with it to its end.
#include "apps/workflow/job_view.h"
#include "common/text.h"

namespace workflow::app {
namespace {

enum class OnInterrupt { detach, terminate };

OnInterrupt on_interrupt(const Context& context) {
  const std::string choice = context.args().text("--on-interrupt");
  if (choice == "terminate") return OnInterrupt::terminate;
  if (!context.args().has("--on-interrupt") || choice == "detach") return OnInterrupt::detach;
  throw Error(Code::usage, "--on-interrupt '" + choice + "'", "detach or terminate");
}

void place_of(Context& context, client::JobSpec& spec) {
  const Arguments& args = context.args();
  spec.ssh = args.text("--ssh");
  spec.node = args.text("--node");
  if (args.has("--provision")) {
    spec.provision = pods::parse_query(args.text("--provision"), "--provision");
  }
  if (context.globals().target) {
    spec.target = *context.globals().target;
  } else if (spec.ssh.empty() && spec.node.empty() && !spec.provision) {
    spec.target = context.settings().target();
  }
}

Outcome dry(Context& context, const client::JobSpec& spec) {
  client::check(spec);
  Output& out = context.out();
  out.line("would work on " +
           (spec.provision ? "a rented machine (" + pods::query_text(*spec.provision) + ")"
                           : client::target_of(spec)) +
           " in " + spec.workspace);
  for (const auto& step : spec.bootstrap) out.line("bootstrap " + step.name + ": " + step.run);
  out.line("would run: " + (spec.argv.empty() ? spec.command : join(spec.argv, " ")));
  for (const auto& wanted : spec.downloads) {
    out.line("would fetch " + wanted.remote + " to " + wanted.local);
  }
  return {};
}

/// Ends the job and gives its machine back, whatever else is pressed meanwhile.
Outcome terminate(Context& context, client::TrackedJob& job) {
  job.stop_listening();
  job.cancel();
  job.fetch();
  (void)job.give_back(give_back_when(context));
  Outcome outcome = ended_job(context, job);
  outcome.code = Code::detached;
  outcome.exit_code.reset();
  outcome.message = "interrupted; job '" + job.id() + "' was ended";
  outcome.hint = job.still_costs();
  return outcome;
}

void tell_start(Context& context, const client::TrackedJob& job) {
  for (const auto& note : member(job.data(), "notes")) context.out().warn(note.get<std::string>());
  if (!flag_at(job.data(), "created", true)) {
    context.out().note("job '" + job.id() + "' is there already; nothing was started");
  }
  show_where(context.out(), job);
}

}  // namespace

client::JobSpec job_spec(Context& context) {
  const Arguments& args = context.args();
  client::JobSpec spec;
  place_of(context, spec);
  for (const char* flag : {"--max-hours", "--max-cost", "--image", "--provider"}) {
    if (spec.provision || !args.has(flag)) continue;
    throw Error(Code::usage, std::string(flag) + " is of a machine that is rented for the job",
                "give it with --provision");
  }
  spec.id = args.text("--id");
  spec.push = !args.has("--no-push");
  if (args.has("--workspace")) spec.workspace = args.text("--workspace");
  if (args.has("--working-dir")) spec.working_dir = args.text("--working-dir");
  for (const auto& text : args.list("--bootstrap")) {
    spec.bootstrap.push_back(client::parse_step(text, spec.bootstrap.size() + 1));
  }
  spec.bootstrap_inputs = args.text("--bootstrap-inputs");
  spec.command = args.text("--command");
  spec.argv = args.rest;
  spec.env = args.list("--env");
  spec.secrets = args.comma_list("--secret");
  spec.cache_dir = args.text("--cache-dir");
  spec.gpus = args.text("--gpus");
  if (const auto limit = args.seconds("--timeout")) spec.timeout_secs = *limit;
  for (const auto& text : args.list("--download")) {
    spec.downloads.push_back(client::parse_download(text));
  }
  spec.force = args.has("--force");
  spec.keep_alive = args.has("--keep-alive");
  if (args.has("--id") && spec.id.empty()) throw Error(Code::usage, "--id is empty");
  return spec;
}

Outcome job_start(Context& context) {
  const client::JobSpec spec = job_spec(context);
  if (context.globals().dry_run) return dry(context, spec);
  const auto renter = job_renter(context);
  client::TrackedJob job(job_desk(context, renter.get()));
  job.start(spec);
  tell_start(context, job);
  context.out().line(job.id() + "   " + job.row().state);
  context.out().note("follow it: workflow job-logs -f " + job.id());
  if (const auto costs = job.still_costs(); !costs.empty()) {
    context.out().note(costs + "\nto its end, with downloads: workflow job-wait " + job.id());
  }
  return {job.data()};
}

Outcome job_run(Context& context) {
  (void)context.args().wants_remote_code();
  const client::GiveBack when = give_back_when(context);
  const OnInterrupt interrupt = on_interrupt(context);
  const client::JobSpec spec = job_spec(context);
  if (context.globals().dry_run) return dry(context, spec);
  const auto renter = job_renter(context);
  client::TrackedJob job(job_desk(context, renter.get()));
  try {
    job.start(spec);
    tell_start(context, job);
    job.follow(0, std::nullopt);
    job.fetch();
    (void)job.give_back(when);
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    const bool begun = job.row().state != "intended";
    if (begun && interrupt == OnInterrupt::terminate) return terminate(context, job);
    if (!begun && job.row().target.empty()) throw;  // of the renting: it says what goes on
    throw detached_from(job);
  }
  return ended_job(context, job);
}

}  // namespace workflow::app
