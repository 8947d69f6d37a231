#include "remote/transport/known_lines.h"

#include "common/subprocess.h"
#include "common/text.h"
#include "remote/transport/own_files.h"

namespace workflow::transport {
namespace {

/// Reads `# Host NAME found: line N MARK` and the line behind it.
void read_answer(const std::string& answer, const fs::path& file, bool by_port,
                 std::vector<KnownLine>& into) {
  KnownLine line;
  for (const auto& text : split(answer, '\n')) {
    if (const auto at = text.find(" found: line "); text.rfind("# ", 0) == 0) {
      if (at == std::string::npos) continue;
      const auto words = split(trim(std::string_view(text).substr(at + 13)), ' ');
      line = KnownLine{};
      line.place = file.string() + ":" + words[0];
      line.by_port = by_port;
      if (words.size() > 1 && words[1] == "CA") line.kind = KnownLine::Kind::authority;
      if (words.size() > 1 && words[1] == "REVOKED") line.kind = KnownLine::Kind::revoked;
      continue;
    }
    const auto words = split(trim(text), ' ');
    const std::size_t type = text.rfind('@', 0) == 0 ? 2 : 1;
    if (line.place.empty() || words.size() < type + 2) continue;
    line.key = words[type] + " " + words[type + 1];
    into.push_back(line);
  }
}

}  // namespace

std::vector<KnownLine> known_lines(const Endpoint& endpoint) {
  std::vector<std::string> names{endpoint.name_in_known_hosts()};
  if (names[0] != endpoint.host && endpoint.host_key_alias.empty()) names.push_back(endpoint.host);
  std::vector<KnownLine> lines;
  for (const auto& file : endpoint.known_hosts) {
    if (presence(file) != Presence::there) continue;
    for (const auto& name : names) {
      CaptureSpec spec;
      spec.argv = {"ssh-keygen", "-F", name, "-f", file.string()};
      spec.limit_ms = 5'000;
      read_answer(capture(spec).out, file, name == names[0], lines);
    }
  }
  return lines;
}

bool revokes_keys(const Endpoint& endpoint) {
  for (const auto& file : endpoint.known_hosts) {
    if (text_of(file).find("@revoked") != std::string::npos) return true;
  }
  return false;
}

}  // namespace workflow::transport
