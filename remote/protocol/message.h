#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/json.h"
#include "remote/protocol/stream.h"

// What workflow and its agent say to each other; docs/architecture.md, "The wire", specifies it.
// One request a connection: a line of JSON and its blobs go in; a hello, events and one last
// `result` or `error` come out. Nothing of a user is ever part of a command line.
namespace workflow::protocol {

constexpr std::int64_t version = 1;

/// Bytes that travel beside a request unaltered.
struct Blob {
  std::string name;
  std::string bytes;
};

struct Request {
  std::string verb;
  Json args = Json::object();
  std::string token{};  ///< the same for every repetition of one request
  std::vector<Blob> blobs{};
  bool again = false;  ///< a repetition: the first may have been done and its answer lost

  /// The bytes of a blob; Error(bug) when there is none of that name.
  [[nodiscard]] const std::string& blob(std::string_view name) const;
};

[[nodiscard]] std::string encode(const Request& request);

/// Reads a whole request from a descriptor. One that is cut short or does not match its own sizes
/// and hashes is Error(unreachable): nothing may be done on account of it. What came behind it is
/// left in `in`.
[[nodiscard]] Request read_request(int fd, std::int64_t limit_ms, Incoming& in);

/// The agent's first line; everything before it is somebody's login banner.
[[nodiscard]] std::string hello_line(std::string_view nonce, const Json& about);
/// What a shell says in its place when no agent is there, followed by `uname -m`.
[[nodiscard]] std::string absent_prefix(std::string_view nonce);
[[nodiscard]] std::string hello_prefix(std::string_view nonce);

/// An error as an event, and back.
[[nodiscard]] Json error_json(const Error& error);
[[nodiscard]] Error error_from(const Json& json);

/// Log events for some bytes: text where they are UTF-8, base64 where they are not.
[[nodiscard]] std::vector<Json> log_events(std::string_view id, std::int64_t offset,
                                           std::string_view bytes);
/// The bytes of a log event.
[[nodiscard]] std::string log_bytes(const Json& event);

}  // namespace workflow::protocol
