#pragma once

#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "common/json.h"
#include "sweep/kernel_word.h"

// What Linux itself has recorded while a run went on: its log (where we may read it) and the OOM
// counters of the run's own cgroup (v2 and v1). Quiet where nothing can be read.
namespace workflow::sweep {

/// Where the kernel speaks; a test hands in recorded files.
struct KernelSources {
  fs::path log = "/dev/kmsg";
  fs::path cgroups = "/proc/self/cgroup";  ///< of a process in the run's cgroup
  fs::path cgroup_root = "/sys/fs/cgroup";
};

/// Where the log ends and the counters stand, taken when a run starts; kept in its spec.
[[nodiscard]] Json evidence_before(const KernelSources& sources = {});

/// What has come since: the log's words in order, then one of the cgroup when its OOM killer has
/// struck. Nothing when `before` is of an earlier boot.
[[nodiscard]] std::vector<KernelWord> evidence_after(const Json& before, const Clock& clock,
                                                     const KernelSources& sources = {});

}  // namespace workflow::sweep
