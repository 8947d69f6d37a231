#include "client/request_args.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "client/repo_url.h"
#include "common/text.h"

namespace workflow::client {
namespace {

std::string user_name() {
  for (const char* key : {"USER", "LOGNAME"}) {
    if (const char* value = std::getenv(key); value != nullptr && *value != '\0') return value;
  }
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

/// Settings of the client alone; the target has no use for them.
bool for_target(const SettingRow& row) {
  return row.kind != Kind::path_here && row.family != Family::pod;
}

}  // namespace

std::string client_name() { return std::string("workflow ") + WORKFLOW_VERSION; }

Json request_args(const Settings& settings) {
  const bool local = settings.target() == "local";
  Json values = Json::object();
  for (const auto& row : setting_rows()) {
    if (!for_target(row)) continue;
    const std::string key(row.key);
    if (row.key == "WF_SECRETS") {  // names only; the values travel as blobs
      values[key] = join(settings.names(key), " ");
      continue;
    }
    if (row.key == "REPO_URL") {  // its login travels as a blob
      values[key] = split_login(settings.text(key)).url;
      continue;
    }
    if (row.kind != Kind::path_there) {
      values[key] = settings.text(key);
      continue;
    }
    const auto candidates = settings.candidates(key, local);
    if (candidates.size() > 1)
      values[key] = candidates;
    else
      values[key] = candidates.empty() ? std::string() : candidates.front();
  }
  return {{"settings", std::move(values)},
          {"by",
           {{"user", user_name()},
            {"host", host_name()},
            {"pid", ::getpid()},
            {"client", client_name()}}}};
}

}  // namespace workflow::client
