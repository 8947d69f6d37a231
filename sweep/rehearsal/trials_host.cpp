// What the machine around the GPUs is like: processors, memory, disk, shared memory, network.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

#include "common/curl_config.h"
#include "common/error.h"
#include "common/fd_io.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "sweep/rehearsal/trial.h"
#include "tasks/gpus.h"
#include "tasks/mounts.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t probe_bytes = 256LL << 20U;
constexpr std::int64_t probe_limit_ms = 10'000;  // a slow disk is measured by less
constexpr std::int64_t piece_bytes = 4LL << 20U;
constexpr double slow_mb_per_s = 50;
constexpr std::int64_t little_shm = 1LL << 30U;
constexpr std::int64_t few_inodes = 10'000;

std::string first_line(const char* file) {
  const UniqueFd fd = open_regular(file);
  std::string text;
  while (fd.valid() && append_read(fd.get(), 4096, text) > 0) {
  }
  return std::string(trim(text.substr(0, text.find('\n'))));
}

/// Processors that we may use: those that the kernel schedules us on, and no more than our cgroup
/// (v2 or v1) pays for.
double processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool told = ::sched_getaffinity(0, sizeof set, &set) == 0;
  double count = told ? CPU_COUNT(&set) : static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  const auto v2 = split(first_line("/sys/fs/cgroup/cpu.max"), ' ');
  std::optional<std::int64_t> quota = parse_integer(v2.front());
  std::optional<std::int64_t> period = parse_integer(v2.back());
  if (v2.size() != 2) {
    quota = parse_integer(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
    period = parse_integer(first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
  }
  if (quota && period && *quota > 0 && *period > 0) {
    count = std::min(count, static_cast<double>(*quota) / static_cast<double>(*period));
  }
  return count;
}

std::int64_t memory_bytes() {
  std::int64_t total = ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE);
  for (const char* file :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    if (const auto limit = parse_integer(first_line(file)); limit && *limit > 0) {
      total = std::min(total, *limit);
    }
  }
  return total;
}

/// A file of ours that goes with the object.
class Probe {
 public:
  explicit Probe(fs::path path)
      : path_(std::move(path)),
        fd_(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
    if (!fd_.valid()) throw_errno("cannot write '" + path_.string() + "'");
  }
  ~Probe() {
    ::unlink(path_.c_str());
    ::unlink(renamed().c_str());
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  [[nodiscard]] std::string renamed() const { return path_.string() + ".renamed"; }

  /// MB/s to the disk itself.
  double write(std::int64_t bytes) {
    // Not zeros: file systems compress.
    std::string piece(piece_bytes, '\0');
    std::uint64_t state = 0x9e3779b97f4a7c15U;
    for (char& c : piece) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      c = static_cast<char>(state >> 56U);
    }
    const std::int64_t begun = system_clock().steady_ms();
    while (written_ < bytes && system_clock().steady_ms() - begun < probe_limit_ms) {
      if (!write_all(fd_.get(), piece)) throw_errno("cannot write '" + path_.string() + "'");
      if (::fdatasync(fd_.get()) != 0) throw_errno("cannot flush '" + path_.string() + "'");
      written_ += piece_bytes;
    }
    return speed(begun);
  }

  /// MB/s from the disk, as far as the kernel lets go of what it has just written.
  double read() {
    ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    ::lseek(fd_.get(), 0, SEEK_SET);
    const std::int64_t begun = system_clock().steady_ms();
    std::int64_t total = 0;
    std::string piece;
    while (true) {
      piece.clear();
      const auto n = append_read(fd_.get(), piece_bytes, piece);
      if (n <= 0) break;
      total += n;
    }
    if (total != written_)
      throw_errno("'" + path_.string() + "' reads shorter than it was written");
    return speed(begun);
  }

  [[nodiscard]] bool rename() const { return ::rename(path_.c_str(), renamed().c_str()) == 0; }

 private:
  [[nodiscard]] double speed(std::int64_t begun) const {
    const auto ms = std::max<std::int64_t>(1, system_clock().steady_ms() - begun);
    return static_cast<double>(written_) / 1000.0 / static_cast<double>(ms);
  }

  fs::path path_;
  UniqueFd fd_;
  std::int64_t written_ = 0;
};

