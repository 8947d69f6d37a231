#include "tasks/doctor.h"

#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "tasks/copy_process.h"
#include "tasks/doctor_gpus.h"
#include "tasks/free_space.h"
#include "tasks/mirror.h"
#include "tasks/mounts.h"

namespace workflow::tasks {
namespace {

using State = Finding::State;

constexpr std::int64_t little_room = 2LL << 30U;
constexpr std::int64_t few_inodes = 10'000;
constexpr std::int64_t slow_write_ms = 500;
constexpr std::int64_t probe_limit_ms = 5'000;

std::optional<std::string> says(const std::vector<std::string>& argv,
                                std::int64_t limit_ms = 20'000) {
  CaptureSpec spec;
  spec.argv = argv;
  spec.limit_ms = limit_ms;
  const Captured answer = capture(spec);
  if (!answer.ok()) return std::nullopt;
  return std::string(trim(answer.out.empty() ? answer.err : answer.out));
}

/// How long a record takes to be safe on the disk; nothing where the directory is not there yet.
std::optional<std::int64_t> durable_write_ms(const fs::path& dir) {
  if (!fs::is_directory(dir)) return std::nullopt;
  const fs::path probe = dir / (".doctor-" + random_hex(4));
  const std::int64_t before = system_clock().steady_ms();
  real_files().write(probe, "probe\n");
  const std::int64_t took = system_clock().steady_ms() - before;
  std::error_code ignored;
  fs::remove(probe, ignored);
  return took;
}

std::string room_text(const Space& space) {
  return human_bytes(static_cast<double>(space.free_bytes)) + " of " +
         human_bytes(static_cast<double>(space.total_bytes)) + " free";
}

Finding look_at_root(const std::string& check, const fs::path& path, bool records) {
  Finding found{check, State::ok, path.string()};
  const auto mount = mount_of(path);
  if (mount) found.text += ": " + mount->type;
  const auto worse = [&](State state, const std::string& text, const std::string& hint) {
    found.text += ", " + text;
    if (found.state == State::fail || (found.state == State::warn && state == State::warn)) return;
    found.state = state;
    found.hint = hint;
  };
  if (const auto space = space_at(path)) {
    found.text += ", " + room_text(*space);
    if (space->free_bytes < little_room) {
      worse(State::warn, "which is little", "make room, or choose another disk");
    }
    if (space->free_inodes >= 0 && space->free_inodes < few_inodes) {
      worse(State::warn, std::to_string(space->free_inodes) + " file names left",
            "remove small files: the disk is full for new ones");
    }
  }
  if (mount && mount->read_only) worse(State::fail, "read-only", "mount it for writing");
  if (::access(nearest_existing(path).c_str(), W_OK) != 0) {
    worse(State::fail, "not writable for you", "change its owner, or set another directory");
  } else if (records) {
    if (mount && mount->is_fuse()) {
      worse(State::warn, "where rename and lock cannot be relied on",
            "set OPS_REMOTE_OUTPUTS_DIR to a real disk");
    }
    try {
      const auto took = durable_write_ms(path);
      if (took) found.text += ", a durable write takes " + std::to_string(*took) + " ms";
      if (took.value_or(0) > slow_write_ms) worse(State::warn, "which is slow", "a busy disk?");
    } catch (const Error& fault) {
      worse(State::fail, fault.what(), "a full disk or a quota");
    }
  }
  return found;
}

/// A file system that may hang is asked by a process that we give up on.
Finding look_at_doubtful(const std::string& check, const fs::path& path, const Mount& mount) {
  Finding found{check, State::ok, path.string() + ": " + mount.type};
  CopyProcess probe({"copy", "probe", path.string(), "write"});
  const auto said = probe.wait(probe_limit_ms, probe_limit_ms);
  if (!said) {
    probe.end();
    found = {check, State::fail, found.text + ", does not answer", "mount it anew"};
  } else if (said->contains("error")) {
    found = {check, State::fail, found.text + ", " + text_at(*said, "what"),
             "is it mounted well, and yours to write?"};
  } else {
    found.text += ", a small file takes " + std::to_string(number_at(*said, "write_ms")) + " ms";
  }
  return found;
}

Finding look_at_mirror(const Site& site) {
  const Json mirror = mirror_state(site.files(), site.clock(), *site.live());
  Finding found{"mirror", State::ok, "never written yet"};
  if (member(mirror, "age_secs").is_number()) {
    found.text = human_duration(number_at(mirror, "age_secs")) + " old";
  }
  if (const std::string since = text_at(mirror, "behind_since"); !since.empty()) {
    found = {"mirror", State::warn, found.text + ", behind since " + since,
             "a new pod would know no more than the mirror"};
  }
  return found;
}

/// No run starts below the floor; said where it is so.
void look_at_floor(const Site& site, const fs::path& path, Finding& found) {
  const auto little = below_floor(path, space_floor(site));
  if (!little) return;
  found.text += "; no run starts: " + *little;
  found.hint = "make room: workflow clean shows what may go; MIN_FREE_SPACE sets the floor";
  found.state = State::fail;
}

/// Where records lie: the outputs directory, or a root of their own with a mirror there.
std::vector<Finding> look_at_outputs(const Site& site) {
  Finding records = look_at_root(site.live() ? "records" : "outputs", site.root(), true);
  look_at_floor(site, site.root(), records);
  if (!site.live()) return {records};
  const auto mount = mount_of(site.outputs());
  return {look_at_doubtful("outputs", site.outputs(), mount.value_or(Mount{})), records,
          look_at_mirror(site)};
}

Finding look_at_data(const fs::path& path) {
  const auto mount = mount_of(path);
  if (mount && mount->is_fuse()) return look_at_doubtful("data", path, *mount);
  return look_at_root("data", path, false);
}

Finding look_at_tool(const std::string& tool, const std::string& flag, State without,
                     const std::string& hint) {
  if (const auto version = says({tool, flag})) return {tool, State::ok, *version};
  return {tool, without, "not there", hint};
}

Finding look_at_python(const std::string& python) {
  const auto version = says({python, "-c", "import sys, venv; print(sys.version.split()[0])"});
  if (version) return {"python", State::ok, python + " " + *version};
  return {"python", State::fail, "'" + python + "' does not run, or lacks the module venv",
          "install python3 and python3-venv, or set REMOTE_PYTHON_BIN"};
}

Finding look_at_torch(const std::string& python, bool required) {
  const char* const program =
      "import torch\n"
      "n = torch.cuda.device_count() if torch.cuda.is_available() else 0\n"
      "print(torch.__version__, n, torch.version.cuda)";
  const State without = required ? State::fail : State::ok;
  const auto answer = says({python, "-c", program}, 60'000);
  if (!answer) {
    return {"torch", without,
            "cannot be imported by " + python + (required ? "" : ", and is not needed"),
            required ? "use an image with torch, or set REMOTE_PYTHON_BIN to the python that has it"
                     : ""};
  }
  const auto words = split(*answer, ' ');
  const bool sees_gpu = words.size() > 1 && words[1] != "0";
  const std::string text =
      words[0] + (sees_gpu ? ", sees " + words[1] + " GPUs, CUDA " + words[2] : ", sees no GPU");
  if (sees_gpu) return {"torch", State::ok, text};
  return {"torch", without, text,
          required ? "driver and torch's CUDA must fit; REQUIRE_GPU_TORCH=0 goes without" : ""};
}

}  // namespace

const char* name(Finding::State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::warn:
      return "warn";
    case State::fail:
      return "fail";
  }
  bug("no such state");
}

std::string python_of(const Site& site) {
  const fs::path venv = site.repo() / ".venv/bin/python";
  if (::access(venv.c_str(), X_OK) == 0) return venv.string();
  const std::string set = site.text("REMOTE_PYTHON_BIN");
  return set.empty() ? "python3" : set;
}

std::vector<Finding> examine(const Site& site) {
  const bool gpu = site.flag("REQUIRE_GPU_TORCH");
  const std::string python = python_of(site);
  std::vector<Finding> found = look_at_outputs(site);
  found.push_back(look_at_root("working copy", site.repo(), false));
  if (const fs::path data = site.path("DATA_DIR"); !data.empty()) {
    found.push_back(look_at_data(data));
  }
  found.push_back(look_at_tool("git", "--version", State::fail,
                               "install git, or AUTO_INSTALL_PREREQS=1 and workflow bootstrap"));
  found.push_back(look_at_tool("tmux", "-V", State::warn,
                               "tasks run without it; windows to watch them need it"));
  found.push_back(look_at_python(python));
  found.push_back(look_at_gpus(site, gpu));
  found.push_back(look_at_torch(python, gpu));
  return found;
}

}  // namespace workflow::tasks
