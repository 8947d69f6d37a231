#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "sweep/kernel_evidence.h"

using namespace workflow;
using namespace workflow::sweep;

namespace {

using Kind = KernelWord::Kind;

/// A machine's kernel log and cgroups as files.
class FakeKernel {
 public:
  FakeKernel() {
    std::string name = (fs::temp_directory_path() / "kernel-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~FakeKernel() { fs::remove_all(root_); }
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  void write(const fs::path& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  [[nodiscard]] KernelSources sources() const {
    return {root_ / "kmsg", root_ / "proc-cgroup", root_ / "cgroup"};
  }
  [[nodiscard]] std::vector<std::string> after(const Json& before) const {
    std::vector<std::string> texts;
    for (const auto& word : evidence_after(before, system_clock(), sources())) {
      texts.push_back(word.text);
    }
    return texts;
  }

 private:
  fs::path root_;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("lines of the kernel's log as machines have written them") {
  struct Line {
    const char* text;
    Kind kind;
    std::int64_t pid;
    const char* told;
  };
  const Line lines[] = {
      {"Out of memory: Killed process 4711 (python3) total-vm:81234kB, anon-rss:7kB, UID:0 "
       "pgtables:4kB oom_score_adj:0",
       Kind::oom, 4711, "kernel: Out of memory: Killed process 4711 (python3)"},
      {"Memory cgroup out of memory: Killed process 31 (pt_data_worker) total-vm:1kB", Kind::oom,
       31, "kernel: Memory cgroup out of memory: Killed process 31 (pt_data_worker)"},
      {"Out of memory: Kill process 8 (python) score 912 or sacrifice child", Kind::oom, 8,
       "kernel: Out of memory: Kill process 8 (python)"},
      {"NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the "
       "bus.",
       Kind::xid, 0,
       "kernel: NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen "
       "off the bus."},
      {"NVRM: Xid (PCI:0000:81:00): 31, pid=3220, name=python, Ch 00000008, intr 00000000. MMU "
       "Fault: ENGINE GRAPHICS",
       Kind::xid, 3220,
       "kernel: NVRM: Xid (PCI:0000:81:00): 31, pid=3220, name=python, Ch 00000008, intr "
       "00000000. MMU Fault: ENGINE GRAPHICS"},
      {"NVRM: Xid (PCI:0000:02:00): 48, Ch 00000010, DBE", Kind::xid, 0,
       "kernel: NVRM: Xid (PCI:0000:02:00): 48, Ch 00000010, DBE"},
      {"python[991]: segfault at 8 ip 00007f01 sp 00007ffd error 4 in libtorch_cuda.so[7f00]",
       Kind::crash, 991,
       "kernel: python[991]: segfault at 8 ip 00007f01 sp 00007ffd error 4 in "
       "libtorch_cuda.so[7f00]"},
      {"traps: pt_main_thread[55] general protection fault ip:7f sp:7f error:0 in libc.so.6[7f]",
       Kind::crash, 55,
       "kernel: traps: pt_main_thread[55] general protection fault ip:7f sp:7f error:0 in "
       "libc.so.6[7f]"},
      {"traps: python[56] trap invalid opcode ip:7f sp:7f error:0 in _C.so[7f]", Kind::crash, 56,
       "kernel: traps: python[56] trap invalid opcode ip:7f sp:7f error:0 in _C.so[7f]"}};
  for (const auto& line : lines) {
    INFO(line.text);
    const auto word = kernel_word(line.text);
    REQUIRE(word);
    CHECK(word->kind == line.kind);
    CHECK(word->pid == line.pid);
    CHECK(word->text == line.told);
  }
  for (const char* innocent :
       {"oom_reaper: reaped process 4711 (python3), now anon-rss:0kB", "eth0: link up",
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.54.15", "", "Out of memory",
        "python invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE)"}) {
    INFO(innocent);
    CHECK_FALSE(kernel_word(innocent));
  }
}

TEST_CASE("records of /dev/kmsg are told from lines that go on") {
  const auto record = kernel_record("4,1234,5678901,-,caller=T1;text; with a semicolon");
  REQUIRE(record);
  CHECK(record->sequence == 1234);
  CHECK(record->since_boot_us == 5678901);
  CHECK(record->text == "text; with a semicolon");
  for (const char* none : {" SUBSYSTEM=pci", "", "x", "6,1,2", "6,a,2,-;x", "6,1;x"}) {
    INFO(none);
    CHECK_FALSE(kernel_record(none));
  }
}

TEST_CASE("only what the kernel says after a run's start is evidence") {
  const FakeKernel kernel;
  const std::string old = "3,10,5,-;Out of memory: Killed process 1 (old)\n SUBSYSTEM=x\n";
  kernel.write("kmsg", old);
  Json before = evidence_before(kernel.sources());
  CHECK(kernel.after(before).empty());
  kernel.write("kmsg", old + "3,11,6,-;eth0: up\n3,12,7,-;Out of memory: Killed process 2 (new)\n");
  CHECK(kernel.after(before) == Texts{"kernel: Out of memory: Killed process 2 (new)"});
  // Kept in a record and read back, and of another boot, and never taken at all.
  before = parse_json(dump_json(before), "spec.json");
  CHECK(kernel.after(before).size() == 1);
  before["since_boot_us"] = INT64_MAX;
  CHECK(kernel.after(before).empty());
  CHECK(kernel.after(Json()).empty());
}

TEST_CASE("the counters of a cgroup tell of an OOM kill, of version 2 and of version 1") {
  const FakeKernel kernel;
  const auto events = [](int kills) {
    return "low 0\nhigh 0\nmax 71\noom 1\noom_kill " + std::to_string(kills) +
           "\noom_group_kill 0\n";
  };
  SECTION("version 2") {
    kernel.write("proc-cgroup", "0::/pods/a\n");
    kernel.write("cgroup/pods/a/memory.events", events(2));
    const Json before = evidence_before(kernel.sources());
    CHECK(kernel.after(before).empty());
    kernel.write("cgroup/pods/a/memory.events", events(3));
    const Texts told = kernel.after(before);
    REQUIRE(told.size() == 1);
    CHECK(told[0].starts_with("cgroup: oom_kill grew by 1 in '"));
    CHECK(told[0].ends_with("/cgroup/pods/a/memory.events'"));
  }
  SECTION("version 2 in a container that sees its own part only") {
    kernel.write("proc-cgroup", "0::/kubepods/x/y\n");
    kernel.write("cgroup/memory.events", events(0));
    const Json before = evidence_before(kernel.sources());
    kernel.write("cgroup/memory.events", events(1));
    CHECK(kernel.after(before).size() == 1);
  }
  SECTION("version 1") {
    kernel.write("proc-cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n1:name=systemd:/\n");
    const std::string head = "oom_kill_disable 0\nunder_oom 0\noom_kill ";
    kernel.write("cgroup/memory/a/memory.oom_control", head + "0\n");
    kernel.write("cgroup/memory/a/memory.failcnt", "0\n");
    const Json before = evidence_before(kernel.sources());
    kernel.write("cgroup/memory/a/memory.failcnt", "9000\n");
    CHECK(kernel.after(before).empty());  // its page cache was reclaimed, that is all
    kernel.write("cgroup/memory/a/memory.oom_control", head + "2\n");
    const Texts told = kernel.after(before);
    REQUIRE(told.size() == 1);
    CHECK(told[0].starts_with("cgroup: oom_kill grew by 2 in '"));
  }
}

TEST_CASE("a machine that shows nothing is quiet") {
  const FakeKernel kernel;
  const Json before = evidence_before(kernel.sources());
  CHECK(kernel.after(before).empty());
  // This machine, whatever it lets us read.
  CHECK_NOTHROW(evidence_after(evidence_before(), system_clock()));
}
