#include "sweep/webhook.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/curl_config.h"
#include "common/hmac.h"
#include "common/mask.h"
#include "common/subprocess.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {

constexpr std::array<int, 3> waits_ms{0, 1'000, 4'000};
constexpr std::int64_t curl_limit_ms = 25'000;  // its own limit is 20 s

std::string secret(const tasks::Site& site, const char* name) {
  const auto names = split(site.text("WF_SECRETS"), ' ');
  const char* value = std::getenv(name);
  return value != nullptr && std::ranges::find(names, name) != names.end() ? value : "";
}

std::string url_of(const tasks::Site& site) {
  const std::string url = secret(site, "SWEEP_WEBHOOK_URL");
  return url.empty() ? site.text("SWEEP_END_WEBHOOK") : url;
}

std::string config(const std::string& url, const fs::path& file, const std::string& signature) {
  std::string out = "silent\nshow-error\ngloboff\n";
  out += curl_line("proto", "=http,https") + curl_line("url", url) +
         curl_line("data-binary", "@" + file.string());
  out +=
      curl_line("header", "Content-Type: application/json") + curl_line("user-agent", "workflow");
  if (!signature.empty()) out += curl_line("header", "X-Workflow-Signature: sha256=" + signature);
  out += curl_line("connect-timeout", "10") + curl_line("max-time", "20");
  return out + curl_line("output", "/dev/null") + curl_line("write-out", "%{http_code}");
}

/// curl's words may repeat what stands in the address.
std::string masked(const std::string& text, const std::string& url) {
  Json said = text;
  Mask({url}).apply(said);
  return said.get<std::string>();
}

bool refused(std::int64_t status) {
  return status >= 400 && status < 500 && status != 408 && status != 429;
}

}  // namespace

bool has_webhook(const tasks::Site& site) {
  const auto names = split(site.text("WF_SECRETS"), ' ');
  return !site.text("SWEEP_END_WEBHOOK").empty() ||
         std::ranges::find(names, "SWEEP_WEBHOOK_URL") != names.end();
}

Json send_webhook(const tasks::Site& site, const fs::path& file, const std::string& body) {
  Json out = {{"ok", false}, {"status", nullptr}, {"tries", 0}, {"signed", false}, {"said", ""}};
  const std::string url = url_of(site);
  if (url.empty()) {
    out["said"] = "SWEEP_WEBHOOK_URL of WF_SECRETS was not given to the sweep";
    return out;
  }
  const std::string key = secret(site, "SWEEP_WEBHOOK_SECRET");
  out["signed"] = !key.empty();
  CaptureSpec spec;
  spec.argv = {"curl", "--config", "-"};
  spec.input = config(url, file, key.empty() ? "" : hmac_sha256_hex(key, body));
  spec.limit_ms = curl_limit_ms;
  for (const int wait_ms : waits_ms) {
    ::poll(nullptr, 0, wait_ms);
    out["tries"] = number_at(out, "tries") + 1;
    const Captured answer = capture(spec);
    const std::int64_t status = parse_integer(trim(answer.out)).value_or(0);
    out["status"] = status == 0 ? Json() : Json(status);
    out["ok"] = answer.ok() && status >= 200 && status < 300;
    out["said"] = flag_at(out, "ok") ? ""
                  : answer.timed_out ? "no answer within 25 s"
                  : status != 0      ? "the other side answered " + std::to_string(status)
                                     : masked(std::string(trim(answer.err)), url);
    if (flag_at(out, "ok") || refused(status)) break;
  }
  return out;
}

}  // namespace workflow::sweep
