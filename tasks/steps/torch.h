#pragma once

#include <string>

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// The torch that a python would import. Versions are any text: `2.4.0a0+gitabc` is one.
struct Torch {
  std::string version{};       ///< torch.__version__, where it was imported
  std::string distribution{};  ///< what pip calls its version; empty: pip does not know it
  fs::path file{};             ///< where it lies; empty: there is none
  bool cuda = false;
  std::int64_t gpus = 0;
  std::string fault{};  ///< why it could not be imported

  [[nodiscard]] bool there() const { return !file.empty(); }
  /// The version, however it is known.
  [[nodiscard]] std::string shown() const;
};

enum class Import { no, yes };
/// Asks a python; with `Import::yes` torch is really imported, which takes seconds.
[[nodiscard]] Torch ask_torch(const Step& step, const std::string& python, Import import);

/// The image's torch before anything slow is done: Error(precondition) when REQUIRE_GPU_TORCH asks
/// for one with CUDA and there is none.
[[nodiscard]] Torch image_torch(const Step& step);

/// The torch of the virtual environment after the install. REQUIRE_GPU_TORCH=1: it must be the
/// image's, import, and see CUDA, or Error(precondition); otherwise a replaced one is warned of.
void check_torch(const Step& step, const fs::path& venv, const Torch& image);

/// A variable that keeps pip from replacing the image's torch; empty where pip does not know it.
[[nodiscard]] std::string pip_constraint(const Step& step, const Torch& image);

}  // namespace workflow::tasks
