#include <unistd.h>

#include "apps/workflow/hand.h"
#include "client/exec.h"
#include "common/text.h"

namespace workflow::app {
namespace {

std::string shown_command(const client::ExecRequest& request) {
  std::string text = request.argv.empty() ? request.cmd : join(request.argv, " ");
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return clipped(text, 100);
}

client::ExecRequest request_from(const Arguments& args) {
  args.require_command();
  (void)args.wants_remote_code();
  client::ExecRequest request;
  request.cmd = args.text("--cmd");
  request.argv = args.rest;
  request.workdir = args.text("--workdir");
  request.env = args.list("--env");
  // A terminal is for the person, who would wait for a command that waits for them.
  request.stdin_fd = ::isatty(STDIN_FILENO) == 1 ? -1 : STDIN_FILENO;
  return request;
}

/// The command's two streams as they are or, with --json, as events.
class Printer {
 public:
  explicit Printer(Output& out) : out_(out) {}

  void tell(bool err, std::string_view bytes) {
    if (!out_.json()) return err ? out_.error_bytes(bytes) : out_.bytes(bytes);
    std::int64_t& offset = err ? err_offset_ : out_offset_;
    for (const auto& log : protocol::log_events("", offset, bytes)) {
      Json event = {{"event", "log"}, {"stream", err ? "err" : "out"}};
      for (const char* key : {"offset", "text", "base64"}) {
        if (log.contains(key)) event[key] = log[key];
      }
      out_.event(event);
    }
    offset += static_cast<std::int64_t>(bytes.size());
  }

 private:
  Output& out_;
  std::int64_t out_offset_ = 0;
  std::int64_t err_offset_ = 0;
};

std::string ending(const Json& data) {
  if (const auto reason = text_at(data, "reason"); !reason.empty()) return reason;
  if (const auto signal = text_at(data, "signal"); !signal.empty()) return "signal " + signal;
  return "exit " + std::to_string(number_at(data, "exit_code"));
}

Outcome ended(const Context& context, const std::string& command, Json data) {
  Outcome outcome{std::move(data)};
  const bool ok =
      member(outcome.data, "exit_code").is_number() && number_at(outcome.data, "exit_code") == 0;
  if (ok) return outcome;
  outcome.code = Code::work_failed;
  outcome.message = "'" + command + "' failed: " + ending(outcome.data);
  if (context.args().wants_remote_code()) {
    const auto signal = number_at(outcome.data, "signal_number");
    const auto code = signal > 0 ? 128 + signal : number_at(outcome.data, "exit_code", 1);
    // It failed: whatever number came for that, it is none that a caller takes for success.
    outcome.exit_code = code > 0 && code < 256 ? static_cast<int>(code) : 1;
  }
  return outcome;
}

}  // namespace

Outcome exec(Context& context) {
  const client::ExecRequest request = request_from(context.args());
  const std::string command = shown_command(request);
  if (context.globals().dry_run) {
    context.out().line("would run on the target: " + command);
    return {};
  }
  Printer printer(context.out());
  try {
    Json data = client::exec(context.session(), request,
                             [&](bool err, std::string_view bytes) { printer.tell(err, bytes); });
    for (const auto& note : member(data, "notes")) context.out().warn(note.get<std::string>());
    data.erase("notes");
    return ended(context, command, std::move(data));
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    throw Error(Code::detached, "'" + command + "' was ended with the connection",
                "one that goes on without you: workflow task-run -- …");
  }
}

}  // namespace workflow::app
