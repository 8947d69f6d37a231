#pragma once

#include <cstddef>
#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace workflow {

/// What a command ends with. The numbers are the process exit codes users script against
/// (README, "Exit codes"); `code_name` gives the word that stands for one in JSON.
enum class Code : int {
  ok = 0,
  work_failed = 1,
  usage = 2,
  illegal_state = 3,
  unreachable = 4,
  busy = 5,
  not_found = 6,
  precondition = 7,
  exists = 8,
  refused = 9,
  provider = 10,
  bug = 70,
  wait_timeout = 124,
  detached = 130,
};

/// The `error.code` word of JSON output; "ok" for Code::ok.
[[nodiscard]] std::string_view code_name(Code code);

/// The code a word stands for; an unknown word is a bug of whoever sent it.
[[nodiscard]] Code code_from_name(std::string_view name);

/// One fault in a file the user wrote; line and column count from 1, 0 where there is none.
struct Fault {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  std::string message;

  /// `file:line:column: message`, leaving out what is 0.
  [[nodiscard]] std::string text() const;
};

/// An operation that cannot go on. `what` starts in lower case and has no final full stop;
/// `hint` says what to do, when that is known. `details` is a JSON object as text whose members
/// are added to the `error` object of JSON output (faults, path, holder …); empty for none.
class Error : public std::exception {
 public:
  Error(Code code, std::string what, std::string hint = {}, std::string details = {});

  [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }
  [[nodiscard]] Code code() const { return code_; }
  [[nodiscard]] const std::string& hint() const { return hint_; }
  [[nodiscard]] const std::string& details() const { return details_; }

 private:
  Code code_;
  std::string what_;
  std::string hint_;
  std::string details_;
};

/// A usage error that carries every fault found at once.
[[nodiscard]] Error faults_error(const std::vector<Fault>& faults, std::string summary);

/// Our own mistake: throws Error(Code::bug) that names the place.
[[noreturn]] void bug(std::string_view what,
                      std::source_location where = std::source_location::current());

/// The text of an errno value, e.g. "No such file or directory".
[[nodiscard]] std::string errno_text(int error);

/// Throws Error(code) with "WHAT: errno text" for the current errno.
[[noreturn]] void throw_errno(std::string_view what, Code code = Code::precondition);

}  // namespace workflow
