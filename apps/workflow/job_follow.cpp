// job-logs, job-wait, job-download, job-terminate: a job that is there, from whatever machine.
#include "apps/workflow/job_view.h"
#include "apps/workflow/rent_progress.h"
#include "apps/workflow/task_view.h"
#include "common/text.h"

namespace workflow::app {
namespace {

void follow(client::TrackedJob& job, std::optional<std::int64_t> offset,
            std::optional<std::int64_t> limit_secs) {
  try {
    job.follow(offset, limit_secs);
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    throw detached_from(job);
  }
}

/// What is still to be done here for a job that has ended: its downloads, its machine.
void settle(Context& context, client::TrackedJob& job) {
  try {
    job.fetch();
    (void)job.give_back(give_back_when(context));
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    throw detached_from(job);
  }
}

}  // namespace

std::string asked_target(const Context& context) {
  client::JobSpec spec;
  spec.ssh = context.args().text("--ssh");
  spec.node = context.args().text("--node");
  spec.target = context.globals().target.value_or("");
  const int named = static_cast<int>(!spec.ssh.empty()) + static_cast<int>(!spec.node.empty()) +
                    static_cast<int>(!spec.target.empty());
  if (named > 1) throw Error(Code::usage, "--target, --ssh and --node do not go together");
  return named == 0 ? std::string() : client::target_of(spec);
}

client::TrackedJob::Desk job_desk(Context& context, client::JobRenter* renter) {
  Output& out = context.out();
  return {.settings = context.settings(),
          .interrupt_fd = context.interrupt_fd(),
          .renter = renter,
          .on_event =
              [job = job_printer(out), renting = rent_progress(context)](const Json& event) {
                return is_of_renting(event) ? renting(event) : job(event);
              },
          .on_remark = [&out](const std::string& text) { out.note(text); }};
}

client::GiveBack give_back_when(const Context& context) {
  const std::string choice = context.args().text("--give-back");
  if (choice == "always") return client::GiveBack::always;
  if (!context.args().has("--give-back") || choice == "fetched") {
    return client::GiveBack::when_fetched;
  }
  throw Error(Code::usage, "--give-back '" + choice + "'", "fetched or always");
}

void open_job(Context& context, client::TrackedJob& job) {
  job.open(context.args().id("--id", "job"), asked_target(context));
}

Outcome job_logs(Context& context) {
  const auto renter = job_renter(context);
  client::TrackedJob job(job_desk(context, renter.get()));
  open_job(context, job);
  const std::int64_t from =
      context.args().has("--new") ? job.row().offset : context.args().count("--offset").value_or(0);
  if (!context.args().has("--follow")) {
    job.read_log(from);
    return {job.data()};
  }
  follow(job, from, std::nullopt);
  context.out().note("'" + job.id() + "' " + ending(job.data()));
  return {job.data()};
}

Outcome job_wait(Context& context) {
  (void)context.args().wants_remote_code();
  const auto renter = job_renter(context);
  client::TrackedJob job(job_desk(context, renter.get()));
  open_job(context, job);
  follow(job, std::nullopt, context.args().seconds("--timeout-secs"));
  settle(context, job);
  Outcome outcome = ended_job(context, job);
  if (outcome.code == Code::ok) context.out().line(job.id() + "   " + ending(outcome.data));
  return outcome;
}

Outcome job_download(Context& context) {
  const auto renter = job_renter(context);
  client::TrackedJob job(job_desk(context, renter.get()));
  std::vector<client::JobDownload> wanted;
  for (const auto& text : context.args().list("--download")) {
    wanted.push_back(client::parse_download(text));
  }
  open_job(context, job);
  if (job.over()) {
    throw Error(Code::not_found, "the machine of job '" + job.id() + "' is no more",
                "what was fetched before is where it was put");
  }
  job.refresh();
  for (const auto& each : wanted) (void)job.fetch(each);
  job.fetch();
  if (job.ended()) (void)job.give_back(give_back_when(context));
  Outcome outcome{job.data()};
  for (const auto& row : job.row().downloads) {
    context.out().line((row.done ? "fetched  " : "missing  ") + row.remote + "  " + row.local);
  }
  for (const auto& each : wanted) context.out().line("fetched  " + each.remote + "  " + each.local);
  if (wanted.empty() && job.row().downloads.empty()) {
    throw Error(Code::usage, "job '" + job.id() + "' names nothing to download",
                "workflow job-download " + job.id() + " --download results:./results");
  }
  if (job.fetch_fault()) {
    outcome.code = job.fetch_fault()->code();
    outcome.message = job.fetch_fault()->what();
  }
  return outcome;
}

Outcome job_terminate(Context& context) {
  const auto renter = job_renter(context);
  const client::GiveBack when = give_back_when(context);
  client::TrackedJob job(job_desk(context, renter.get()));
  open_job(context, job);
  const bool had_ended = job.ended();
  try {
    job.cancel();
    job.fetch();
  } catch (const Error& error) {
    // A machine that does not answer goes on costing: it may be given up by name. One on which the
    // job was never begun has nothing to lose.
    const bool may = when == client::GiveBack::always || error.code() == Code::not_found;
    if (!may || error.code() == Code::detached || job.row().pod_name.empty()) throw;
    context.out().warn(error.what());
  }
  const bool given_back = job.give_back(when);
  Outcome outcome{job.data()};
  context.out().line(job.id() + "   " + (had_ended ? "had ended before: " : "") +
                     ending(outcome.data));
  if (job.return_fault()) {
    outcome.code = job.return_fault()->code();
    outcome.message = std::string("the machine was not given back: ") + job.return_fault()->what();
    outcome.hint = "try again: workflow job-terminate " + job.id();
  } else if (!given_back) {
    outcome.code = Code::refused;
    outcome.message = "job '" + job.id() +
                      "' has ended; its machine goes on, because a download "
                      "is missing";
    outcome.hint = "give it up: workflow job-terminate --give-back=always " + job.id();
  }
  return outcome;
}

}  // namespace workflow::app
