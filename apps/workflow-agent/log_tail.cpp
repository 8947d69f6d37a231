#include "apps/workflow-agent/log_tail.h"

#include <sys/stat.h>

#include "common/text.h"

namespace workflow::agent {
namespace {

/// What a screen or two show; the whole log is `run-logs`.
constexpr std::int64_t first_bytes = 64 * 1024;

}  // namespace

void LogTail::follow(const std::string& run_id) {
  if (!run_id.empty()) require_id("run", run_id);
  id_ = run_id;
  inode_ = 0;
  if (!id_.empty()) log_ = reply_.site().run_dir(id_) / "stdout.log";
}

void LogTail::tell() {
  if (id_.empty()) return;
  struct stat is {};
  if (::stat(log_.c_str(), &is) != 0 || !S_ISREG(is.st_mode)) return;
  if (is.st_ino != inode_ || is.st_size < offset_) {
    inode_ = is.st_ino;
    offset_ = std::max<std::int64_t>(0, is.st_size - first_bytes);
    reply_.send({{"event", "log_of"}, {"id", id_}, {"offset", offset_}});
  }
  if (is.st_size == offset_) return;
  offset_ = tasks::tell_bytes(log_, offset_, [this](std::int64_t at, std::string_view bytes) {
    reply_.log(id_, at, bytes);
  });
}

}  // namespace workflow::agent
