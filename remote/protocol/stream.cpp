#include "remote/protocol/stream.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/json.h"
#include "common/text.h"

namespace workflow::protocol {

void Incoming::feed(std::string_view bytes) {
  if (at_ > have_.size() / 2) {
    looked_ -= at_;
    have_.erase(0, std::exchange(at_, 0));
  }
  have_ += bytes;
}

std::optional<std::string_view> Incoming::line() {
  const std::size_t end = have_.find('\n', looked_);
  if (end == std::string::npos) {
    looked_ = have_.size();
    return std::nullopt;
  }
  const auto text = std::string_view(have_).substr(at_, end - at_);
  at_ = looked_ = end + 1;
  return text;
}

std::optional<std::string_view> Incoming::bytes(std::size_t n) {
  if (size() < n) return std::nullopt;
  return some(n);
}

std::string_view Incoming::some(std::size_t n) {
  const auto bytes = std::string_view(have_).substr(at_, n);
  at_ += bytes.size();
  looked_ = at_;
  return bytes;
}

std::string bytes_event(Json about, std::string_view bytes) {
  about["event"] = "bytes";
  about["size"] = bytes.size();
  return dump_json(about) + "\n" + std::string(bytes);
}

std::size_t bytes_behind(const Json& event) {
  if (text_at(event, "event") != "bytes") return 0;
  const auto size = number_at(event, "size", -1);
  if (size < 0 || static_cast<std::size_t>(size) > largest_piece) {
    throw Error(Code::unreachable, "the agent announced " + std::to_string(size) + " bytes");
  }
  return static_cast<std::size_t>(size);
}

std::string piece_head(std::size_t size) { return std::to_string(size) + "\n"; }

void Pieces::pull() {
  buffer_.resize(largest_piece);  // long reads: on a busy machine every turn has to be waited for
  const ssize_t n = ::read(fd_, buffer_.data(), buffer_.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) {
    state_ = State::cut;
  } else if (state_ == State::open) {
    in_.feed({buffer_.data(), static_cast<std::size_t>(n)});
  }
}

std::optional<std::string_view> Pieces::next() {
  if (state_ == State::ended) return std::nullopt;
  if (due_ == 0) {
    const auto line = in_.line();
    if (!line) return std::nullopt;
    const auto size = parse_integer(*line);
    if (!size || *size < 0 || static_cast<std::size_t>(*size) > largest_piece) {
      throw Error(Code::unreachable, "what followed the request arrived damaged");
    }
    if (*size == 0) {
      state_ = State::ended;
      return std::nullopt;
    }
    due_ = static_cast<std::size_t>(*size);
  }
  const auto bytes = in_.bytes(due_);
  if (bytes) due_ = 0;
  return bytes;
}

}  // namespace workflow::protocol
