#include "client/exec.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/error.h"
#include "common/json.h"
#include "common/mask.h"

namespace workflow::client {
namespace {

link::Input stdin_of(int fd) {
  if (fd < 0) return {-1, [] { return std::optional<std::string>(); }};
  return {fd, [fd]() -> std::optional<std::string> {
            std::array<char, 65536> buffer;
            const ssize_t n = ::read(fd, buffer.data(), buffer.size());
            if (n < 0 && (errno == EINTR || errno == EAGAIN)) return std::string();
            if (n <= 0) return std::nullopt;
            return std::string(buffer.data(), static_cast<std::size_t>(n));
          }};
}

std::vector<protocol::Blob> blobs_of(const Session& session, const ExecRequest& request) {
  std::vector<protocol::Blob> blobs = session.secrets();
  if (request.argv.empty()) blobs.push_back({"cmd", request.cmd});
  for (const auto& word : request.argv) blobs.push_back({"word", word});
  for (const auto& entry : request.env) blobs.push_back({"env", entry});
  if (!request.workdir.empty()) blobs.push_back({"workdir", request.workdir});
  return blobs;
}

}  // namespace

Json exec(Session& session, const ExecRequest& request, const OnOutput& on_output) {
  Mask out(session.secret_values());
  Mask err(session.secret_values());
  const auto tell = [&](bool is_err, const std::string& bytes) {
    if (!bytes.empty()) on_output(is_err, bytes);
  };
  link::CallOptions options;
  options.input = stdin_of(request.stdin_fd);
  options.on_bytes = [&](const Json& event, std::string_view bytes) {
    const bool is_err = text_at(event, "stream") == "err";
    tell(is_err, (is_err ? err : out).feed(bytes));
  };
  Json data = session.stream("exec", Json::object(), options, blobs_of(session, request));
  tell(false, out.rest());
  tell(true, err.rest());
  out.apply(data);
  return data;
}

}  // namespace workflow::client
