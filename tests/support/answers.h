#pragma once

#include <fstream>
#include <string>

#include "common/files.h"
#include "common/json.h"
#include "common/subprocess.h"

// What tests ask of an answer, by a word each.
namespace workflow::test {

[[nodiscard]] inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The exit code of a program; -1 when it had none.
[[nodiscard]] inline int code_of(const Captured& done) { return done.status.code.value_or(-1); }

/// The exit code in a document of --json; 0 when it tells of no error.
[[nodiscard]] inline int code_of(const Json& document) {
  return static_cast<int>(number_at(member(document, "error"), "exit_code"));
}
[[nodiscard]] inline std::string message_of(const Json& document) {
  return text_at(member(document, "error"), "message");
}

/// Writes a file, in directories made for it.
inline void put(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace workflow::test
