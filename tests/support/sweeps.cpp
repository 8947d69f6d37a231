#include "tests/support/sweeps.h"

#include <signal.h>

#include <algorithm>
#include <stdexcept>

#include "common/text.h"
#include "tests/support/eventually.h"

namespace workflow::test {

std::string csv_field(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string manifest_text(const std::vector<TestRow>& rows) {
  std::string text = "run_id,overrides,timeout_secs,max_retries,gpus,env,seed\n";
  for (const auto& row : rows) {
    text += row.run_id + "," + csv_field(row.command) + "," + row.timeout_secs + "," +
            row.max_retries + "," + row.gpus + "," + csv_field(row.env) + "," + row.seed + "\n";
  }
  return text;
}

Sweeps::Sweeps(const std::string& settings, const std::vector<std::string>& env)
    : space(
          "TRAIN_COMMAND_TEMPLATE='echo \"$RUN_ID\" >> \"$HOME/started\"; eval \"$OVERRIDES\"'\n"
          "SWEEP_MAX_CONSECUTIVE_FAILURES=0\nSWEEP_MAX_RETRIES=0\n" +
          settings) {
  for (const auto& entry : env) space.set(entry);
  space.make_repo({{"README", "nothing but a repository\n"}});
  space.check_out();
}

void Sweeps::manifest(const std::vector<TestRow>& rows) const {
  space.write("sweep.csv", manifest_text(rows));
}

Json Sweeps::start(std::vector<std::string> more) const {
  more.insert(more.begin(), "sweep-start");
  return space.data(more);
}

std::string Sweeps::end_state(std::int64_t limit_ms) const {
  std::string state;
  const bool ended = eventually(
      [&] { return (state = text_at(space.state(), "state")) != "SWEEP_RUNNING"; }, limit_ms);
  if (!ended) throw std::runtime_error("the sweep does not end: " + dump_json(status()));
  return state;
}

std::string Sweeps::run_to_end(std::vector<std::string> more) const {
  start(std::move(more));
  return end_state();
}

Json Sweeps::status() const { return space.data({"sweep-status", "--all"}); }

long long Sweeps::count(const std::string& state) const {
  return number_at(member(status(), "counts"), state);
}

Json Sweeps::truth() const { return space.data({"fsm-status"}); }

long Sweeps::starts(const std::string& run_id) const {
  const auto bytes = real_files().read(space.home() / "started");
  const auto lines = split(trim(bytes.value_or("")), '\n');
  return std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
    return run_id.empty() ? !line.empty() : line == run_id;
  });
}

bool Sweeps::waits_for_start(const std::string& run_id, long times) const {
  return eventually([&] { return starts(run_id) >= times; });
}

bool Sweeps::waits_for_state(const std::string& run_id, const std::string& state) const {
  return eventually([&] {
    return fs::exists(run_dir(run_id) / "status.json") &&
           text_at(space.run_status(run_id), "state") == state;
  });
}

void Sweeps::release() const { space.write("home/released", ""); }

pid_t Sweeps::command_of(const Json& status) {
  return static_cast<pid_t>(number_at(status, "pid"));
}

pid_t Sweeps::supervisor_of(const Json& status) {
  return static_cast<pid_t>(number_at(member(status, "supervisor"), "pid"));
}

void Sweeps::kill_hard(pid_t pid) {
  if (pid <= 1) throw std::runtime_error("no pid to kill");
  ::kill(pid, SIGKILL);
  if (!eventually([&] { return !process_lives(pid); })) throw std::runtime_error("it lives on");
}

}  // namespace workflow::test