std::string per_second(double mb) { return human_bytes(mb * 1e6) + "/s"; }

void judge_space(Verdict& verdict, const std::optional<tasks::Space>& space) {
  if (!space) return;
  verdict.say(human_bytes(static_cast<double>(space->free_bytes)) + " free");
  if (space->free_inodes >= 0 && space->free_inodes < few_inodes) {
    verdict.worse(Outcome::warn, std::to_string(space->free_inodes) + " file names left",
                  "remove small files: the disk is full for new ones");
  }
}

}  // namespace

Trial host_trial(const TrialSite&) {
  const double count = processors();
  Verdict verdict;
  const auto tenths = static_cast<std::int64_t>(count * 10 + 0.5);
  const std::string part = tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10);
  verdict.say(std::to_string(tenths / 10) + part + " processors");
  verdict.say(human_bytes(static_cast<double>(memory_bytes())) + " of memory");
  const auto gpus = tasks::gpu_inventory().gpus.size();
  if (count < static_cast<double>(gpus)) {
    verdict.worse(Outcome::warn, "fewer processors than GPUs", "loading data will be the limit");
  }
  return verdict.trial();
}

Trial shm_trial(const TrialSite&) {
  const auto space = tasks::space_at("/dev/shm");
  if (!space) return {Outcome::warn, "there is no /dev/shm", "DataLoader's workers need it"};
  Verdict verdict;
  verdict.say("/dev/shm has " + human_bytes(static_cast<double>(space->total_bytes)));
  if (space->total_bytes < little_shm) {
    verdict.worse(Outcome::warn, "which is little",
                  "DataLoader's workers die of a bus error; start the container with --shm-size");
  }
  return verdict.trial();
}

Trial disk_trial(const TrialSite& at) {
  const fs::path dir = at.site.outputs();
  const auto space = tasks::space_at(dir);
  const std::int64_t room = space ? space->free_bytes / 20 : probe_bytes;
  if (room < piece_bytes) {
    return {Outcome::fail, dir.string() + " is full",
            "make room: workflow clean shows what may go"};
  }
  Verdict verdict;
  const auto mount = tasks::mount_of(dir);
  verdict.say(dir.string() + (mount ? " (" + mount->type + ")" : ""));
  try {
    at.site.files().make_dirs(dir);
    Probe probe(dir / (".rehearse-" + random_hex(4)));
    const double out = probe.write(std::min(probe_bytes, room));
    verdict.say("writes " + per_second(out) + ", reads " + per_second(probe.read()));
    if (out < slow_mb_per_s) {
      verdict.worse(Outcome::warn, "which is slow", "checkpoints will hold up the training");
    }
    if (!probe.rename()) {
      verdict.worse(Outcome::fail, "cannot rename", "set OPS_REMOTE_OUTPUTS_DIR to a real disk");
    }
  } catch (const Error& fault) {
    verdict.worse(Outcome::fail, fault.what(), "set OPS_REMOTE_OUTPUTS_DIR to another disk");
  }
  judge_space(verdict, space);
  return verdict.trial();
}

Trial network_trial(const TrialSite& at) {
  if (!at.wish.network) return {Outcome::skipped, "asked for by --network"};
  std::string url = "https://pypi.org/simple/";
  for (const char* name : {"HF_ENDPOINT", "PIP_INDEX_URL"}) {
    if (const char* set = std::getenv(name); set != nullptr && *set != '\0') url = set;
  }
  CaptureSpec spec;
  spec.argv = {"curl", "-q", "--config", "-"};
  spec.input = "silent\nshow-error\ngloboff\n" + curl_line("url", url) +
               curl_line("output", "/dev/null") + curl_line("max-time", "30") +
               curl_line("write-out", "%{http_code} %{time_total}");
  const Captured said = capture(spec);
  const auto words = split(trim(said.out), ' ');
  if (!said.ok() || words.size() != 2) {
    return {Outcome::fail, "no answer: " + std::string(trim(said.err)),
            "no package and no model can be loaded from here"};
  }
  // The address may hold a password; its host is enough.
  return {Outcome::ok, "answered " + words[0] + " in " + words[1] + " s"};
}

}  // namespace workflow::sweep
