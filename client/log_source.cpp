#include "client/log_source.h"

#include <unistd.h>

#include "client/jobs.h"
#include "client/public_error.h"
#include "common/error.h"
#include "common/text.h"
#include "remote/protocol/message.h"

namespace workflow {
namespace {

constexpr std::size_t most_waiting = 8 << 20;

/// Printing a text as JSON and reading it back puts U+FFFD in place of what is no UTF-8.
std::string as_utf8(std::string line) {
  if (valid_utf8(line)) return line;
  return parse_json(dump_json(Json(line)), "a line").get<std::string>();
}

}  // namespace

LogLines::Source::Source(client::Settings settings, std::string job_id)
    : stop_(make_pipe()),
      thread_([this, settings = std::move(settings), job_id = std::move(job_id)] {
        follow(settings, job_id);
      }) {}

LogLines::Source::~Source() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  (void)!::write(stop_.write.get(), "s", 1);
  thread_.join();
}

void LogLines::Source::follow(const client::Settings& settings, const std::string& job_id) {
  std::exception_ptr fault;
  try {
    client::Session session(settings, stop_.read.get());
    (void)client::job_follow(session, {.id = job_id, .offset = 0}, [this](const Json& event) {
      if (text_at(event, "event") == "log") put(protocol::log_bytes(event));
    });
  } catch (...) {
    fault = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  over_ = true;
  fault_ = fault;
  changed_.notify_all();
}

void LogLines::Source::put(std::string bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || waiting_ < most_waiting; });
  waiting_ += bytes.size();
  pieces_.push_back(std::move(bytes));
  changed_.notify_all();
}

std::optional<std::string> LogLines::Source::next_bytes() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return over_ || !pieces_.empty(); });
  if (pieces_.empty()) {
    if (fault_) std::rethrow_exception(fault_);
    return std::nullopt;
  }
  std::string bytes = std::move(pieces_.front());
  pieces_.pop_front();
  waiting_ -= bytes.size();
  changed_.notify_all();
  return bytes;
}

std::optional<std::string> LogLines::Source::next_line() {
  while (lines_.empty()) {
    const auto bytes = next_bytes();
    if (!bytes) {
      if (line_.empty()) return std::nullopt;
      return as_utf8(std::exchange(line_, {}));
    }
    auto parts = split(*bytes, '\n');
    parts.front().insert(0, line_);
    line_ = std::move(parts.back());
    parts.pop_back();
    for (auto& part : parts) lines_.push_back(std::move(part));
  }
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return as_utf8(std::move(line));
}

LogLines::LogLines(std::unique_ptr<Source> source) : source_(std::move(source)) {}
LogLines::~LogLines() = default;
LogLines::LogLines(LogLines&&) noexcept = default;
LogLines& LogLines::operator=(LogLines&&) noexcept = default;

LogLines::Iterator LogLines::begin() { return Iterator(source_.get()); }

LogLines::Iterator::Iterator(Source* source) : source_(source) { ++*this; }

LogLines::Iterator& LogLines::Iterator::operator++() {
  const auto line = client::in_public([this] { return source_->next_line(); });
  if (line) {
    line_ = *line;
  } else {
    source_ = nullptr;
  }
  return *this;
}

}  // namespace workflow
