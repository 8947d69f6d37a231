#pragma once

#include <string>

#include "common/json.h"

namespace workflow::app {

/// A curve in `width` columns, oldest left: `▇▆▅▄▃▂▁`, each column the mean of its values, the
/// highest a `▇`; `!` where a value was NaN. Shorter where there are fewer values; empty for none.
[[nodiscard]] std::string sparkline(const Json& values, std::size_t width);

/// A number for a table: `0.412`, `3.91`, `1.2e-06`, `NaN` for null, `–` for what is no number.
[[nodiscard]] std::string metric_text(const Json& value);

}  // namespace workflow::app
