#pragma once

#include <string>

#include "common/json.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// Whether SWEEP_END_WEBHOOK is set, or SWEEP_WEBHOOK_URL is among WF_SECRETS.
[[nodiscard]] bool has_webhook(const tasks::Site& site);

/// POSTs the document in `file` (whose bytes are `body`) by curl, which reads address and headers
/// from its stdin: neither stands in a command line. Three tries with growing waits; what a 4xx
/// refuses is not sent again. With SWEEP_WEBHOOK_SECRET in the environment it is signed:
/// `X-Workflow-Signature: sha256=<HMAC of the body>`. Gives
/// {"ok","status","tries","signed","said"}; never throws.
[[nodiscard]] Json send_webhook(const tasks::Site& site, const fs::path& file,
                                const std::string& body);

}  // namespace workflow::sweep
