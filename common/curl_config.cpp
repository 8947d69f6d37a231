#include "common/curl_config.h"

namespace workflow {

std::string curl_line(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + " = \"";
  for (const char c : value) {
    if (c == '\n' || c == '\r') continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"\n";
}

}  // namespace workflow
