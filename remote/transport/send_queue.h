#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace workflow::transport {

/// Bytes on their way out; what has left is forgotten without moving the rest at every step.
class SendQueue {
 public:
  void add(std::string_view bytes) {
    if (at_ > bytes_.size() / 2) bytes_.erase(0, std::exchange(at_, 0));
    bytes_ += bytes;
  }
  [[nodiscard]] std::string_view next() const { return std::string_view(bytes_).substr(at_); }
  void sent(std::size_t n) {
    at_ += n;
    if (at_ == bytes_.size()) clear();
  }
  void clear() {
    bytes_.clear();
    at_ = 0;
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size() - at_; }
  [[nodiscard]] bool empty() const { return size() == 0; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

}  // namespace workflow::transport
