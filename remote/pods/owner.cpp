#include "remote/pods/owner.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "common/clock.h"
#include "common/error.h"
#include "common/files.h"
#include "common/text.h"

namespace workflow::pods {
namespace {

/// Clocks are set a little now and then.
constexpr std::int64_t slack_ms = 10'000;

std::string user_name() {
  for (const char* key : {"USER", "LOGNAME"}) {
    if (const char* value = std::getenv(key); value != nullptr && *value != '\0') return value;
  }
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

std::string at_host() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return "@" + std::string(name);
}

/// What the machine tells of a process, where it tells.
struct Seen {
  bool zombie = false;  ///< it has ended, and nobody has asked how
  std::optional<std::int64_t> age_ms{};
};

Seen look_at(pid_t pid) try {
#ifdef __linux__
  const std::string stat = real_files().read("/proc/" + std::to_string(pid) + "/stat").value_or("");
  // The second field is a name in brackets and may hold anything.
  const auto fields = split(trim(stat.substr(std::min(stat.size(), stat.rfind(')') + 1))), ' ');
  const auto began = fields.size() < 20 ? std::nullopt : parse_integer(fields[19]);
  if (!began) return {};
  return {.zombie = fields[0] == "Z",
          .age_ms = system_clock().steady_ms() - *began * 1000 / ::sysconf(_SC_CLK_TCK)};
#else
  (void)pid;
  return {};
#endif
} catch (const Error&) {
  return {};
}

}  // namespace

std::string this_owner() { return user_name() + at_host() + " " + std::to_string(::getpid()); }

std::string name_begin() {
  std::string user;
  for (const char c : lower(user_name())) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain && user.size() < 12) user += c;
  }
  return "wf-" + (user.empty() ? std::string("user") : user);
}

std::string without_pid(const std::string& owner) { return owner.substr(0, owner.rfind(' ')); }

OwnerLife life_of(const std::string& owner, std::int64_t owned_for_ms) {
  const auto space = owner.rfind(' ');
  const auto pid =
      space == std::string::npos ? std::nullopt : parse_integer(owner.substr(space + 1));
  const std::string host = at_host();
  const std::string who = without_pid(owner);
  const bool here = who.size() >= host.size() && who.ends_with(host);
  if (!pid || *pid <= 0 || !here) return OwnerLife::unknown;
  if (*pid == ::getpid()) return OwnerLife::this_one;
  if (::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH) return OwnerLife::gone;
  const Seen seen = look_at(static_cast<pid_t>(*pid));
  const bool younger = seen.age_ms && *seen.age_ms + slack_ms < owned_for_ms;
  return seen.zombie || younger ? OwnerLife::gone : OwnerLife::alive;
}

}  // namespace workflow::pods
