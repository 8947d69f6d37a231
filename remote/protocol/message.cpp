#include "remote/protocol/message.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/clock.h"
#include "common/sha256.h"
#include "common/text.h"

namespace workflow::protocol {
namespace {

constexpr std::size_t longest_line = 64U << 20U;

class Reader {
 public:
  Reader(int fd, std::int64_t limit_ms, Incoming& in)
      : fd_(fd), deadline_(system_clock().steady_ms() + limit_ms), in_(in) {}

  std::string line() {
    while (true) {
      if (const auto text = in_.line()) return std::string(*text);
      if (in_.size() > longest_line) throw Error(Code::usage, "the request is too long");
      more();
    }
  }

  std::string bytes(std::size_t n) {
    while (true) {
      if (const auto bytes = in_.bytes(n)) return std::string(*bytes);
      more();
    }
  }

 private:
  void more() {
    char buffer[65536];
    while (true) {
      const std::int64_t left = deadline_ - system_clock().steady_ms();
      pollfd in{fd_, POLLIN, 0};
      if (left <= 0) throw Error(Code::unreachable, "the request did not arrive in time");
      if (::poll(&in, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000))) <= 0) continue;
      const ssize_t n = ::read(fd_, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) throw Error(Code::unreachable, "the request was cut short; nothing was done");
      return in_.feed({buffer, static_cast<std::size_t>(n)});
    }
  }

  int fd_;
  std::int64_t deadline_;
  Incoming& in_;
};

}  // namespace

const std::string& Request::blob(std::string_view name) const {
  for (const auto& item : blobs) {
    if (item.name == name) return item.bytes;
  }
  bug("request without blob " + std::string(name));
}

std::string encode(const Request& request) {
  Json sizes = Json::array();
  std::string tail;
  for (const auto& blob : request.blobs) {
    sizes.push_back(
        {{"name", blob.name}, {"size", blob.bytes.size()}, {"sha256", sha256_hex(blob.bytes)}});
    tail += std::to_string(blob.bytes.size()) + "\n" + blob.bytes;
  }
  const Json line = {{"protocol", version},    {"verb", request.verb}, {"token", request.token},
                     {"again", request.again}, {"args", request.args}, {"blobs", sizes}};
  return dump_json(line) + "\n" + tail;
}

Request read_request(int fd, std::int64_t limit_ms, Incoming& in) {
  Reader reader(fd, limit_ms, in);
  const Json line = parse_json(reader.line(), "request");
  if (number_at(line, "protocol") != version) {
    throw Error(Code::bug, "request of protocol " + std::to_string(number_at(line, "protocol")));
  }
  Request request{text_at(line, "verb"),
                  member(line, "args"),
                  text_at(line, "token"),
                  {},
                  flag_at(line, "again")};
  for (const auto& entry : member(line, "blobs")) {
    const auto size = static_cast<std::size_t>(number_at(entry, "size"));
    const bool right_size = reader.line() == std::to_string(size);
    Blob blob{text_at(entry, "name"), right_size ? reader.bytes(size) : ""};
    if (!right_size || sha256_hex(blob.bytes) != text_at(entry, "sha256")) {
      throw Error(Code::unreachable, "'" + blob.name + "' arrived damaged; nothing was done",
                  "try again");
    }
    request.blobs.push_back(std::move(blob));
  }
  return request;
}

std::string hello_prefix(std::string_view nonce) {
  return "workflow-hello " + std::string(nonce) + " ";
}

std::string absent_prefix(std::string_view nonce) {
  return "workflow-absent " + std::string(nonce) + " ";
}

std::string hello_line(std::string_view nonce, const Json& about) {
  return hello_prefix(nonce) + dump_json(about) + "\n";
}

Json error_json(const Error& error) {
  Json out = {{"code", code_name(error.code())},
              {"exit_code", static_cast<int>(error.code())},
              {"message", error.what()},
              {"hint", error.hint()}};
  if (!error.details().empty()) out.update(parse_json(error.details(), "error details"));
  return out;
}

Error error_from(const Json& json) {
  Json details = json;
  for (const char* known : {"event", "code", "exit_code", "message", "hint"}) details.erase(known);
  return Error(code_from_name(text_at(json, "code")), text_at(json, "message"),
               text_at(json, "hint"), details.empty() ? "" : dump_json(details));
}

std::vector<Json> log_events(std::string_view id, std::int64_t offset, std::string_view bytes) {
  std::vector<Json> events;
  const auto add = [&](const char* key, std::string value, std::size_t size) {
    events.push_back({{"event", "log"}, {"id", id}, {"offset", offset}, {key, std::move(value)}});
    offset += static_cast<std::int64_t>(size);
  };
  // A character cut by the end of the buffer goes as two pieces of bytes; the reader joins them.
  std::size_t rest = 0;
  while (rest < 3 && rest < bytes.size() && (static_cast<unsigned char>(bytes[rest]) >> 6U) == 2U) {
    ++rest;
  }
  if (rest > 0) add("base64", base64(bytes.substr(0, rest)), rest);
  bytes.remove_prefix(rest);
  const std::size_t whole = whole_utf8(bytes);
  const std::string_view head = bytes.substr(0, whole);
  if (!head.empty()) {
    if (valid_utf8(head)) {
      add("text", std::string(head), head.size());
    } else {
      add("base64", base64(head), head.size());
    }
  }
  if (whole < bytes.size()) add("base64", base64(bytes.substr(whole)), bytes.size() - whole);
  return events;
}

std::string log_bytes(const Json& event) {
  if (member(event, "base64").is_string()) return unbase64(text_at(event, "base64")).value_or("");
  return text_at(event, "text");
}

}  // namespace workflow::protocol
