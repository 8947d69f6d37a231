#include "tests/support/call_filter.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <iterator>

namespace workflow::test {
namespace {

struct Call {
  unsigned number;
  const char* name;
};

constexpr Call calls[] = {
    {SYS_write, "write"},         {SYS_writev, "writev"},
    {SYS_pwrite64, "pwrite"},     {SYS_sendto, "sendto"},
    {SYS_sendmsg, "sendmsg"},     {SYS_fsync, "fsync"},
    {SYS_fdatasync, "fdatasync"}, {SYS_ftruncate, "ftruncate"},
    {SYS_renameat, "renameat"},   {SYS_renameat2, "renameat2"},
    {SYS_linkat, "linkat"},       {SYS_symlinkat, "symlinkat"},
    {SYS_unlinkat, "unlinkat"},   {SYS_mkdirat, "mkdirat"},
    {SYS_kill, "kill"},           {SYS_pidfd_send_signal, "pidfd_send_signal"},
#ifdef SYS_rename  // not on aarch64
    {SYS_rename, "rename"},       {SYS_link, "link"},
    {SYS_symlink, "symlink"},     {SYS_unlink, "unlink"},
    {SYS_mkdir, "mkdir"},         {SYS_rmdir, "rmdir"},
#endif
};

}  // namespace

CallFilter::CallFilter() {
  program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (unsigned row = 0; row < std::size(calls); ++row) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[row].number, 0, 1));
    program_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | row));
  }
  program_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

bool CallFilter::install() const {
  const sock_fprog filter{static_cast<unsigned short>(program_.size()),
                          const_cast<sock_filter*>(program_.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

std::string CallFilter::name(unsigned long row) {
  return row < std::size(calls) ? calls[row].name : "?";
}

}  // namespace workflow::test
