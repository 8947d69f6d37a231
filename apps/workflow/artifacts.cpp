// fetch-run, fetch-all, sweep-results: what comes home.
#include <algorithm>

#include "apps/workflow/command.h"
#include "apps/workflow/row_flags.h"
#include "apps/workflow/transfer.h"
#include "client/fetch.h"
#include "client/results.h"
#include "common/files.h"
#include "common/text.h"

namespace workflow::app {
namespace {

const std::vector<Flag> fetch_flags{
    {"--checkpoints", "", "*.pt *.pth *.ckpt *.safetensors checkpoint*/ too",
     "FETCH_INCLUDE_CHECKPOINTS"},
    {"--to", "DIR", "where to", "LOCAL_ARTIFACTS_DIR"},
    {"--verify", "", "read again what is here already, at both ends"}};

std::vector<Flag> with_fetch_flags(std::vector<Flag> more) {
  more.insert(more.end(), fetch_flags.begin(), fetch_flags.end());
  return more;
}

std::string bytes_text(std::int64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

/// `12 files, 3.1 MB in 1.2 s (2.6 MB/s); 340 were here already`.
std::string what_came(const Json& data, const Transfer& transfer) {
  const std::int64_t came = number_at(data, "sent_files");
  const std::int64_t skipped = number_at(data, "skipped_files");
  if (came == 0 && number_at(data, "sent_bytes") == 0) {
    return "nothing new: " + counted(skipped, "file") + ", " +
           bytes_text(number_at(data, "bytes")) + " are here already";
  }
  const std::int64_t bytes = number_at(data, "sent_bytes");
  std::string text = counted(came, "file") + ", " + bytes_text(bytes) + transfer.summary(bytes);
  if (skipped > 0) text += "; " + std::to_string(skipped) + " were here already";
  return text;
}

/// What people have to know of one run; true when all of it came.
bool tell_run(Output& out, const Json& run) {
  const std::string id = text_at(run, "run_id");
  for (const auto& note : member(run, "notes")) out.warn(note.get<std::string>());
  if (const std::string aside = text_at(run, "put_aside"); !aside.empty()) {
    out.warn("what stood in '" + id + "' was of another attempt or not fetched: it is in " + aside);
  }
  for (const auto& missing : member(run, "missing")) {
    out.warn(id + ": not fetched: " + missing.get<std::string>());
  }
  const std::string fault = text_at(run, "fault");
  if (!fault.empty()) out.warn(id + ": not fetched: " + fault);
  return fault.empty() && member(run, "missing").empty();
}

Outcome fetched(Context& context, Json data, const Transfer& transfer) {
  Output& out = context.out();
  std::size_t bad = 0;
  for (const auto& run : member(data, "runs")) bad += tell_run(out, run) ? 0 : 1;
  const std::size_t runs = member(data, "runs").size();
  const bool one = !member(data, "campaign").is_string();
  if (!one) {
    std::string line = "campaign " + text_at(data, "campaign") + "   " +
                       std::to_string(runs - bad) + " of " +
                       counted(static_cast<std::int64_t>(runs), "run");
    if (const auto n = number_at(data, "not_started"); n > 0) {
      line += ", " + std::to_string(n) + " not started";
    }
    out.line(line);
  }
  out.line(what_came(data, transfer));
  const Json& left = member(data, "left_out");
  if (const auto n = number_at(left, "files"); n > 0) {
    out.line(counted(n, "checkpoint") + ", " + bytes_text(number_at(left, "bytes")) +
             ", left out: --checkpoints");
  }
  out.line(one ? text_at(data["runs"][0], "dir", text_at(data, "artifacts_dir"))
               : text_at(data, "artifacts_dir"));
  data["seconds"] = transfer.seconds();
  Outcome outcome{std::move(data)};
  if (bad > 0) {
    outcome.code = Code::work_failed;
    outcome.message = std::to_string(bad) + " of " +
                      counted(static_cast<std::int64_t>(runs), "run") +
                      " could not be fetched whole; the rest is here";
    outcome.hint = "the same command again brings what is missing";
  }
  return outcome;
}

Outcome fetch(Context& context, client::FetchRequest request) {
  Output& out = context.out();
  request.checkpoints = context.settings().flag("FETCH_INCLUDE_CHECKPOINTS");
  request.verify = context.args().has("--verify");
  Transfer transfer(out);
  try {
    Json data = client::fetch(context.session(), request, [&](const client::FetchProgress& now) {
      transfer.tell(std::to_string(now.files) + " of " + counted(now.all_files, "file") + "   ",
                    now.bytes, now.all_bytes);
    });
    out.status("");
    return fetched(context, std::move(data), transfer);
  } catch (const Error& error) {
    out.status("");
    const bool lost = error.code() == Code::unreachable;
    if (error.code() != Code::detached && !lost) throw;
    throw Error(error.code(), lost ? error.what() : "the fetch was stopped",
                (lost && !error.hint().empty() ? error.hint() + "\n" : std::string()) +
                    "no run is here by half; the same command again goes on where it was",
                error.details());
  }
}

Outcome fetch_run(Context& context) {
  return fetch(context, {.run = context.args().positional("run")});
}

Outcome fetch_all(Context& context) {
  client::FetchRequest request{.campaign = context.args().text("--campaign"),
                               .selection = context.args().selection()};
  const std::vector<std::string> known{"ok",        "failed",    "running", "success",
                                       "timed_out", "cancelled", "stopped", "lost"};
  // A word of these is how rows ended; any other names rows, as in every command.
  if (const std::string only = context.args().text("--only");
      std::ranges::find(known, only) != known.end()) {
    request.only = only;
    request.selection.only.clear();
  }
  return fetch(context, std::move(request));
}

}  // namespace

Outcome sweep_results(Context& context) {
  Outcome outcome{client::sweep_results(context.session(), context.args().text("--campaign"),
                                        context.args().selection())};
  const std::string csv = client::results_csv(outcome.data);
  if (!context.args().has("--out")) {
    context.out().bytes(csv);
    return outcome;
  }
  const std::string file = context.args().text("--out");
  real_files().write(file, csv);
  context.out().note("wrote " + file);
  return outcome;
}

const Family& artifact_family() {
  static const Family family{
      "artifacts",
      {{"fetch-run",
        "bring a run's logs, records and outputs here",
        {{"run", "the run"}},
        fetch_flags,
        fetch_run,
        Dry::none,
        false,
        "workflow fetch-run tiny-lr1"},
       {"fetch-all",
        "bring every run of the sweep here; again: only what is new",
        {},
        with_fetch_flags(
            {{"--campaign", "ID", "an earlier sweep"},
             row_flags[0],
             row_flags[1],
             row_flags[2],
             {"--only", "WHICH", "ok, failed, running, a state; or RUN,RUN…", "", true}}),
        fetch_all,
        Dry::none,
        false,
        "workflow fetch-all --checkpoints --only ok"}}};
  return family;
}

}  // namespace workflow::app
