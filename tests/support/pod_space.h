#pragma once

#include <string>
#include <vector>

#include "tests/support/workspace.h"

namespace workflow::test {

/// A workspace whose target is what it rents from `loopback`: real pods on this machine. What is
/// still rented at the end is given back.
class PodSpace {
 public:
  explicit PodSpace(const std::string& settings = {}) : space(settings) {
    space.set("WF_TARGET=");
    space.set("WF_PROVIDER=loopback");
  }
  ~PodSpace() {
    for (const auto& pod : member(member(space.json({"pod-list"}), "data"), "pods")) {
      (void)space.run({"--target", text_at(pod, "provider") + ":" + text_at(pod, "id"), "pod-down",
                       "--abandon", text_at(pod, "name")});
    }
  }
  PodSpace(const PodSpace&) = delete;
  PodSpace& operator=(const PodSpace&) = delete;

  /// Where this user's loopback pods have their roots.
  [[nodiscard]] fs::path roots() const {
    return space.home() / ".local" / "state" / "workflow" / "loopback";
  }

  Workspace space;
};

}  // namespace workflow::test
