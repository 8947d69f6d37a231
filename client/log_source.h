#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <workflow/log_lines.h>
#include "client/settings.h"
#include "common/pipe.h"

namespace workflow {

/// A job's log as it comes, taken piece by piece by whoever wants it. A thread of its own follows
/// the job; it waits while more than 8 MiB have not been taken.
class LogLines::Source {
 public:
  Source(client::Settings settings, std::string job_id);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// The next bytes; nothing at the job's end. Rethrows what ended the following.
  [[nodiscard]] std::optional<std::string> next_bytes();
  /// The next line, without its newline; nothing at the end. Its bytes are UTF-8.
  [[nodiscard]] std::optional<std::string> next_line();

 private:
  void follow(const client::Settings& settings, const std::string& job_id);
  void put(std::string bytes);

  Pipe stop_;  ///< readable when nobody wants more
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> pieces_;
  std::size_t waiting_ = 0;  ///< bytes in them
  bool stopped_ = false;
  bool over_ = false;
  std::exception_ptr fault_;
  std::string line_;  ///< begun and not ended
  std::deque<std::string> lines_;
  std::thread thread_;
};

}  // namespace workflow
