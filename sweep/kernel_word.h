#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What a line of the kernel's log says of a process. Pure.
namespace workflow::sweep {

/// One thing that the kernel, or the counters of a cgroup, say happened.
struct KernelWord {
  enum class Kind { oom, xid, crash };
  Kind kind = Kind::oom;
  std::string text{};      ///< "kernel: Out of memory: Killed process 123 (python)"
  std::int64_t pid = 0;    ///< of whom; 0: it names nobody
  std::int64_t at_ms = 0;  ///< wall clock, to some minutes after long uptimes; 0: unknown
};

/// A record of /dev/kmsg as it is read there: `6,1234,5678901,-;text`.
struct KernelRecord {
  std::int64_t sequence = 0;
  std::int64_t since_boot_us = 0;
  std::string_view text;
};
/// Nothing for what is no record: a line that goes on with the one before.
[[nodiscard]] std::optional<KernelRecord> kernel_record(std::string_view line);

/// What a record's text says of the end of a process: the OOM killer, an Xid of NVIDIA's driver, a
/// crash; nothing for all others.
[[nodiscard]] std::optional<KernelWord> kernel_word(std::string_view text);

}  // namespace workflow::sweep
