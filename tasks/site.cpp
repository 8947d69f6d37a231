#include "tasks/site.h"

#include <unistd.h>

#include <cstdlib>

#include "common/error.h"
#include "common/text.h"
#include "tasks/mounts.h"

namespace workflow::tasks {
namespace {

/// The agent asks no name service: a static program cannot. HOME is set by every login.
/// A loopback pod has its machine's disk in common with others: only its home is its own.
bool is_of_another_pod(const fs::path& home, const fs::path& path) {
  if (std::getenv("WORKFLOW_LOOPBACK_POD") == nullptr) return false;
  return path.lexically_relative(home).native().starts_with("..");
}

fs::path home_directory() {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    throw Error(Code::precondition, "HOME is not set on the target");
  }
  return home;
}

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

/// A path that is there and writable, or could be made in a directory that is.
bool usable(fs::path path) {
  if (fs::is_regular_file(path)) return ::access(path.c_str(), W_OK) == 0;
  while (!fs::exists(path) && path.has_relative_path()) path = path.parent_path();
  return fs::is_directory(path) && ::access(path.c_str(), W_OK) == 0;
}

}  // namespace

Site::Site(Files& files, const Clock& clock, const Json& args)
    : files_(files),
      clock_(clock),
      args_(args),
      settings_(member(args, "settings")),
      actor_(actor_from(member(args, "by"))),
      home_(home_directory()) {
  repo_ = path("OPS_REMOTE_REPO");
  outputs_ = first_usable(member(settings_, "OPS_REMOTE_OUTPUTS_DIR"));
  if (outputs_.empty()) bug("a request without an outputs directory");
  live_ = live_root_for(home_, outputs_);
  root_ = live_ ? live_->live : outputs_;
}

fs::path Site::expand(std::string text) const {
  if (text == "~" || text.rfind("~/", 0) == 0) text.replace(0, 1, home_.string());
  replace_all(text, "${OPS_REMOTE_OUTPUTS_DIR}", outputs_.string());
  replace_all(text, "${OPS_REMOTE_REPO}", repo_.string());
  return text;
}

fs::path Site::first_usable(const Json& candidates) const {
  if (candidates.is_string()) return expand(candidates.get<std::string>());
  fs::path found;
  // What exists already was chosen once: it stays chosen.
  for (const auto& candidate : candidates) {
    const fs::path path = expand(candidate.get<std::string>());
    if (is_of_another_pod(home_, path)) continue;
    if (fs::is_directory(live_root_at(home_, path).live)) return path;
    if (const auto mount = doubtful_mount(home_, path)) {  // whoever asks it may hang
      if (!mount->read_only) return path;
      continue;
    }
    if (fs::is_directory(path)) return path;
    if (found.empty() && usable(path)) found = path;
  }
  if (found.empty() && !candidates.empty()) found = expand(candidates.front().get<std::string>());
  return found;
}

fs::path Site::below(const fs::path& relative) const {
  require_no_symlink(root_, root_ / relative);
  return root_ / relative;
}

StateKeeper Site::keeper() const {
  fs::path state = path("WF_STATE_FILE");
  if (state.empty()) state = below("_control") / "workflow_state.json";
  const fs::path relative = state.lexically_relative(outputs_);
  if (live_ && !relative.empty() && *relative.begin() != "..") state = root_ / relative;
  return {files_, clock_, state, state.parent_path() / "workflow_log.jsonl"};
}

TaskStore Site::tasks() const { return {files_, clock_, root_ / "_tasks"}; }

TmuxPlace Site::tmux(const char* session_key) const {
  return {text("WF_TMUX_SOCKET"), text(session_key)};
}

std::string Site::text(std::string_view key) const { return text_at(settings_, key); }

bool Site::flag(std::string_view key) const { return truthy(text(key)); }

std::int64_t Site::number(std::string_view key, std::int64_t fallback) const {
  return parse_duration(text(key)).value_or(fallback);
}

fs::path Site::path(std::string_view key) const {
  const Json& value = member(settings_, key);
  if (value.is_array()) return first_usable(value);
  return value.is_string() ? expand(value.get<std::string>()) : fs::path();
}

void Site::keep_out_of_git() const {
  const fs::path root = outputs_.parent_path();
  if (doubtful_mount(home_, root)) return;
  if (root.filename() != ".workflow" || presence(root / ".gitignore") != Presence::absent) return;
  files_.make_dirs(root);
  files_.write(root / ".gitignore", "*\n", {.durable = false});
}

std::string Site::pod_id() const {
  const fs::path file = home_ / ".workflow" / "pod_id";
  const auto bytes = files_.read(file);
  if (!bytes) return {};
  std::string id(trim(*bytes));
  if (valid_id(id)) return id;
  throw Error(Code::precondition, "'" + file.string() + "' holds no id of a machine",
              "remove it: another id is made, and the target counts as another machine");
}

std::string Site::ensure_pod_id() const {
  keep_out_of_git();
  if (auto id = pod_id(); !id.empty()) return id;
  const fs::path dir = home_ / ".workflow";
  files_.make_dirs(dir);
  const fs::path mine = dir / (".pod_id." + random_hex(4));
  files_.write(mine, random_hex(16) + "\n");
  // Of several at once one wins, and all read what it wrote.
  std::error_code taken;
  fs::create_hard_link(mine, dir / "pod_id", taken);
  if (taken && presence(dir / "pod_id") != Presence::there) files_.rename(mine, dir / "pod_id");
  fs::remove(mine, taken);
  return pod_id();
}

}  // namespace workflow::tasks
