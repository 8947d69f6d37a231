#include "sweep/artifacts.h"

#include <algorithm>
#include <array>

namespace workflow::sweep {
namespace {

constexpr std::array<std::string_view, 7> kept{
    "status.json", "summary.json", "stdout.log", "command.sh", "metrics.jsonl", "out", "attempts"};
constexpr std::array<std::string_view, 4> weights{".pt", ".pth", ".ckpt", ".safetensors"};

/// Of an earlier attempt: how it was asked for, and an order to end it.
constexpr std::array<std::string_view, 3> tools{"spec.json", "order.json", ".supervisor"};

}  // namespace

bool is_checkpoint(std::string_view path, bool directory) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (directory) return name.starts_with("checkpoint");
  return std::ranges::any_of(
      weights, [&](auto ending) { return name.size() > ending.size() && name.ends_with(ending); });
}

bool is_artifact(std::string_view path) {
  const std::string_view top = path.substr(0, path.find('/'));
  if (std::ranges::find(kept, top) == kept.end()) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return top != "attempts" || std::ranges::find(tools, name) == tools.end();
}

}  // namespace workflow::sweep
