#include "client/kept_job.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/download.h"
#include "common/error.h"
#include "common/fd_io.h"
#include "common/text.h"
#include "common/unique_fd.h"
#include "common/user_dirs.h"
#include "remote/protocol/message.h"

namespace workflow::client {
namespace {

constexpr std::size_t piece_size = 256U << 10U;

}  // namespace

fs::path kept_job_dir(const std::string& id) {
  require_id("job", id);
  return state_dir() / "jobs" / id;
}

void keep_job(Session& session, const std::string& task_dir, const fs::path& dir) {
  if (task_dir.empty()) return;
  real_files().make_dirs(dir.parent_path());
  (void)download(session, task_dir, dir, [](const Json&) {});
}

bool tell_kept_log(const fs::path& dir, const std::string& id, std::int64_t offset, Mask mask,
                   const OnEvent& on_event) {
  const UniqueFd file(::open((dir / "stdout.log").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return false;
  if (::lseek(file.get(), offset, SEEK_SET) < 0) throw_errno("cannot read the log of '" + id + "'");
  const auto tell = [&](const std::string& bytes) {
    if (bytes.empty()) return;
    for (const auto& event : protocol::log_events(id, offset, bytes)) on_event(event);
    offset += static_cast<std::int64_t>(bytes.size());
  };
  for (std::string bytes; append_read(file.get(), piece_size, bytes) > 0; bytes.clear()) {
    tell(mask.feed(bytes));
  }
  tell(mask.rest());
  return true;
}

}  // namespace workflow::client
