#include "common/pipe.h"

#include <fcntl.h>

#include "common/error.h"

namespace workflow {

Pipe make_pipe() {
  int ends[2];
#ifdef __linux__
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("cannot make a pipe");
#else
  if (::pipe(ends) != 0) throw_errno("cannot make a pipe");
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
#endif
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace workflow
