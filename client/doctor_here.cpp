#include "client/doctor_here.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "client/workflow.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "common/user_dirs.h"
#include "remote/pods/tls.h"

namespace workflow::client {
namespace {

constexpr std::uintmax_t little_room = 2ULL << 30U;
constexpr std::string_view sqlite_magic = "SQLite format 3";

Check ssh(const Settings& settings) {
  CaptureSpec spec;
  spec.argv = {"ssh", "-V"};
  const Captured said = capture(spec);
  if (said.ok()) return {"ssh", "ok", std::string(trim(said.err))};
  const bool needed = settings.target() != "local";
  return {"ssh", needed ? "fail" : "ok", "there is no ssh on this machine",
          needed ? "install openssh-client" : ""};
}

Check tls() {
  const std::string library = pods::tls_library();
  if (!library.empty()) return {"tls", "ok", library};
  return {"tls", "warn", "this build's libcurl has no TLS",
          "no provider can be asked; install libcurl with OpenSSL"};
}

Check ledger() {
  const fs::path file = state_dir() / "ledger.db";
  struct stat is {};
  if (::stat(file.c_str(), &is) != 0) {
    if (errno == ENOENT) return {"ledger", "ok", "nothing was rented from here yet"};
    return {"ledger", "fail", "'" + file.string() + "': " + errno_text(errno),
            "it must be yours to read"};
  }
  if (::access(file.c_str(), R_OK | W_OK) != 0) {
    return {"ledger", "fail", "'" + file.string() + "' is not yours to read and write",
            "change its owner: what was rented is known by it alone"};
  }
  const UniqueFd fd = open_regular(file);
  char head[sqlite_magic.size()] = {};
  const auto n = fd.valid() ? ::read(fd.get(), head, sizeof head) : -1;
  if (is.st_size > 0 && (n != static_cast<ssize_t>(sizeof head) ||
                         std::string_view(head, sizeof head) != sqlite_magic)) {
    return {"ledger", "fail", "'" + file.string() + "' is no database",
            "move it aside; pod-list --orphans finds what is still rented"};
  }
  if ((is.st_mode & 077) != 0) {
    return {"ledger", "warn", "'" + file.string() + "' can be read by others",
            "chmod 600 " + shell_quote(file.string())};
  }
  return {"ledger", "ok", file.string()};
}

fs::path nearest_there(fs::path path) {
  std::error_code fault;
  while (!fs::exists(path, fault) && path.has_relative_path()) path = path.parent_path();
  return path;
}

Check artifacts(const Settings& settings) {
  const fs::path dir = settings.path_here("LOCAL_ARTIFACTS_DIR");
  const fs::path there = nearest_there(dir);
  if (::access(there.c_str(), W_OK) != 0) {
    return {"artifacts", "fail", "'" + there.string() + "' is not yours to write",
            "set LOCAL_ARTIFACTS_DIR to a directory of yours"};
  }
  std::error_code fault;
  const fs::space_info space = fs::space(there, fault);
  if (fault) return {"artifacts", "warn", dir.string() + ": " + fault.message(), ""};
  const std::string text =
      dir.string() + ", " + human_bytes(static_cast<double>(space.available)) + " free";
  if (space.available >= little_room) return {"artifacts", "ok", text};
  return {"artifacts", "warn", text + ", which is little",
          "make room, or set LOCAL_ARTIFACTS_DIR to another disk"};
}

Check file(const Settings& settings) {
  const auto& path = settings.file();
  Check check{"settings", "ok", path.empty() ? "no workflow.env; built-in values" : path.string()};
  for (const auto& warning : settings.warnings()) {
    check.state = "warn";
    check.text += "; " + warning;
    check.hint = "workflow config shows every value and where it comes from";
  }
  return check;
}

/// Settings of which one has no effect while the other is set.
struct Shadow {
  const char* wins;
  const char* loses;
  const char* meaning;
};
constexpr Shadow shadows[] = {
    {"WF_TARGET", "LIUM_TARGET", "WF_TARGET is the target"},
    {"WF_TARGET", "OPS_DEFAULT_HOST", "WF_TARGET is the target"},
    {"LIUM_TARGET", "OPS_DEFAULT_HOST", "LIUM_TARGET is the target"},
    {"WF_TARGET", "WF_PROVIDER", "the target is fixed, and nothing is rented"},
    {"WF_TARGET", "WF_PROVISION", "the target is fixed, and nothing is rented"},
    {"CHECKOUT_PR", "CHECKOUT_BRANCH", "the pull request is checked out"},
    {"TRAIN_COMMAND_TEMPLATE", "TRAIN_SCRIPT", "the template is run"},
};

Check conflicts(const Settings& settings) {
  Check check{"conflicts", "ok", "no setting stands in another's way"};
  std::string text;
  for (const auto& [wins, loses, meaning] : shadows) {
    const bool rented = settings.origin(wins) == "ledger";
    if (rented || !settings.is_set(wins) || !settings.is_set(loses)) continue;
    text += (text.empty() ? "" : "; ") + std::string(wins) + " and " + loses + ": " + meaning;
  }
  if (settings.text("CHECKOUT_SOURCE") == "push" && settings.is_set("CHECKOUT_BRANCH")) {
    text += std::string(text.empty() ? "" : "; ") +
            "CHECKOUT_SOURCE=push and CHECKOUT_BRANCH: what stands here is shipped";
  }
  if (!text.empty()) return {"conflicts", "warn", text, "leave out the one that you do not mean"};
  return check;
}

Check manifest(const Settings& settings) {
  const fs::path path = settings.path_here("SWEEP_CSV");
  if (presence(path) == Presence::absent) {
    const bool named = settings.is_set("SWEEP_CSV");
    return {"manifest", named ? "warn" : "ok", "there is no '" + path.string() + "'",
            named ? "workflow sweep-csv-template writes one to begin with" : ""};
  }
  try {
    const Json checked = sweep_check(settings);
    return {"manifest", "ok",
            settings.text("SWEEP_CSV") + ": " + counted(number_at(checked, "rows"), "row") + ", " +
                std::to_string(member(checked, "selected").size()) + " selected"};
  } catch (const Error& fault) {
    return {"manifest", "fail", fault.what(), "workflow sweep-check names each fault"};
  }
}

Check secrets(const Settings& settings) {
  const auto names = settings.names("WF_SECRETS");
  std::vector<std::string> unset;
  for (const auto& name : names) {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') unset.push_back(name);
  }
  if (!unset.empty()) {
    return {"secrets", "fail",
            join(unset, ", ") + " of WF_SECRETS " + (unset.size() == 1 ? "is" : "are") + " not set",
            "export them, or take them out of WF_SECRETS"};
  }
  return {"secrets", "ok", names.empty() ? "none are named" : join(names, ", ") + " are set"};
}

}  // namespace

std::vector<Check> look_at_this_machine(const Settings& settings) {
  return {ssh(settings), tls(), ledger(), artifacts(settings)};
}

std::vector<Check> look_at_settings(const Settings& settings) {
  return {file(settings), conflicts(settings), manifest(settings), secrets(settings)};
}

}  // namespace workflow::client
