#pragma once

#include <string_view>

// What of a run's directory is worth taking home.
namespace workflow::sweep {

/// `*.pt *.pth *.ckpt *.safetensors`, and directories that begin with `checkpoint`: big, and
/// fetched only when they are asked for. `path` is below the run's directory.
[[nodiscard]] bool is_checkpoint(std::string_view path, bool directory);

/// The record, the logs, what the training wrote and the earlier attempts; not our own tools' files
/// beside them. `path` is below the run's directory.
[[nodiscard]] bool is_artifact(std::string_view path);

}  // namespace workflow::sweep
