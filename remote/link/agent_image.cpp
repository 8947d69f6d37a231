#include "remote/link/agent_image.h"

#include <agent_table.h>

namespace workflow::link {
AgentImages agents() {
  AgentImages images;
  for (const AgentRow& row : agent_rows) {
    images.push_back(
        {{row.begin, static_cast<std::size_t>(row.end - row.begin)}, row.sha256, row.machine});
  }
  return images;
}

std::vector<std::string> names_of(const AgentImage& image) {
  std::vector<std::string> names{std::string(image.machine)};
  if (image.machine == "aarch64") names.emplace_back("arm64");
  if (image.machine == "x86_64") names.emplace_back("amd64");
  return names;
}

const AgentImage* find_agent(const AgentImages& images, std::string_view machine) {
  for (const AgentImage& image : images) {
    for (const std::string& name : names_of(image)) {
      if (name == machine) return &image;
    }
  }
  return nullptr;
}

}  // namespace workflow::link
