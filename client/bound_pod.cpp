#include "client/bound_pod.h"

#include "client/pods.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "tasks/refused.h"

namespace workflow::client {
namespace {

std::optional<pods::Ledger> open_ledger() {
  const fs::path file = pods::Ledger::place();
  if (presence(file) != Presence::there) return std::nullopt;
  return std::make_optional<pods::Ledger>(file);
}

}  // namespace

std::string binding_of(const Settings& settings) {
  const fs::path place = settings.file().empty() ? settings.base_dir() : settings.file();
  std::error_code ignored;
  const fs::path real = fs::weakly_canonical(place, ignored);
  return real.empty() ? place.string() : real.string();
}

std::optional<pods::PodRow> last_pod(const Settings& settings) {
  const auto ledger = open_ledger();
  return ledger ? ledger->last_bound(binding_of(settings)) : std::nullopt;
}

Settings with_bound_pod(const Settings& settings) {
  if (!settings.target().empty()) return settings;
  const auto pod = last_pod(settings);
  if (!pod || pod->over() || pod->pod_id.empty()) return settings;
  return settings.with("WF_TARGET", pod_target(*pod), "ledger");
}

std::optional<pods::PodRow> pod_of_target(const Settings& settings) {
  const Target target = parse_target(settings.target());
  if (target.kind != Target::Kind::pod) return std::nullopt;
  const auto ledger = open_ledger();
  if (!ledger) return std::nullopt;
  if (auto row = ledger->find(target.provider, target.destination)) return row;
  const auto row = ledger->find(target.destination);
  return row && row->provider == target.provider ? row : std::nullopt;
}

bool rents(const Settings& settings) {
  if (!settings.target().empty()) return false;
  return settings.is_set("WF_PROVIDER") || settings.is_set("WF_PROVISION") ||
         last_pod(settings).has_value();
}

Json state_without_pod(const Settings& settings) {
  const bool named = !settings.target().empty();
  const auto pod = named ? pod_of_target(settings) : last_pod(settings);
  const bool ended = pod && pod->held == pods::Held::ended;
  const fsm::State state = ended ? fsm::State::pod_terminated : fsm::State::init;
  Json legal = Json::array();
  for (const auto event : fsm::legal_commands(state)) legal.push_back(fsm::name(event));
  Json out = {{"state", fsm::name(state)},
              {"recorded_state", fsm::name(state)},
              {"revision", 0},
              {"certainty", "proven"},
              {"known_by", "ledger"},
              {"lease", nullptr},
              {"campaign", nullptr},
              {"pod", nullptr},
              {"legal_commands", std::move(legal)}};
  if (!ended) {
    out["reason"] = pod ? "'" + pod->name + "' is not rented yet" : "nothing is rented yet";
    return out;
  }
  out["reason"] = "'" + pod->name + "' was given back";
  out["updated_at"] = pod->ended_at;
  out["pod"] = {{"provider", pod->provider}, {"id", pod->pod_id}, {"name", pod->name}};
  return out;
}

void require_pod(const Settings& settings, std::optional<fsm::Event> command) {
  if (!command || !rents(settings)) return;
  const auto state = fsm::state_from(text_at(state_without_pod(settings), "state")).value();
  if (!fsm::next(state, *command)) throw tasks::illegal(state, *command, false);
}

std::optional<Bill> bill_of(const Settings& settings) {
  if (settings.target().empty()) return std::nullopt;
  const auto pod = pod_of_target(settings);
  const auto rented = pod ? parse_utc(pod->rented_at) : std::nullopt;
  if (!rented || pod->over() || pod->price_total_hr <= 0) return std::nullopt;
  const bool timed = pod->ending != pods::Ending::only_by_us;
  return Bill{*rented, pod->price_total_hr, timed ? parse_utc(pod->ends_at) : std::nullopt};
}

std::string bill_text(const Bill& bill, std::int64_t now_ms) {
  const auto until = [&](std::int64_t ms) {
    return usd(bill.usd_per_hour * static_cast<double>(ms - bill.rented_ms) / 3'600'000);
  };
  return until(now_ms) + (bill.ends_ms ? " of " + until(*bill.ends_ms) : std::string());
}

std::string cost_note(const Settings& settings) {
  const auto bill = bill_of(settings);
  if (!bill) return {};
  const std::string end =
      bill->ends_ms ? utc_text(*bill->ends_ms) : std::string("workflow pod-down");
  return "the pod costs " + usd(bill->usd_per_hour) + "/h until " + end;
}

}  // namespace workflow::client
