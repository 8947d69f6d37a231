#include "client/session.h"

#include <unistd.h>

#include <cstdlib>

#include "client/bound_pod.h"
#include "client/last_known.h"
#include "client/pods.h"
#include "client/repo_url.h"
#include "client/request_args.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mask.h"
#include "common/text.h"
#include "remote/transport/pause.h"
#include "remote/transport/ssh.h"

namespace workflow::client {
namespace {

/// Events on their way to whoever listens, with the secrets' values masked.
class MaskedLog {
 public:
  MaskedLog(Mask& mask, const OnEvent& on_event) : mask_(mask), on_event_(on_event) {}

  void tell(Json event) {
    if (!on_event_) return;
    if (text_at(event, "event") != "log") {
      if (text_at(event, "event") == "log_hole") tell_bytes(mask_.rest());
      mask_.apply(event);
      return on_event_(event);
    }
    id_ = text_at(event, "id");
    offset_ = number_at(event, "offset");
    tell_bytes(mask_.feed(protocol::log_bytes(event)));
  }
  void end() {
    if (on_event_) tell_bytes(mask_.rest());
  }

 private:
  void tell_bytes(const std::string& bytes) {
    if (bytes.empty()) return;
    for (const auto& event : protocol::log_events(id_, offset_, bytes)) on_event_(event);
  }

