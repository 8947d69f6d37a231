#include "common/file_hole.h"

#include <unistd.h>

namespace workflow {

std::optional<FileHole> hole_after([[maybe_unused]] int fd, [[maybe_unused]] std::int64_t offset) {
#ifdef SEEK_HOLE
  const auto from = ::lseek(fd, offset, SEEK_HOLE);
  const auto to = from < 0 ? from : ::lseek(fd, from, SEEK_DATA);
  if (to > from) return FileHole{from, to};  // at the end of a file there is no data: ENXIO
#endif
  return std::nullopt;
}

}  // namespace workflow
