#include "client/reconnect.h"

#include <algorithm>
#include <iterator>

#include "common/clock.h"
#include "common/text.h"
#include "remote/link/link.h"
#include "remote/protocol/message.h"
#include "remote/transport/pause.h"

namespace workflow::client {
namespace {

constexpr std::int64_t pauses_ms[] = {0, 500, 1000, 2000, 4000, 5000};
constexpr std::int64_t give_up_ms = 12LL * 3600 * 1000;
// An agent that answers and dies each time is no matter of the connection.
constexpr int answers_in_vain = 5;

}  // namespace

Reconnect::Reconnect(Again again, std::int64_t limit_ms, int interrupt_fd,
                     std::function<void(const std::string&, const Json&)> tell)
    : again_(again),
      limit_ms_(limit_ms),
      interrupt_fd_(interrupt_fd),
      tell_(std::move(tell)),
      begun_ms_(system_clock().steady_ms()) {}

void Reconnect::heard(const Json& event) {
  if (text_at(event, "event") == "log") {
    offset_ =
        number_at(event, "offset") + static_cast<std::int64_t>(protocol::log_bytes(event).size());
  }
  if (text_at(event, "event") == "log_hole") offset_ = number_at(event, "to");
  if (const std::string of = text_at(event, "of"); !of.empty()) of_ = of;
  in_vain_ = 0;
  if (lost_ms_ == 0) return;
  const std::int64_t away = (system_clock().steady_ms() - lost_ms_) / 1000;
  lost_ms_ = 0;
  if (again_ == Again::until_ended) {
    tell_(away > 0 ? "connected again after " + human_duration(away) : "connected again",
          {{"event", "connection"}, {"state", "back"}, {"away_secs", away}});
  }
}

bool Reconnect::again_after(const Error& fault) {
  const bool answered = dynamic_cast<const link::LostConnection*>(&fault) != nullptr;
  const bool was_there = answered || losses_ > 0;
  if (again_ == Again::never || fault.code() != Code::unreachable || !was_there) return false;
  if (again_ == Again::once && (losses_ > 0 || !answered)) return false;
  losses_ += 1;
  in_vain_ += 1;
  if (answered && in_vain_ >= answers_in_vain) return false;
  const std::int64_t now = system_clock().steady_ms();
  if (lost_ms_ == 0) {
    lost_ms_ = now;
    if (again_ == Again::until_ended) {
      tell_("connection lost; trying again (^C leaves it, the work goes on)",
            {{"event", "connection"}, {"state", "lost"}, {"reason", fault.what()}});
    }
  }
  // With the wait's end nothing is known of the work: the fault says so, a 124 would not.
  if (now - lost_ms_ > give_up_ms) return false;
  if (limit_ms_ >= 0 && now - begun_ms_ >= limit_ms_) return false;
  const auto step =
      std::min<std::size_t>(static_cast<std::size_t>(in_vain_ - 1), std::size(pauses_ms) - 1);
  const std::int64_t left = limit_ms_ >= 0 ? begun_ms_ + limit_ms_ - now : pauses_ms[step];
  transport::pause(std::min(pauses_ms[step], left), interrupt_fd_);
  return true;
}

void Reconnect::go_on(Json& args) const {
  if (offset_) {
    args["offset"] = *offset_;
    args.erase("tail_lines");
  }
  if (!of_.empty()) args["of"] = of_;
  if (member(args, "limit_ms").is_number()) {
    const std::int64_t spent = system_clock().steady_ms() - begun_ms_;
    args["limit_ms"] = std::max<std::int64_t>(0, number_at(args, "limit_ms") - spent);
  }
}

}  // namespace workflow::client
