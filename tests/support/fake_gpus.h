#pragma once

#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"

// GPUs that are not there: tests/support/fake_nvidia_smi, first in PATH, tells of them.
namespace workflow::test {

class FakeGpus {
 public:
  /// `count` GPUs that idle, told by `dir/nvidia-smi`.
  FakeGpus(fs::path dir, int count) : dir_(std::move(dir)) {
    fs::create_directories(dir_);
    fs::create_symlink(WORKFLOW_FAKE_NVIDIA_SMI, dir_ / "nvidia-smi");
    machine["gpus"] = Json::array();
    for (int i = 0; i < count; ++i) {
      machine["gpus"].push_back({{"uuid", id(i)}, {"name", "NVIDIA Fake 80GB"}});
    }
    tell();
  }

  /// The UUID of a GPU.
  [[nodiscard]] static std::string id(int index) {
    const std::string digits = std::to_string(index);
    return "GPU-fa4e0000-0000-0000-0000-" + std::string(12 - digits.size(), '0') + digits;
  }
  /// `PATH=…` with the fake first, for a Workspace or a child.
  [[nodiscard]] std::string path_entry() const {
    return "PATH=" + dir_.string() + ":" + std::getenv("PATH");
  }
  /// Changes become what it tells.
  void tell() const { real_files().write(dir_ / "gpus.json", dump_json(machine)); }

  Json& gpu(int index) { return machine["gpus"][static_cast<std::size_t>(index)]; }
  /// Somebody's process on a GPU.
  void put(int index, pid_t pid, int used_mib, const std::string& name) {
    gpu(index)["processes"].push_back({{"pid", pid}, {"used", used_mib}, {"name", name}});
    tell();
  }

  Json machine = Json::object();

 private:
  fs::path dir_;
};

}  // namespace workflow::test
