#include "client/job_spec.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>

#include "client/env_value.h"
#include "client/session.h"
#include "common/clock.h"
#include "common/remote_path.h"
#include "common/text.h"

namespace workflow::client {
namespace {

std::string message_of(const std::function<void()>& check) {
  try {
    check();
    return {};
  } catch (const Error& fault) {
    return fault.what();
  }
}

/// Whether text ends in `:PORT`.
bool has_port(const std::string& text) {
  const auto colon = text.rfind(':');
  return colon != std::string::npos && parse_integer(text.substr(colon + 1)).value_or(0) > 0;
}

std::string ssh_target(const std::string& ssh) {
  if (ssh.starts_with("ssh:")) return ssh;
  return (has_port(ssh) ? "ssh://" : "ssh:") + ssh;
}

void check_place(const JobSpec& spec, const std::function<void(std::string)>& fault) {
  const int places = static_cast<int>(!spec.target.empty()) + static_cast<int>(!spec.ssh.empty()) +
                     static_cast<int>(!spec.node.empty()) +
                     static_cast<int>(spec.provision.has_value());
  if (places != 1) {
    fault(std::string(places == 0 ? "no machine is named" : "more than one machine is named") +
          ": give exactly one of --ssh, --node, --provision, --target");
  }
  if (!spec.node.empty() && spec.node.find(':') == std::string::npos) {
    fault("--node '" + spec.node + "' is not PROVIDER:ID");
  }
  if (spec.provision) return;
  if (spec.max_secs || spec.max_cost || !spec.image.empty()) {
    fault("--max-hours, --max-cost and --image are of a machine that is rented");
  }
}

void check_words(const JobSpec& spec, const std::function<void(std::string)>& fault) {
  if (spec.command.empty() == spec.argv.empty()) {
    fault(spec.argv.empty() ? "what to run is missing: --command 'TEXT for bash', or -- PROGRAM …"
                            : "--command and words behind -- do not go together");
  }
  for (const auto& name : spec.secrets) {
    const std::string shown = name.substr(0, name.find('='));  // behind it stands the secret
    if (shown != name) {
      fault("--secret takes the name of a variable, not its value: --secret " + shown);
    } else if (!valid_env_name(name) || std::getenv(name.c_str()) == nullptr) {
      fault("--secret '" + name + "' is no variable that is set: export it first");
    }
  }
  for (const auto& entry : spec.env) {
    const auto equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos) fault("--env '" + entry + "' is not K=V");
  }
  if (!spec.id.empty() && !valid_id(spec.id)) {
    fault("job id '" + spec.id + "' is not of the form [A-Za-z0-9][A-Za-z0-9._-]{0,127}");
  }
  std::set<std::string> names;
  for (const auto& step : spec.bootstrap) {
    if (!valid_id(step.name) || step.name.size() > 64) {
      fault("bootstrap step '" + step.name + "' is not named with letters, digits, '.', '_', '-'");
    }
    if (!names.insert(step.name).second)
      fault("two bootstrap steps are called '" + step.name + "'");
    if (trim(step.run).empty()) fault("bootstrap step '" + step.name + "' has no command");
  }
}

void check_paths(const JobSpec& spec, const std::function<void(std::string)>& fault) {
  const auto path = [&](const std::string& text, const char* what) {
    if (auto said = message_of([&] { (void)remote_path(text, what); }); !said.empty()) fault(said);
  };
  path(spec.workspace, "--workspace");
  path(spec.working_dir, "--working-dir");
  if (spec.working_dir.starts_with('/') || spec.working_dir.starts_with('~')) {
    fault("--working-dir '" + spec.working_dir + "' is not below the workspace");
  }
  if (!spec.cache_dir.empty()) path(spec.cache_dir, "--cache-dir");
  for (const auto& wanted : spec.downloads) path(wanted.remote, "--download");
  if (!spec.bootstrap_inputs.empty() && !spec.push) {
    fault("--bootstrap-inputs is about shipped files, and --no-push ships none");
  }
}

}  // namespace

JobStep parse_step(const std::string& text, std::size_t number) {
  const auto equals = text.find('=');
  const std::string name = text.substr(0, equals == std::string::npos ? 0 : equals);
  if (valid_id(name)) return {name, text.substr(equals + 1)};
  return {"step-" + std::to_string(number), text};
}

JobDownload parse_download(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos || colon + 1 == text.size()) {
    throw Error(Code::usage, "--download '" + text + "' is not REMOTE:LOCAL",
                "--download results:./results");
  }
  const std::string asked = text.substr(0, colon);
  std::string remote = remote_path(asked, "--download");
  if (asked.ends_with('/') && remote != "/") remote += '/';
  return {std::move(remote), text.substr(colon + 1)};
}

void check(const JobSpec& spec) {
  std::vector<Fault> faults;
  const auto fault = [&](std::string text) { faults.push_back({"", 0, 0, std::move(text)}); };
  check_place(spec, fault);
  check_words(spec, fault);
  check_paths(spec, fault);
  if (faults.empty()) return;
  throw faults_error(
      faults, counted(static_cast<std::int64_t>(faults.size()), "fault") + ", nothing was done");
}

std::string target_of(const JobSpec& spec) {
  if (!spec.ssh.empty()) return ssh_target(spec.ssh);
  return spec.node.empty() ? spec.target : spec.node;
}

Settings job_settings(const Settings& settings, const std::string& target,
                      const std::vector<std::string>& secrets) {
  std::vector<std::string> names = settings.names("WF_SECRETS");
  for (const auto& name : secrets) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return settings.with("WF_TARGET", target).with("WF_SECRETS", join(names, " "));
}

std::string new_job_id(const JobSpec& spec) {
  const std::string program = spec.argv.empty() ? spec.command : spec.argv[0];
  std::string word(trim(program));
  word = word.substr(0, word.find_first_of(" \t\n;|&"));
  word = word.substr(word.rfind('/') + 1).substr(0, 40);
  if (!valid_id(word)) word = "job";
  return word + "-" + utc_stamp(system_clock().now_ms()) + "-" + random_hex(3);
}

}  // namespace workflow::client
