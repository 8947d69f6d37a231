#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_fwd.h"

namespace workflow {

/// Puts `***` where a secret's value stands in what comes from a target, also when it arrives in
/// pieces. Values shorter than four bytes are left: they would mask half the text.
class Mask {
 public:
  explicit Mask(std::vector<std::string> values);

  [[nodiscard]] bool empty() const { return values_.empty(); }
  /// The next bytes of a stream, masked. An end that may be the beginning of a value is held back
  /// until more comes or `rest` is asked for.
  [[nodiscard]] std::string feed(std::string_view bytes);
  /// What is held back.
  [[nodiscard]] std::string rest();
  /// Every text in a value, masked.
  void apply(Json& json) const;

 private:
  [[nodiscard]] std::string masked(std::string text) const;
  std::vector<std::string> values_;
  std::string held_;
};

}  // namespace workflow
