#include "client/hash_files.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "client/local_file.h"
#include "common/error.h"

namespace workflow::client {
namespace {

constexpr std::size_t most_threads = 8;
constexpr std::size_t files_for_a_thread = 100;
constexpr std::int64_t bytes_for_a_thread = 4 << 20;

/// What the file was; nothing where there is none any more.
std::optional<struct stat> read(const fs::path& root, TreeFile& file) {
  const fs::path path = root / file.path;
  const UniqueFd fd = open_regular(path);
  struct stat info {};
  if (!fd.valid() && errno == ENOENT) return std::nullopt;
  Sha256 hash;
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || !pass(fd.get(), info.st_size, hash)) {
    throw_errno("cannot read '" + path.string() + "'");
  }
  file.size = info.st_size;
  file.sha256 = hash.hex();
  return info;
}

std::size_t threads_for(const std::vector<TreeFile*>& files) {
  std::int64_t bytes = 0;
  for (const auto* file : files) bytes += file->size;
  const std::size_t useful = std::max(files.size() / files_for_a_thread,
                                      static_cast<std::size_t>(bytes / bytes_for_a_thread));
  const std::size_t there = std::max(1U, std::thread::hardware_concurrency());
  return std::min({useful, there, most_threads, files.size()});
}

}  // namespace

std::vector<std::pair<TreeFile*, struct stat>> hash_files(const fs::path& root,
                                                          const std::vector<TreeFile*>& files) {
  std::vector<std::optional<struct stat>> was(files.size());
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr fault;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < files.size(); i = next++) was[i] = read(root, *files[i]);
    } catch (...) {
      const std::lock_guard lock(mutex);
      fault = std::current_exception();
      next = files.size();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t n = 1; n < threads_for(files); ++n) threads.emplace_back(work);
    work();
  }
  if (fault) std::rethrow_exception(fault);
  std::vector<std::pair<TreeFile*, struct stat>> done;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (was[i]) done.emplace_back(files[i], *was[i]);
  }
  return done;
}

}  // namespace workflow::client
