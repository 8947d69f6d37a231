#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "tasks/process.h"

// Who has which GPU of this machine, among all its users and outputs directories: one directory,
// one file a lease (workflow.gpu-lease/1). A lease holds while one of the processes that it names
// lives, or its task does by its status.json; what cannot be known (another container, another
// host on a shared /var/tmp) holds too. Nothing has to be renewed.
namespace workflow::tasks {

/// A GPU as a sum of parts: `gpu_whole / k` of them are 1/k, for every k to 64.
inline constexpr std::int64_t gpu_whole = 5040;

/// For whom GPUs are held.
struct GpuHolder {
  fs::path dir;         ///< the task's or run's directory: at most one lease has it
  std::string id;       ///< its id, for people
  std::string user{};   ///< who started it, for people: `ana@laptop`
  std::string owner{};  ///< a word for all that belongs together: a campaign's id
  std::vector<ProcessRef> processes{};  ///< empty: the calling process
};

/// A GPU that a lease holds.
struct HeldGpu {
  std::string gpu;
  std::int64_t share = 1;  ///< 1/share of it
  std::string holder;      ///< for people: `'lr3-s1' of ana@laptop (pid 4711) since …`
  Liveness alive = Liveness::unknown;  ///< `alive`, or `unknown`: then it holds as well
  fs::path file{};                     ///< the lease
};

class GpuLeases {
 public:
  /// `dir` empty: the machine's own, `/var/tmp/workflow-gpus` or, where /var/tmp is not there for
  /// everybody, `/tmp/workflow-gpus`.
  explicit GpuLeases(fs::path dir = {}, const Clock& clock = system_clock());

  [[nodiscard]] const fs::path& dir() const { return dir_; }

  /// Takes 1/`share` of every one of `gpus` for the holder, or of none: then says who is in the
  /// way; empty when they were taken. What the holder's directory had before is replaced, and does
  /// not stand in its way. Error(busy) when another process keeps the lock for five seconds,
  /// Error(precondition) when the directory is not one that all users can share.
  [[nodiscard]] std::vector<HeldGpu> take(const std::vector<std::string>& gpus, std::int64_t share,
                                          const GpuHolder& holder);
  /// The task of `dir` runs now: its lease, if it has one, goes by these processes. Does nothing
  /// where it cannot: then the task's status.json is asked.
  void runs_as(const fs::path& dir, const std::vector<ProcessRef>& processes);
  /// The task of `dir` needs its GPUs no more. Never fails: what is left is found dead later.
  void release(const fs::path& dir);
  /// What is held now by leases of other owners than `owner` (empty: by all). Removes leases that
  /// are proven dead and may be removed.
  [[nodiscard]] std::vector<HeldGpu> held_by_others(const std::string& owner);

 private:
  struct Lease;
  [[nodiscard]] fs::path file_of(const fs::path& task) const;
  [[nodiscard]] std::vector<Lease> living(bool locked) const;

  fs::path dir_;
  const Clock& clock_;
};

}  // namespace workflow::tasks
