#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"

namespace workflow::test {

/// A server that takes POSTs and DELETEs, on a free port of 127.0.0.1.
class WebhookReceiver {
 public:
  /// `statuses` (`200`, or `200=BODY`) are answered in turn, the last one for ever.
  explicit WebhookReceiver(fs::path dir, const std::vector<std::string>& statuses = {});
  ~WebhookReceiver();
  WebhookReceiver(const WebhookReceiver&) = delete;
  WebhookReceiver& operator=(const WebhookReceiver&) = delete;

  [[nodiscard]] std::string url(const std::string& path) const;
  /// Waits for the n-th request, from 1: {"method","path","headers","body"}.
  [[nodiscard]] Json request(int n) const;
  [[nodiscard]] bool has(int n) const;

 private:
  fs::path dir_;
  pid_t pid_ = -1;
  std::string port_;
};

}  // namespace workflow::test
