#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/workflow/output.h"
#include "client/workflow.h"

// What a command is: one row of a family's table and one function. Parsing, help, completion and
// JSON are derived from the row.
namespace workflow::app {

/// `--name VALUE`, or `--name` when `value` is empty.
struct Flag {
  std::string_view name;   ///< "--id"; a short one behind a comma: "--follow,-f"
  std::string_view value;  ///< what stands for the value in the help; empty: a switch
  std::string_view help;
  std::string_view setting{};  ///< the key of workflow.env that it overrides
  bool many = false;           ///< may be given more than once
};

struct Positional {
  std::string_view name;
  std::string_view help;
  bool required = true;
  bool many = false;  ///< takes all words there are
};

/// What was typed, by long name and by position.
struct Arguments {
  std::map<std::string, std::vector<std::string>, std::less<>> flags;
  std::map<std::string, std::string, std::less<>> positionals;
  std::vector<std::string> words;  ///< of a positional that takes many
  std::vector<std::string> rest;   ///< the words behind `--`
  bool has_rest = false;

  [[nodiscard]] bool has(std::string_view flag) const { return flags.count(flag) != 0; }
  [[nodiscard]] std::string text(std::string_view flag) const;
  [[nodiscard]] std::vector<std::string> list(std::string_view flag) const;
  /// Words between commas, of a flag that may be given more than once.
  [[nodiscard]] std::vector<std::string> comma_list(std::string_view flag) const;
  [[nodiscard]] std::string positional(std::string_view name) const;
  [[nodiscard]] bool has_positional(std::string_view name) const {
    return positionals.count(name) != 0;
  }
  /// The parts of a selection of rows as flags gave them: --match, --start-at, --limit, --only.
  [[nodiscard]] sweep::Selection selection() const;
  /// A duration; Error(usage) that names the flag for anything else.
  [[nodiscard]] std::optional<std::int64_t> seconds(std::string_view flag) const;
  [[nodiscard]] std::optional<std::int64_t> count(std::string_view flag) const;
  /// `--id X` or the argument X; Error(usage) when it is neither or both and different.
  [[nodiscard]] std::string id(std::string_view flag, std::string_view positional) const;
  /// Whether --exit-code=remote; asked before anything is done, so that a typo costs nothing.
  [[nodiscard]] bool wants_remote_code() const;
  /// Error(usage) unless there is either --cmd or words behind `--`, and every --env is K=V.
  void require_command() const;
};

/// The flags that every command takes, before and after its name.
struct Globals {
  std::optional<std::string> config;
  std::optional<std::string> target;
  bool json = false;
  bool quiet = false;
  int verbose = 0;
  std::string color = "auto";
  bool dry_run = false;
  bool yes = false;
  bool no_input = false;
};

/// One invocation at work.
class Context {
 public:
  Context(std::string_view command, Globals globals, Arguments arguments,
          std::map<std::string, std::string> flag_settings, Output& output, int interrupt_fd);

  [[nodiscard]] const Globals& globals() const { return globals_; }
  [[nodiscard]] const Arguments& args() const { return arguments_; }
  [[nodiscard]] Output& out() { return output_; }
  /// Becomes readable at Ctrl-C.
  [[nodiscard]] int interrupt_fd() const { return interrupt_fd_; }
  /// Read at the first call; faults in workflow.env are Error(usage).
  const client::Settings& settings();
  /// Error(illegal_state) where no pod of this configuration lives and the command needs one.
  client::Session& session();
  /// From now on the target is another one: a pod that this command has rented.
  void retarget(const std::string& target);
  /// An error as people may see it: without the values of WF_SECRETS.
  [[nodiscard]] Error masked(const Error& error) const {
    return session_ ? session_->masked(error) : error;
  }
  /// Of a command that detached from a rented pod, the same error with what that costs.
  [[nodiscard]] Error with_cost(const Error& error) const;
  /// How the target was reached; empty while nothing was asked of it.
  [[nodiscard]] std::string way() const { return session_ ? session_->way() : std::string(); }
  /// Asks a person on the terminal; --yes answers. Error(refused) that names the flag when nobody
  /// can be asked, and when the answer is no.
  void confirm(const std::string& consequence);

 private:
  std::string_view command_;
  Globals globals_;
  Arguments arguments_;
  std::map<std::string, std::string> flag_settings_;
  Output& output_;
  int interrupt_fd_;
  std::optional<client::Settings> settings_;
  std::optional<client::Session> session_;
};

/// How a command ended: its `data`, and its code where it is not 0.
struct Outcome {
  Json data = Json::object();
  Code code = Code::ok;
  std::string message{};  ///< of a code that is not ok
  std::string hint{};
  std::optional<int> exit_code{};  ///< the work's own, in place of the code's number
};

/// What --dry-run means to a command: it only reads anyway, it says what it would do, or it has no
/// dry run and refuses.
enum class Dry { none, reads, says };

struct Command {
  std::string_view name;
  std::string_view summary;
  std::vector<Positional> positionals;
  std::vector<Flag> flags;
  Outcome (*run)(Context&);
  Dry dry = Dry::none;
  bool takes_rest = false;        ///< words behind `--`
  std::string_view example = {};  ///< one line for the help
};

struct Family {
  std::string_view title;
  std::vector<Command> commands;
};

/// One table a file: state.cpp, pod.cpp, task.cpp, job.cpp, sweep.cpp, artifacts.cpp,
/// hand.cpp, shell.cpp.
[[nodiscard]] const Family& state_family();
[[nodiscard]] const Family& pod_family();
[[nodiscard]] const Family& rent_family();
[[nodiscard]] const Family& task_family();
[[nodiscard]] const Family& job_family();
[[nodiscard]] const Family& sweep_family();
[[nodiscard]] const Family& operations_family();
[[nodiscard]] const Family& artifact_family();
[[nodiscard]] const Family& hand_family();
[[nodiscard]] const Family& shell_family();

/// In doctor.cpp, rehearse.cpp and clean.cpp; their rows are with the target's commands.
Outcome doctor(Context& context);
Outcome rehearse(Context& context);
Outcome clean(Context& context);
/// In pod_offers.cpp; its row is with the target's commands.
Outcome pod_offers(Context& context);
/// In report.cpp; its row is with the sweeps' commands.
Outcome sweep_report(Context& context);
/// In artifacts.cpp; its row is with the sweeps' commands.
Outcome sweep_results(Context& context);

[[nodiscard]] const std::vector<const Family*>& families();
[[nodiscard]] const Command* find_command(std::string_view name);
[[nodiscard]] std::vector<std::string> command_names();

/// The commands whose first word is this: `task` has task-run, task-status …
[[nodiscard]] std::vector<const Command*> commands_of(std::string_view word);

/// Error(usage) for a name that find_command does not know.
[[nodiscard]] Error no_such_command(const std::string& name);

}  // namespace workflow::app
