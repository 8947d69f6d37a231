#pragma once

#include <nlohmann/json_fwd.hpp>

namespace workflow {
using Json = nlohmann::ordered_json;
}
