#include "common/json_lines.h"

#include "common/error.h"

namespace workflow {

void append_json_line(Files& files, const fs::path& file, const Json& value, WriteMode mode) {
  const std::string last = read_tail(file, 1).bytes;
  const bool torn = !last.empty() && last != "\n";
  files.append(file, (torn ? "\n" : "") + dump_json(value) + "\n", mode);
}

void each_json_line(std::string_view bytes, const std::function<void(Json&&)>& take) {
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    Json line = Json::parse(bytes.substr(0, end), nullptr, false);
    if (!line.is_discarded()) take(std::move(line));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
}

}  // namespace workflow