  Mask& mask_;
  const OnEvent& on_event_;
  std::string id_;
  std::int64_t offset_ = 0;
};

}  // namespace

Target parse_target(const std::string& text) {
  if (text.empty()) {
    throw Error(
        Code::usage, "no target is set; there is no default machine",
        "set WF_TARGET in workflow.env (WF_TARGET=local is this machine), or give --target");
  }
  if (text == "local") return {Target::Kind::local, ""};
  if (text.rfind("ssh://", 0) == 0) return {Target::Kind::ssh, text};
  if (text.rfind("ssh:", 0) == 0 && text.size() > 4) return {Target::Kind::ssh, text.substr(4)};
  const auto colon = text.find(':');
  if (colon != std::string::npos && valid_id(text.substr(0, colon)) &&
      valid_id(text.substr(colon + 1))) {
    return {Target::Kind::pod, text.substr(colon + 1), text.substr(0, colon)};
  }
  throw Error(Code::usage, "target '" + text + "' has no form that is known",
              (colon == std::string::npos ? "did you mean ssh:" + text + "? " : "") +
                  std::string("local, ssh:ALIAS, ssh://user@host:port or PROVIDER:ID"));
}

Session::Session(Settings settings, int interrupt_fd)
    : settings_(std::move(settings)), interrupt_fd_(interrupt_fd) {
  for (const auto& name : settings_.names("WF_SECRETS")) {
    if (const char* value = std::getenv(name.c_str())) secrets_[name] = value;
  }
}

const std::optional<transport::Endpoint>& Session::endpoint() {
  if (!endpoint_) {
    if (rents(settings_)) {
      throw Error(Code::not_found, "no pod of this configuration is there",
                  "workflow pod-up rents one; workflow fsm-status says what was");
    }
    const Target target = parse_target(settings_.target());
    // Or every ssh would have them, and the connection that stays open for ten minutes, too.
    if (target.kind != Target::Kind::local) {
      for (const auto& [name, value] : secrets_) ::unsetenv(name.c_str());
    }
    if (target.kind == Target::Kind::ssh) {
      endpoint_ = transport::resolve_endpoint(target.destination);
    }
    if (target.kind == Target::Kind::pod) {
      endpoint_ = pod_endpoint(settings_, target.provider, target.destination, interrupt_fd_);
    }
  }
  return endpoint_;
}

void Session::find_again() {
  link_.reset();
  endpoint_.reset();
}

std::unique_ptr<transport::Transport> Session::reach() {
  if (!endpoint()) return transport::local_transport(interrupt_fd_);
  const std::string way = settings_.text("WF_TRANSPORT");
  if (way == "libssh2") return transport::libssh2_transport(*endpoint_, interrupt_fd_);
  if (way == "openssh") return transport::openssh_transport(*endpoint_, interrupt_fd_, {});
  if (bulk_) return transport::bulk_transport(*endpoint_, interrupt_fd_);
  return transport::auto_transport(*endpoint_, interrupt_fd_);
}

link::Link& Session::link() {
  if (!link_) link_ = std::make_unique<link::Link>(reach(), link::agents());
  return *link_;
}

protocol::Request Session::request(const std::string& verb, const Json& args,
                                   std::vector<protocol::Blob> blobs) const {
  protocol::Request request;
  request.verb = verb;
  request.args = request_args(settings_);
  request.args.update(args);
  request.token = random_hex(16);
  request.blobs = std::move(blobs);
  return request;
}

Json Session::stream(const std::string& verb, const Json& args, const link::CallOptions& options,
                     std::vector<protocol::Blob> blobs) {
  return link().call(request(verb, args, std::move(blobs)), options);
}

void Session::pause(std::int64_t ms) const { transport::pause(ms, interrupt_fd_); }

Json Session::stream_again(const std::string& verb, const Json& args,
                           const std::function<link::CallOptions()>& options,
                           const std::vector<protocol::Blob>& blobs) {
  Reconnect reconnect(Again::until_ended, -1, interrupt_fd_,
                      [&](const std::string& text, const Json&) {
                        if (remark_) remark_(text);
                      });
  while (true) {
    link::CallOptions once = options();
    const auto on_event = once.on_event;
    const auto on_bytes = once.on_bytes;
    once.on_event = [&](const Json& event) {
      // The listing comes each time; an agent that gets no further is no matter of the connection.
      if (text_at(event, "event") == "file") reconnect.heard(event);
      if (on_event) on_event(event);
    };
    once.on_bytes = [&](const Json& event, std::string_view bytes) {
      reconnect.heard(event);
      if (on_bytes) on_bytes(event, bytes);
    };
    try {
      return stream(verb, args, once, blobs);
    } catch (const Error& fault) {
      if (fault.code() == Code::unreachable) link_.reset();
      if (reconnect.again_after(fault)) continue;
      const bool far = settings_.target() != "local";
      if (!far || fault.code() != Code::unreachable) throw;
      throw LastKnown(settings_).told_with(fault);
    }
  }
}

void Session::prefer_bulk() {
  if (bulk_) return;
  bulk_ = true;
  link_.reset();
}

bool Session::bulk_pays(std::int64_t bytes) const {
  constexpr std::int64_t from_bytes = 64 << 20;
  constexpr std::int64_t longest_line_ms = 20;
  const std::string way = settings_.text("WF_TRANSPORT");
  const bool open = !bulk_ && link_ && way != "libssh2" && way != "openssh";
  const std::int64_t trip_ms = open ? link_->round_trip_ms() : -1;
  return bytes >= from_bytes && trip_ms >= 0 && trip_ms <= longest_line_ms;
}

Json Session::call(const Call& call) {
  const bool far = settings_.target() != "local";
  protocol::Request wanted = request(call.verb, call.args, call.blobs);
  const std::int64_t limit_ms = number_at(call.args, "limit_ms", -1);
  Reconnect reconnect(call.again, limit_ms, interrupt_fd_,
                      [&](const std::string& text, const Json& event) {
                        if (remark_) remark_(text);
                        if (call.on_event) call.on_event(event);
                      });
  Mask mask(secret_values());
  MaskedLog log(mask, call.on_event);
  link::CallOptions options;
  options.on_event = [&](const Json& event) {
    reconnect.heard(event);
    if (!mask.empty()) return log.tell(event);
    if (call.on_event) call.on_event(event);
  };
  while (true) {
    if (call.input) options.input = call.input();
    try {
      Json data = link().call(wanted, options);
      log.end();
      if (!mask.empty()) mask.apply(data);
      if (far) LastKnown(settings_).remember(data);
      return data;
    } catch (const Error& fault) {
      if (fault.code() == Code::unreachable) link_.reset();
      if (!reconnect.again_after(fault)) {
        if (!far || fault.code() != Code::unreachable) throw;
        throw LastKnown(settings_).told_with(fault);
      }
    }
    reconnect.go_on(wanted.args);
    wanted.again = true;
  }
}

std::vector<std::string> Session::secret_values() const {
  std::vector<std::string> values;
  for (const auto& [name, value] : secrets_) values.push_back(value);
  const std::string password = split_login(settings_.text("REPO_URL")).secret();
  if (!password.empty()) values.push_back(password);
  return values;
}

std::vector<protocol::Blob> Session::repo_login() const {
  const std::string login = split_login(settings_.text("REPO_URL")).login;
  if (login.empty()) return {};
  return {{"secret:WORKFLOW_REPO_LOGIN", login}};
}

Error Session::masked(const Error& error) const {
  const Mask mask(secret_values());
  if (mask.empty()) return error;
  Json texts = {error.what(), error.hint(), error.details()};
  mask.apply(texts);
  return {error.code(), texts[0].get<std::string>(), texts[1].get<std::string>(),
          texts[2].get<std::string>()};
}

std::vector<protocol::Blob> Session::secrets() const {
  std::vector<protocol::Blob> blobs;
  for (const auto& name : settings_.names("WF_SECRETS")) {
    const auto secret = secrets_.find(name);
    if (secret == secrets_.end()) {
      throw Error(Code::usage, "WF_SECRETS names '" + name + "', which is not set",
                  "export " + name + " first");
    }
    blobs.push_back({"secret:" + name, secret->second});
  }
  return blobs;
}

}  // namespace workflow::client
