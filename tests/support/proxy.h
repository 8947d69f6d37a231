#pragma once

#include <cstddef>
#include <limits>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "common/pipe.h"
#include "common/unique_fd.h"

namespace workflow::test {

/// A TCP relay on a free loopback port that does what networks do: cuts a connection after so many
/// bytes, or stops passing anything while both ends believe that the connection stands.
class Proxy {
 public:
  explicit Proxy(int to_port);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

  /// The next connection is cut when it has carried so many bytes, both directions together; the
  /// ones after it are not.
  void cut_next_after(std::size_t bytes);
  /// Cuts every connection there is.
  void cut_all();
  /// Nobody listens any more.
  void refuse();
  /// Passes nothing until `flow`; connections stay open.
  void stall();
  void flow();

  [[nodiscard]] int port() const { return port_; }
  /// How many connections it has accepted.
  [[nodiscard]] int connections() const;
  /// Bytes that the last connection has carried.
  [[nodiscard]] std::size_t carried() const;

 private:
  struct Relay {
    UniqueFd near;
    UniqueFd far;
    std::string to_near{};
    std::string to_far{};
    std::size_t left = never;
  };

  void serve();
  void accept_one();
  void move(int from, std::string& into, Relay& relay);
  void wake() const;

  int to_port_;
  int port_ = 0;
  UniqueFd listener_;
  Pipe wake_;
  mutable std::mutex mutex_;
  std::list<Relay> relays_;
  std::size_t cut_next_ = never;
  std::size_t carried_ = 0;
  int connections_ = 0;
  bool stalled_ = false;
  bool refusing_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace workflow::test
