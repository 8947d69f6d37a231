#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "common/json.h"

namespace workflow::agent {

/// The line to the client: whole events one after the other, and a sign of life when there has
/// been nothing to say for three seconds, so that silence means a lost connection.
class Wire {
 public:
  explicit Wire(int fd);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// False when the client has gone.
  bool send(const Json& event);
  /// The same of an event as it goes over the wire, with the bytes that belong to it.
  bool send_bytes(const std::string& bytes);
  [[nodiscard]] bool client_gone();

 private:
  bool write_locked(std::string_view bytes);
  void beat(const std::stop_token& stop);

  int fd_;
  std::mutex mutex_;
  std::condition_variable_any stopping_;
  std::chrono::steady_clock::time_point last_;
  bool gone_ = false;
  std::jthread heart_;
};

}  // namespace workflow::agent
