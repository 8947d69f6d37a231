#include <array>

#include "remote/pods/factories.h"

namespace workflow::pods {
namespace {

struct BuiltIn {
  std::string_view name;
  std::unique_ptr<Provider> (*make)(const ProviderContext&);
};

constexpr std::array built_in{BuiltIn{"loopback", loopback_provider},
                              BuiltIn{"lium", lium_provider}, BuiltIn{"runpod", runpod_provider},
                              BuiltIn{"vast", vast_provider}, BuiltIn{"lambda", lambda_provider}};

}  // namespace

std::unique_ptr<Provider> make_provider(const std::string& name, const ProviderContext& context) {
  std::string names;
  for (const auto& one : built_in) {
    if (one.name == name) return one.make(context);
    names += std::string(one.name) + ", ";
  }
  if (auto program = program_provider(name, context)) return program;
  throw Error(Code::usage, "there is no provider '" + name + "'",
              names + "or an executable workflow-provider-" + name + " on the PATH");
}

}  // namespace workflow::pods
