#include "client/push_stream.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/fd_io.h"
#include "remote/sync/entry.h"

namespace workflow::client {
namespace {

constexpr std::size_t piece_size = 256U << 10U;

Error changed(const std::string& path) {
  return Error(Code::precondition, "'" + path + "' was changed while it was pushed",
               "push again when nobody writes it");
}

}  // namespace

PushStream::PushStream(const LocalTree& tree, std::vector<std::size_t> which)
    : tree_(tree), which_(std::move(which)) {
  for (const auto i : which_) bytes_ += tree_.files[i].size;
}

std::optional<std::string> PushStream::next() {
  piece_.clear();
  if (!begun_) piece_ = sync::entry_line({.kind = sync::Kind::source});
  begun_ = true;
  while (!ended_ && piece_.size() < piece_size) {
    if (left_ > 0) {
      add_bytes();
    } else if (at_ < which_.size()) {
      begin_file(tree_.files[which_[at_++]]);
    } else {
      piece_ += sync::entry_line({.kind = sync::Kind::end});
      ended_ = true;
    }
  }
  if (piece_.empty()) return std::nullopt;
  return std::exchange(piece_, std::string());
}

void PushStream::begin_file(const TreeFile& file) {
  name_ = (tree_.root / file.path).string();
  file_ = open_regular(name_);
  if (!file_.valid()) throw changed(name_);
  left_ = file.size;
  // Nobody writes to a snapshot's files: the next one may have them too.
  piece_ += sync::entry_line({.kind = sync::Kind::file,
                              .path = file.path,
                              .size = file.size,
                              .mode = file.program ? 0555U : 0444U});
}

void PushStream::add_bytes() {
  const auto want = static_cast<std::size_t>(
      std::min<std::int64_t>(left_, static_cast<std::int64_t>(piece_size)));
  const ssize_t n = append_read(file_.get(), want, piece_);
  if (n < 0) throw_errno("cannot read '" + name_ + "'");
  if (n == 0) throw changed(name_);
  left_ -= n;
}

}  // namespace workflow::client
