// fetch-run, fetch-all, sweep-results: what comes home.
#include <algorithm>
#include <cstdio>

#include "apps/workflow/command.h"
#include "client/fetch.h"
#include "client/results.h"
#include "common/clock.h"
#include "common/files.h"
#include "common/text.h"

namespace workflow::app {
namespace {

constexpr std::int64_t draw_every_ms = 100;

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

std::string counted(std::int64_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

/// One line on a terminal: how much, how fast, how long still.
class Progress {
 public:
  explicit Progress(Output& out) : out_(out) {}
  ~Progress() { out_.status(""); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void tell(const client::FetchProgress& now) {
    const std::int64_t at_ms = system_clock().steady_ms();
    if (at_ms - drawn_ms_ < draw_every_ms) return;
    drawn_ms_ = at_ms;
    const double rate = static_cast<double>(now.bytes) / std::max(seconds(), 0.001);
    std::string text = std::to_string(now.files) + " of " + counted(now.all_files, "file") + "   " +
                       bytes_text(now.bytes) + " of " + bytes_text(now.all_bytes) + "   " +
                       human_bytes(rate) + "/s";
    if (rate >= 1 && now.all_bytes > now.bytes) {
      const double left = static_cast<double>(now.all_bytes - now.bytes) / rate;
      text += "   eta " + human_duration(static_cast<std::int64_t>(left) + 1);
    }
    out_.status(text);
  }

  [[nodiscard]] double seconds() const {
    return static_cast<double>(system_clock().steady_ms() - begun_ms_) / 1000;
  }

 private:
  Output& out_;
  std::int64_t begun_ms_ = system_clock().steady_ms();
  std::int64_t drawn_ms_ = 0;
};

/// `12 files, 3.1 MB new in 1.2 s, 340 here already`.
std::string what_came(const Json& data, double seconds) {
  const std::int64_t came = number_at(data, "sent_files");
  const std::int64_t skipped = number_at(data, "skipped_files");
  if (came == 0 && number_at(data, "sent_bytes") == 0) {
    return "nothing new: " + counted(skipped, "file") + ", " +
           bytes_text(number_at(data, "bytes")) + " are here already";
  }
  char tenths[32];
  std::snprintf(tenths, sizeof tenths, "%.1f s", seconds);
  std::string text = counted(came, "file") + ", " + bytes_text(number_at(data, "sent_bytes")) +
                     " in " +
                     (seconds < 9.95 ? tenths : human_duration(static_cast<std::int64_t>(seconds)));
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

Outcome fetched(Context& context, Json data, double seconds) {
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
  out.line(what_came(data, seconds));
  const Json& left = member(data, "left_out");
  if (const auto n = number_at(left, "files"); n > 0) {
    out.line(counted(n, "checkpoint") + ", " + bytes_text(number_at(left, "bytes")) +
             ", left out: --checkpoints");
  }
  out.line(one ? text_at(data["runs"][0], "dir", text_at(data, "artifacts_dir"))
               : text_at(data, "artifacts_dir"));
  data["seconds"] = seconds;
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
  Progress progress(out);
  try {
    Json data = client::fetch(context.session(), request,
                              [&](const client::FetchProgress& now) { progress.tell(now); });
    out.status("");
    return fetched(context, std::move(data), progress.seconds());
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
                               .only = context.args().text("--only")};
  const std::vector<std::string> known{"ok",        "failed",    "running", "success",
                                       "timed_out", "cancelled", "stopped", "lost"};
  if (context.args().has("--only") && std::ranges::find(known, request.only) == known.end()) {
    throw Error(Code::usage, "--only '" + request.only + "'", join(known, ", "));
  }
  return fetch(context, std::move(request));
}

}  // namespace

Outcome sweep_results(Context& context) {
  Outcome outcome{client::sweep_results(context.session(), context.args().text("--campaign"))};
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
        with_fetch_flags({{"--campaign", "ID", "an earlier sweep"},
                          {"--only", "WHICH", "ok, failed, running, or a state"}}),
        fetch_all,
        Dry::none,
        false,
        "workflow fetch-all --checkpoints --only ok"}}};
  return family;
}

}  // namespace workflow::app
