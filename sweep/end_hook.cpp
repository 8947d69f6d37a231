#include "sweep/end_hook.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "common/error.h"
#include "common/mask.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "sweep/row_status.h"
#include "sweep/webhook.h"
#include "tasks/launch.h"

namespace workflow::sweep {
namespace {

constexpr std::size_t most_failed = 20;
constexpr std::int64_t command_limit_ms = 600'000;
constexpr std::int64_t lock_limit_ms = 900'000;
constexpr std::size_t longest_said = 2000;

fs::path event_file(const fs::path& dir) { return dir / "event.json"; }

/// The values of WF_SECRETS, as far as this process was given them.
Mask mask_of(const tasks::Site& site) {
  std::vector<std::string> values;
  for (const auto& name : split(site.text("WF_SECRETS"), ' ')) {
    const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
    if (value != nullptr) values.emplace_back(value);
  }
  return Mask(std::move(values));
}

/// What a program said, for records: its end, without secrets.
std::string told_by(const Captured& answer, const tasks::Site& site) {
  std::string text(trim(answer.out + answer.err));
  if (text.size() > longest_said) text.erase(0, text.size() - longest_said);
  Json said = text;
  mask_of(site).apply(said);
  return said.get<std::string>();
}

Json failed_rows(const std::vector<RowState>& rows, std::int64_t& failed) {
  Json out = Json::array();
  for (const auto& row : rows) {
    if (!fsm::ended_badly(row.state)) continue;
    ++failed;
    if (out.size() == most_failed) continue;
    const Json& failure = member(row.result, "failure");
    out.push_back({{"run_id", row.run_id},
                   {"state", fsm::name(row.state)},
                   {"class", text_at(failure, "class")},
                   {"reason", text_at(row.result, "reason", text_at(failure, "line"))},
                   {"attempts", row.attempt}});
  }
  return out;
}

Json run_command(const tasks::Site& site, const fs::path& dir, const std::string& event,
                 const std::string& state) {
  CaptureSpec spec;
  spec.argv = {"bash", "-c", site.text("SWEEP_END_CMD")};
  spec.env =
      environment_with({"WF_EVENT_FILE=" + event_file(dir).string(), "WF_SWEEP_STATE=" + state});
  spec.workdir = may_be_there(site.repo()) ? site.repo() : dir;
  spec.input = event;
  spec.limit_ms = command_limit_ms;
  const Captured answer = capture(spec);
  Json out = {
      {"ok", answer.ok()}, {"timed_out", answer.timed_out}, {"said", told_by(answer, site)}};
  out["exit_code"] = answer.status.code ? Json(*answer.status.code) : Json();
  return out;
}

void say(const Clock& clock, const std::string& text) {
  std::printf("%s  %s\n", utc_text(clock.now_ms()).c_str(), text.c_str());
  std::fflush(stdout);
}

std::string outcome_text(const char* what, const Json& outcome) {
  std::string text = std::string(what) + (flag_at(outcome, "ok") ? " done" : " failed");
  if (const auto said = text_at(outcome, "said"); !flag_at(outcome, "ok") && !said.empty()) {
    text += ": " + said;
  }
  return text;
}

}  // namespace

Json end_event(const tasks::Site& site, const Campaign& campaign, const std::vector<RowState>& rows,
               fsm::State state, const std::string& reason) {
  std::int64_t failed = 0;
  Json event = {{"schema", "workflow.sweep-event/1"},
                {"at", utc_text(site.clock().now_ms())},
                {"campaign", campaign_summary(campaign)},
                {"state", fsm::name(state)},
                {"reason", reason},
                {"counts", count_rows(rows)},
                {"failed", failed_rows(rows, failed)},
                {"outputs", site.outputs().string()},
                {"host", tasks::here().host}};
  event["text"] = "sweep " + campaign.id + " on " + tasks::here().host + ": " +
                  std::string(fsm::name(state)) + ", " +
                  std::to_string(number_at(event["counts"], "success") +
                                 number_at(event["counts"], "skipped")) +
                  " of " + counted(static_cast<std::int64_t>(rows.size()), "row") + " ok, " +
                  std::to_string(failed) + " not; " + reason;
  mask_of(site).apply(event);
  return event;
}

std::optional<std::string> tell_end(const tasks::Site& site, const Campaign& campaign,
                                    const Json& event) {
  if (site.text("SWEEP_END_CMD").empty() && !has_webhook(site)) return std::nullopt;
  try {
    const fs::path dir = site.campaign_dir(campaign.id);
    site.files().write(event_file(dir), pretty_json(event));
    SpawnSpec spec;
    spec.argv = {tasks::agent_path(), "tell-end", dir.string()};
    spec.env = environment_without({"WF_TASK_TOKEN", "WF_TASK_ID"});  // it is no part of the sweep
    spec.workdir = "/";
    spec.out = spec.err = STDOUT_FILENO;
    spec.new_session = true;
    spec.detach = true;
    const Spawned started = spawn(spec);
    if (started.failure) return "the end hooks were not started: " + started.failure->words();
    return std::nullopt;
  } catch (const Error& fault) {
    return std::string("the end hooks were not started: ") + fault.what();
  }
}

int run_end_hooks(Files& files, const Clock& clock, const fs::path& dir) {
  const auto lock = FileLock::take(dir / ".hooks", lock_limit_ms);
  const Campaign campaign = read_campaign(files, dir);
  const tasks::Site site(files, clock, campaign.site_args);
  const std::string event = files.read(event_file(dir)).value_or("");
  const std::string state = text_at(parse_json(event, event_file(dir).string()), "state");
  Json outcome = {{"schema", "workflow.sweep-hook/1"}, {"state", state}};
  // First: a command may take its time.
  if (has_webhook(site)) {
    outcome["webhook"] = send_webhook(site, event_file(dir), event);
    say(clock, outcome_text("SWEEP_END_WEBHOOK", outcome["webhook"]));
  }
  if (!site.text("SWEEP_END_CMD").empty()) {
    outcome["command"] = run_command(site, dir, event, state);
    say(clock, outcome_text("SWEEP_END_CMD", outcome["command"]));
  }
  outcome["at"] = utc_text(clock.now_ms());
  files.write(dir / "hook.json", pretty_json(outcome));
  return 0;
}

std::vector<std::string> end_hook_notes(const tasks::Site& site) {
  if (!has_webhook(site)) return {};
  CaptureSpec spec;
  spec.argv = {"curl", "--version"};
  spec.limit_ms = 5'000;
  if (capture(spec).started) return {};
  return {
      "SWEEP_END_WEBHOOK needs curl on the target, which is not there; nobody will be told when "
      "the sweep ends (APT_PACKAGES and bootstrap install it)"};
}

}  // namespace workflow::sweep
