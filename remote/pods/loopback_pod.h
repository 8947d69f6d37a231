#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"
#include "tasks/process.h"

// A loopback pod: an sshd of its own on this machine, and an init process that ends everything that
// was ever started in it. Its entry is XDG_STATE_HOME/workflow/loopback/ID: pod.json, keys, log.
namespace workflow::pods {

/// pod.json (workflow.loopback-pod/1).
struct LoopbackPod {
  std::string id;
  std::string name;
  std::int64_t port = 0;  ///< 0 until its sshd listens
  std::string created_at;
  std::string ends_at{};  ///< RFC 3339; empty: never by itself
  bool ending = false;
  fs::path root;  ///< HOME and temporary files of the pod
  tasks::ProcessRef init{};
  tasks::Place place{};

  [[nodiscard]] fs::path entry() const;
  [[nodiscard]] fs::path log() const { return entry() / "log"; }
  /// The variable that everything started in the pod carries.
  [[nodiscard]] std::string mark() const { return "WORKFLOW_LOOPBACK_POD=" + id; }
};

/// Where all entries are, and one of them.
[[nodiscard]] fs::path loopback_entries();
[[nodiscard]] fs::path loopback_entry(const std::string& id);

/// Nothing when there is no such pod. Error(precondition) for a record that cannot be read.
[[nodiscard]] std::optional<LoopbackPod> read_loopback_pod(const std::string& id);
void write_loopback_pod(const LoopbackPod& pod);
/// Changes the record under its lock; nothing when there is no such pod any more.
std::optional<LoopbackPod> change_loopback_pod(const std::string& id,
                                               const std::function<void(LoopbackPod&)>& change);

/// What was started in the pod and still lives, its init and this process left out: by the variable
/// and, as sshd overwrites its environment, by its stderr.
[[nodiscard]] std::vector<tasks::ProcessRef> inhabitants(const LoopbackPod& pod);

/// Removes the pod's files; false when some of them stay.
bool remove_loopback_files(const LoopbackPod& pod);

/// Removes an entry without a record that is ten minutes old: whoever made it was killed.
void forget_unfinished(const std::string& id);

/// A pod's root: below its entry, or in TMPDIR where that path is too long for the sockets in it.
[[nodiscard]] fs::path loopback_root(const std::string& id);

/// Makes a pod's root, its keys and what its sshd needs.
void make_loopback_files(LoopbackPod& pod, const std::string& public_key);

/// Writes the pod's sshd_config for its port; its path.
[[nodiscard]] fs::path write_sshd_config(const LoopbackPod& pod);

}  // namespace workflow::pods
