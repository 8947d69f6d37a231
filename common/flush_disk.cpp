#include "common/flush_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/error.h"

namespace workflow {

void flush_disk(const fs::path& dir) {
#ifdef __linux__
  const UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::syncfs(fd.get()) != 0) throw_errno("cannot flush '" + dir.string() + "'");
#else
  ::sync();
#endif
}

}  // namespace workflow
