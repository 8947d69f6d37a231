#pragma once

#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"
#include "tasks/keeper.h"
#include "tasks/live_root.h"
#include "tasks/store.h"
#include "tasks/window.h"

// Where a workflow lives on this target, and the settings it was called with.
namespace workflow::tasks {

class Site {
 public:
  /// From a request's `settings` (key: text, or a list of which the first usable is taken) and
  /// `by`. Paths that begin with `~/` are of the home directory here.
  Site(Files& files, const Clock& clock, const Json& args);

  /// The durable directory, as the user set it. What lies there may hang where `live()` is set.
  [[nodiscard]] const fs::path& outputs() const { return outputs_; }
  /// Where records are: the outputs directory, or the live root.
  [[nodiscard]] const fs::path& root() const { return root_; }
  /// Set where the outputs directory cannot hold records.
  [[nodiscard]] const std::optional<LiveRoot>& live() const { return live_; }
  [[nodiscard]] const fs::path& repo() const { return repo_; }
  /// A directory of records; Error(precondition) where it or one above it is a symlink.
  [[nodiscard]] fs::path below(const fs::path& relative) const;
  [[nodiscard]] fs::path run_dir(const std::string& run_id) const { return below(run_id); }
  [[nodiscard]] fs::path campaign_dir(const std::string& id) const {
    return below(fs::path("_campaigns") / id);
  }
  [[nodiscard]] StateKeeper keeper() const;
  [[nodiscard]] TaskStore tasks() const;
  [[nodiscard]] TmuxPlace tmux(const char* session_key) const;
  [[nodiscard]] const Actor& actor() const { return actor_; }

  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key) const;
  [[nodiscard]] std::int64_t number(std::string_view key, std::int64_t fallback = 0) const;
  /// A path setting with `~/` and ${KEY} of the two roots filled in; empty when unset.
  [[nodiscard]] fs::path path(std::string_view key) const;
  /// A path of a user: `~/` and ${KEY} of the two roots filled in.
  [[nodiscard]] fs::path expand(std::string text) const;
  /// The whole of it, to hand on to a process that will build the same Site.
  [[nodiscard]] const Json& args() const { return args_; }

  /// The random id of this machine's home (`~/.workflow/pod_id`); empty when there is none yet.
  [[nodiscard]] std::string pod_id() const;
  /// The same, made on first contact.
  std::string ensure_pod_id() const;

  [[nodiscard]] Files& files() const { return files_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  /// `.workflow` beside a user's work must not show in that work's git status.
  void keep_out_of_git() const;
  [[nodiscard]] fs::path first_usable(const Json& candidates) const;

  Files& files_;
  const Clock& clock_;
  Json args_;
  Json settings_;
  Actor actor_;
  fs::path home_;
  fs::path repo_;
  fs::path outputs_;
  std::optional<LiveRoot> live_;
  fs::path root_;
};

}  // namespace workflow::tasks
