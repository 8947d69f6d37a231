#include "remote/transport/admission.h"

#include <array>
#include <random>

#include "common/clock.h"
#include "common/sha256.h"
#include "remote/transport/own_files.h"
#include "remote/transport/pause.h"
#include "remote/transport/refusal.h"

namespace workflow::transport {
namespace {

constexpr int logins_at_once = 4;
constexpr std::array<std::int64_t, 3> backoff_ms{200, 500, 1200};

/// One of the places; the kernel frees it when its holder dies.
FileLock place(const Endpoint& endpoint, std::int64_t deadline, int interrupt_fd) {
  const std::string name = "login-" + sha256_hex(endpoint.where()).substr(0, 16) + "-";
  const fs::path dir = runtime_directory();
  std::vector<fs::path> places;
  for (int n = 0; n < logins_at_once; ++n) places.push_back(dir / (name + std::to_string(n)));
  if (auto lock = first_free(places, deadline, interrupt_fd)) return std::move(*lock);
  throw Error(Code::busy,
              std::to_string(logins_at_once) + " other logins to " + endpoint.where() +
                  " are under way and do not end",
              "they are other commands of yours; try again when they are through");
}

std::int64_t jittered(std::int64_t ms) {
  thread_local std::minstd_rand dice{std::random_device{}()};
  return ms + std::uniform_int_distribution<std::int64_t>(0, ms / 2)(dice);
}

}  // namespace

std::optional<FileLock> first_free(const std::vector<fs::path>& files, std::int64_t deadline,
                                   int interrupt_fd) {
  while (true) {
    for (const auto& file : files) {
      if (auto lock = FileLock::try_take(file)) return lock;
    }
    if (system_clock().steady_ms() >= deadline) return std::nullopt;
    pause(20, interrupt_fd);
  }
}

void admit(const Endpoint& endpoint, int interrupt_fd,
           const std::function<void(std::int64_t)>& login) {
  const std::int64_t deadline = system_clock().steady_ms() + endpoint.limit_ms();
  for (std::size_t attempt = 0;; ++attempt) {
    std::int64_t rest = 0;
    try {
      const FileLock mine = place(endpoint, deadline, interrupt_fd);
      return login(deadline);
    } catch (const ClosedBeforeLogin&) {
      if (attempt >= backoff_ms.size()) throw;
      rest = jittered(backoff_ms[attempt]);
      if (system_clock().steady_ms() + rest >= deadline) throw;
    }
    pause(rest, interrupt_fd);
  }
}

}  // namespace workflow::transport
