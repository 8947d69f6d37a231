#pragma once

#include <chrono>
#include <list>
#include <thread>

#include "common/pipe.h"
#include "common/unique_fd.h"

namespace workflow::bench {

/// A TCP relay on a free loopback port that holds every chunk so long in each direction. Chunks
/// keep their order and any number is on the way at once, as on a long line; the handshake of TCP
/// itself is not delayed.
class DelayRelay {
 public:
  DelayRelay(int to_port, std::chrono::milliseconds one_way);
  ~DelayRelay();
  DelayRelay(const DelayRelay&) = delete;
  DelayRelay& operator=(const DelayRelay&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  void serve();
  /// Carries one connection until both ends have ended, or the relay does.
  void carry(const UniqueFd& near, const UniqueFd& far) const;

  int to_port_;
  std::chrono::milliseconds one_way_;
  int port_ = 0;
  UniqueFd listener_;
  Pipe ending_;  ///< its read end has ended when the relay shall end
  std::list<std::thread> connections_;
  std::thread server_;
};

}  // namespace workflow::bench
