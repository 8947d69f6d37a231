#include "apps/workflow/watch.h"

#include <algorithm>

#include "apps/workflow/screen.h"
#include "apps/workflow/sweep_view.h"
#include "client/watch.h"
#include "common/text.h"

namespace workflow::app {
namespace {

constexpr std::size_t rows_in_full = 50;

/// Progress where no keys can be typed: for a terminal a line that changes, for a file a line
/// whenever something happened to a row.
class Progress {
 public:
  explicit Progress(Output& out) : out_(out) {}

  void take(const Json& data) {
    const auto changed = sweep_.take(data);
    if (out_.json()) return;
    if (out_.terminal()) return draw();
    for (const std::size_t i : changed) tell(sweep_.runs()[i]);
  }

  void end() {
    if (out_.terminal()) out_.draw({});
  }

 private:
  void draw() {
    const auto& runs = sweep_.runs();
    const auto running = std::find_if(runs.begin(), runs.end(), [](const Json& run) {
      return text_at(run, "state") == "running";
    });
    Json status = sweep_.head();
    status["runs"] = running == runs.end() ? Json::array() : Json::array({*running});
    out_.draw({progress_bar(status, terminal_width() - 1)});
  }

  void tell(const Json& run) {
    const std::string id = text_at(run, "run_id");
    const std::string state = text_at(run, "state");
    const std::int64_t attempt = number_at(run, "attempt");
    const std::string now = state + " " + std::to_string(attempt);
    std::string& told = told_[id];
    if (told == now || flag_at(run, "skipped") || (state == "pending" && attempt == 0)) return;
    told = now;
    std::string line = progress_text(sweep_.head());
    line = line.substr(0, line.find(' ')) + "  " + id + " ";
    // It failed and waits for its next attempt: between two looks, or that would not be said.
    const bool again = state == "pending";
    if (again && text_at(run, "ended_at").empty()) return;  // before its first start
    Json ended = run;
    if (again) ended["state"] = "failed";
    const std::string why = why_text(ended);
    out_.line(line + (again ? "failed, tried again" : state) + (why.empty() ? "" : "  " + why));
  }

  Output& out_;
  client::WatchedSweep sweep_;
  std::map<std::string, std::string> told_;
};

Json watch_in_lines(Context& context) {
  Output& out = context.out();
  Progress progress(out);
  try {
    Json last = client::sweep_watch(context.session(), {}, [&](const Json& event) {
      out.event(event);
      if (text_at(event, "event") == "progress") progress.take(member(event, "data"));
    });
    progress.take(last);
    progress.end();
    return last;
  } catch (const Error&) {
    out.drawn();
    throw;
  }
}

/// Every row of a short sweep, of a long one those that need a look.
void show_end(Output& out, const Json& data) {
  const Json& runs = member(data, "runs");
  Json shown = Json::array();
  for (const auto& run : runs) {
    const std::string state = text_at(run, "state");
    const bool fine = state == "success" || state == "pending";
    if (!out.terminal() || runs.size() <= rows_in_full || !fine) shown.push_back(run);
  }
  show_runs(out, shown);
  if (shown.size() < runs.size()) {
    out.line(counted(static_cast<std::int64_t>(runs.size() - shown.size()), "row") +
             " left out; workflow sweep-status --all has them");
  }
}

}  // namespace

Outcome sweep_watch(Context& context) {
  Output& out = context.out();
  const bool screen = out.terminal() && can_take_screen() && !context.globals().no_input;
  std::optional<Json> last;
  try {
    last = screen ? watch_on_screen(context) : watch_in_lines(context);
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
  }
  if (!last) {
    throw Error(Code::detached, "detached; the sweep goes on",
                "come back: workflow sweep-watch\nend it: workflow sweep-stop");
  }
  Outcome outcome{*std::move(last)};
  const Json state = client::fsm_status(context.session());
  outcome.data["state"] = text_at(state, "state");
  const Json& counts = member(outcome.data, "counts");
  show_end(out, outcome.data);
  out.line(text_at(state, "state") + " · " + counts_text(counts) + " · " +
           text_at(state, "outputs_dir"));
  const bool finished = flag_at(outcome.data, "finished");
  if (!finished || not_ok(counts) > 0) {
    outcome.code = Code::work_failed;
    outcome.message = std::to_string(not_ok(counts)) + " of " +
                      counted(number_at(counts, "total"), "row") + " did not end well";
    outcome.hint = "workflow why RUN says what became of one";
    if (!finished) {
      outcome.message = "the sweep has stalled: " + text_at(state, "reason");
      outcome.hint = "go on: workflow sweep-start";
    }
  }
  return outcome;
}

}  // namespace workflow::app
