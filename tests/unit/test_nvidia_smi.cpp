// What nvidia-smi prints, as it prints it, and what is made of it.
#include "tasks/nvidia_smi.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/error.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::tasks;
using workflow::test::FakeGpus;
using workflow::test::Scratch;
using Names = std::vector<std::string>;

namespace {

Names ids(const std::vector<Gpu>& gpus) {
  Names out;
  for (const auto& gpu : gpus) out.push_back(gpu.id);
  return out;
}

/// A machine with fake GPUs for this process; its own PATH and CUDA_VISIBLE_DEVICES come back.
class Machine {
 public:
  explicit Machine(int count) : gpus(scratch / "bin", count) {
    ::setenv("PATH", gpus.path_entry().substr(5).c_str(), 1);
    ::unsetenv("CUDA_VISIBLE_DEVICES");
  }
  ~Machine() {
    ::setenv("PATH", path_.c_str(), 1);
    ::unsetenv("CUDA_VISIBLE_DEVICES");
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  static GpuInventory with(const char* visible) {
    ::setenv("CUDA_VISIBLE_DEVICES", visible, 1);
    return gpu_inventory();
  }

 private:
  std::string path_ = std::getenv("PATH");
  Scratch scratch;

 public:
  FakeGpus gpus;
};

}  // namespace

TEST_CASE("the listing names GPUs by UUID") {
  const auto found = nvidia_smi::read_listing(
      "GPU 0: NVIDIA H200 (UUID: GPU-ea1b8ad1-5d26-d6a1-6f37-1a0c2b3d4e5f)\n"
      "GPU 10: Tesla V100-SXM2-16GB (UUID: GPU-3c)\n");
  REQUIRE(found.gpus.size() == 2);
  CHECK(found.gpus[0].id == "GPU-ea1b8ad1-5d26-d6a1-6f37-1a0c2b3d4e5f");
  CHECK(found.gpus[0].name == "NVIDIA H200");
  CHECK(found.gpus[1].index == 10);
  CHECK(nvidia_smi::read_listing("No devices were found\n").gpus.empty());
  CHECK(nvidia_smi::read_listing("GPU x: strange\nGPU\nGPU 1\n").gpus.empty());
}

TEST_CASE("a divided GPU stands for its parts") {
  const auto found = nvidia_smi::read_listing(
      "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6)\n"
      "  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)\n"
      "  MIG 1g.5gb      Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)\n"
      "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-7e)\n");
  CHECK(ids(found.gpus) == Names{"MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",
                                 "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb", "GPU-7e"});
  CHECK(found.gpus[0].parent == "GPU-5d5ba0d6");
  CHECK(found.gpus[0].memory_mib == 20 * 1024);
  CHECK(found.gpus[1].name == "NVIDIA A100-SXM4-40GB MIG 1g.5gb");
  CHECK(found.gpus[2].parent.empty());
}

TEST_CASE("a GPU that does not answer is left out and named, the others stay") {
  auto found = nvidia_smi::read_listing(
      "GPU 0: NVIDIA A100 (UUID: GPU-0a)\n"
      "Unable to determine the device handle for GPU0000:8A:00.0: GPU is lost.  Reboot the system "
      "to recover this GPU\n"
      "GPU 2: NVIDIA A100 (UUID: GPU-2c)\nGPU 3: NVIDIA A100 (UUID: GPU-3d)\n");
  CHECK(ids(found.gpus) == Names{"GPU-0a", "GPU-2c", "GPU-3d"});
  REQUIRE(found.left_out.size() == 1);
  CHECK(found.left_out[0].find("8A:00.0: GPU is lost") != std::string::npos);
  nvidia_smi::read_memory(
      "0, GPU-0a, NVIDIA A100, 81920\n"
      "2, GPU-2c, NVIDIA A100, [Unknown Error]\n"
      "3, GPU-3d, NVIDIA A100, [N/A]\n",
      found);
  CHECK(ids(found.gpus) == Names{"GPU-0a", "GPU-3d"});
  CHECK(found.gpus[0].memory_mib == 81920);
  CHECK(found.gpus[1].memory_mib == 0);  // shares the host's memory, and is well
  CHECK(found.left_out.back() == "GPU 2 (GPU-2c): [Unknown Error]");
}

TEST_CASE("processes and numbers are read line by line") {
  const auto processes = nvidia_smi::read_processes(
      "GPU-0a, 4711, 20100, /usr/bin/python3\n"
      "GPU-0a, 4712, [N/A], a name, with a comma\n"
      "No running processes found\n");
  REQUIRE(processes.size() == 2);
  CHECK(processes[0].pid == 4711);
  CHECK(processes[0].used_mib == 20100);
  CHECK(processes[1].used_mib == 0);
  CHECK(processes[1].name == "a name, with a comma");
  const auto busy = nvidia_smi::read_numbers("GPU-0a, 97\nGPU-1b, [N/A]\n\n");
  CHECK(busy == std::map<std::string, std::int64_t>{{"GPU-0a", 97}});
}

TEST_CASE("CUDA_VISIBLE_DEVICES says which GPUs there are") {
  const Machine machine(4);
  const auto uuid = FakeGpus::id;
  CHECK(ids(gpu_inventory().gpus) == Names{uuid(0), uuid(1), uuid(2), uuid(3)});
  CHECK(gpu_inventory().gpus[2].memory_mib == 81559);
  CHECK(ids(Machine::with("2,0").gpus) == Names{uuid(2), uuid(0)});
  CHECK(ids(Machine::with((uuid(3) + ", 1,,1").c_str()).gpus) == Names{uuid(3), uuid(1)});
  CHECK(Machine::with("GPU-fa4e").gpus.size() == 4);
  CHECK(ids(Machine::with("0,-1,1").gpus) == Names{uuid(0)});  // to CUDA the list ends there
  for (const char* none : {"", "-1", "NoDevFiles"}) CHECK(Machine::with(none).gpus.empty());
  const auto too_many = Machine::with("3,7");
  CHECK(ids(too_many.gpus) == Names{uuid(3)});
  REQUIRE(too_many.left_out.size() == 1);
  CHECK(too_many.left_out[0].find("names '7'") != std::string::npos);
}

TEST_CASE("an index of a divided GPU means its parts, a part can be named by itself") {
  Machine machine(2);
  machine.gpus.gpu(0)["parts"] = {{{"profile", "1g.10gb"}, {"uuid", "MIG-aa"}},
                                  {{"profile", "1g.10gb"}, {"uuid", "MIG-bb"}}};
  machine.gpus.tell();
  CHECK(ids(gpu_inventory().gpus) == Names{"MIG-aa", "MIG-bb", FakeGpus::id(1)});
  CHECK(ids(Machine::with("0").gpus) == Names{"MIG-aa", "MIG-bb"});
  CHECK(ids(Machine::with("MIG-b,1").gpus) == Names{"MIG-bb", FakeGpus::id(1)});
}

TEST_CASE("without nvidia-smi CUDA_VISIBLE_DEVICES is taken as it is") {
  Machine machine(0);
  for (const char* how : {"no devices", "no driver", "no program"}) {
    CAPTURE(how);
    if (how == std::string("no driver")) {
      machine.gpus.machine["says"] =
          "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
      machine.gpus.machine["exit"] = 9;
      machine.gpus.tell();
    }
    if (how == std::string("no program")) ::setenv("PATH", "/nonexistent", 1);
    ::unsetenv("CUDA_VISIBLE_DEVICES");
    CHECK(visible_gpus().empty());
    const auto given = Machine::with("2, GPU-8f,,5,none,6");
    CHECK(ids(given.gpus) == Names{"2", "GPU-8f", "5"});
    CHECK(given.gpus[0].index == 2);
    CHECK(given.unknown.empty());
    CHECK(ids(visible_gpus()) == Names{"2", "GPU-8f", "5"});
    CHECK(gpu_activity().empty());
    CHECK(gpu_use().unknown.empty());
  }
}

TEST_CASE("an nvidia-smi that cannot be asked proves nothing") {
  Machine machine(2);
  machine.gpus.machine["says"] = "Failed to initialize NVML: Driver/library version mismatch";
  machine.gpus.machine["exit"] = 18;
  machine.gpus.tell();
  CHECK(gpu_inventory().unknown ==
        "nvidia-smi failed: Failed to initialize NVML: Driver/library version mismatch");
  CHECK_THROWS_AS(visible_gpus(), Error);
  CHECK_FALSE(gpu_use().unknown.empty());
  CHECK(ids(Machine::with("1").gpus) == Names{"1"});
  CHECK_FALSE(Machine::with("1").unknown.empty());
  CHECK(Machine::with("-1").unknown.empty());  // nothing is asked for
  machine.gpus.machine = {{"hang", true}};
  machine.gpus.tell();
  CHECK(nvidia_smi::ask({"-L"}, 300).unknown.find("has not answered") != std::string::npos);
}

TEST_CASE("an nvidia-smi that cannot be run is not a machine without one") {
  const Scratch bin;
  const std::string path = std::getenv("PATH");
  real_files().write(bin / "nvidia-smi", "no program", {.mode = 0755});
  ::setenv("PATH", bin.path().c_str(), 1);
  const std::string unknown = gpu_inventory().unknown;
  ::setenv("PATH", path.c_str(), 1);
  INFO(unknown);
  CHECK(unknown.find("nvidia-smi") == 0);
}

TEST_CASE("a machine whose only GPU is lost is not one without GPUs") {
  Machine machine(1);
  machine.gpus.gpu(0)["lost"] = true;
  machine.gpus.tell();
  CHECK(gpu_inventory().gpus.empty());
  CHECK(gpu_inventory().unknown.find("GPU is lost") != std::string::npos);
}

TEST_CASE("who uses a GPU is told with the evidence") {
  Machine machine(5);
  const pid_t me = ::getpid();
  machine.gpus.put(1, 999999, 20100, "python3");  // of another namespace
  machine.gpus.put(2, me, 500, "mine");
  machine.gpus.put(3, 17, 25, "/usr/bin/nvidia-cuda-mps-server");
  machine.gpus.gpu(4)["used"] = 1800;
  machine.gpus.gpu(0)["busy"] = 55;
  machine.gpus.tell();
  const auto gpus = visible_gpus();
  const GpuUse use = gpu_use();
  const auto told = [&](const OwnUse& own) {
    std::map<std::string, std::string> out;
    for (const auto& [gpu, evidence] : used_by_others(gpus, use, own)) out[gpu] = evidence;
    return out;
  };
  using Told = std::map<std::string, std::string>;
  const std::string other = "pid 999999 'python3' has 20100 MiB";
  const std::string hidden = "1800 MiB are in use by a process that is not shown";
  const auto id = FakeGpus::id;
  const auto ours = [me](pid_t pid) { return pid == me; };
  CHECK(told({{}, ours}) == Told{{id(1), other}, {id(4), hidden}});
  // On GPUs that we hold, what cannot be told from ours is no evidence.
  CHECK(told({{id(1), id(4)}, ours}).empty());
  CHECK(told({{id(2)}, {}}).at(id(2)).find("'mine'") != std::string::npos);
  CHECK(gpu_activity().at(id(0)) == 55);
  CHECK(gpu_processes().size() == 3);
}
