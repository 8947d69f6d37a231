#include "client/pods.h"

#include <algorithm>

#include "client/bound_pod.h"
#include "client/dead_man.h"
#include "client/provider_access.h"
#include "common/text.h"

namespace workflow::client {
namespace {

using pods::HostLook;
using pods::PodRow;

/// Sets the timer in the pod itself, where its provider has none. Why it is not set; empty when it
/// is, or is not wanted.
std::string arm(Session& session, const PodRow& row) {
  if (row.ending != pods::Ending::by_pod_key || row.ends_at.empty()) return {};
  const Json timer = arm_dead_man(session, row.provider, row.ends_at);
  return flag_at(timer, "armed") ? std::string()
                                 : text_at(timer, "why", "the pod could not say why");
}

/// One look by ssh: does the host answer, and is it what was rented?
HostLook look_at(const Settings& settings, int interrupt_fd, const PodRow& row) {
  HostLook look;
  try {
    // Its secrets are for the session that follows: each may be taken from the environment once.
    const Settings there = settings.with("WF_TARGET", pod_target(row)).with("WF_SECRETS", "");
    Session session(there, interrupt_fd);
    const Json host = session.call({.verb = "host-look", .again = Again::never});
    look.answers = true;
    look.cuda = pods::parse_cuda(text_at(host, "cuda"));
    if (text_at(host, "unknown").empty()) {
      look.gpu_count = static_cast<std::int64_t>(member(host, "gpus").size());
    }
    look.no_timer = arm(session, row);
  } catch (const Error& fault) {
    if (fault.code() == Code::detached) throw;
    look.why_not = fault.what();
    look.never_will = fault.code() == Code::precondition;
  }
  return look;
}

std::vector<std::string> words_of(const std::string& text) {
  std::string spaced = text;
  std::replace(spaced.begin(), spaced.end(), ',', ' ');
  std::vector<std::string> words;
  for (auto& word : split(spaced, ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

std::optional<double> real(const Settings& settings, const char* key) {
  if (!settings.is_set(key)) return std::nullopt;
  return std::stod(settings.text(key));
}

std::optional<std::int64_t> longest(const Settings& settings, const RentRequest& request) {
  if (request.max_secs) return request.max_secs;
  if (const auto hours = real(settings, "POD_MAX_HOURS")) {
    return static_cast<std::int64_t>(*hours * 3600);
  }
  if (settings.is_set("LIUM_TTL")) return settings.seconds("LIUM_TTL");
  return std::nullopt;
}

pods::RentWish wish_of(const Settings& settings, const RentRequest& request) {
  const auto max_cost = request.max_cost ? request.max_cost : real(settings, "POD_MAX_COST");
  return {.query = request.query,
          .purpose = request.purpose,
          .binding = request.bind ? binding_of(settings) : std::string(),
          .public_key = pod_key(settings).public_line,
          .image = settings.text("POD_IMAGE"),
          .ports = words_of(settings.text("LIUM_PORTS")),
          .volume = settings.text("LIUM_VOLUME"),
          .offer_id = settings.text("LIUM_EXECUTOR_ID"),
          .pod_name = settings.text("LIUM_POD_NAME"),
          .max_secs = longest(settings, request),
          .max_cost = max_cost,
          .ready_limit_ms = settings.seconds("POD_WAIT_MAX_SECS") * 1000};
}

/// One command's renting: what rent.h needs, alive as long as it is used.
struct Desk {
  pods::Ledger ledger{pods::Ledger::place()};
  std::vector<std::unique_ptr<pods::Provider>> providers;
  pods::Renting renting;

  Desk(const Settings& settings, int interrupt_fd,
       std::vector<std::unique_ptr<pods::Provider>> with, const OnEvent& on_event)
      : providers(std::move(with)),
        renting{ledger,
                providers,
                system_clock(),
                interrupt_fd,
                [settings, interrupt_fd](const PodRow& row) {
                  return look_at(settings, interrupt_fd, row);
                },
                on_event ? on_event : [](const Json&) {}} {}
};

std::optional<pods::SshAddress> ask_address(const Settings& settings, const std::string& provider,
                                            const std::string& id, int interrupt_fd) {
  const auto asked = pods::make_provider(provider, provider_context(settings, interrupt_fd));
  auto pod = asked->describe(id);
  if (!pod) {  // a name, perhaps
    for (auto& one : asked->list()) {
      if (one.name == id) pod = std::move(one);
    }
  }
  if (!pod || pod->status == pods::PodStatus::ended) {
    throw Error(Code::not_found, provider + " has no pod '" + id + "'",
                "workflow pod-list shows what this machine has rented");
  }
  if (pod->ssh) return pod->ssh;
  const std::string why = pod->no_ssh_reason.empty() ? pod->status_text : pod->no_ssh_reason;
  throw Error(Code::unreachable,
              "pod '" + id + "' has no address yet (" + std::string(name(pod->status)) +
                  (why.empty() ? "" : ": " + why) + ")",
              "workflow pod-wait waits for it");
}

}  // namespace

PodRow rent_pod(const Settings& settings, int interrupt_fd, const RentRequest& request,
                const OnEvent& on_event) {
  auto providers = providers_for(
      settings, request.query, interrupt_fd,
      [&](const std::string& name, const pods::ProviderError& why) {
        on_event({{"event", "warning"}, {"text", name + " could not be asked: " + why.what()}});
      });
  Desk desk(settings, interrupt_fd, std::move(providers), on_event);
  return pods::rent(desk.renting, wish_of(settings, request));
}

PodRow return_pod(const Settings& settings, int interrupt_fd, const PodRow& row,
                  const OnEvent& on_event) {
  std::vector<std::unique_ptr<pods::Provider>> providers;
  providers.push_back(pods::make_provider(row.provider, provider_context(settings, interrupt_fd)));
  Desk desk(settings, interrupt_fd, std::move(providers), on_event);
  return pods::give_back(desk.renting, row);
}

pods::Review review_pods(const Settings& settings, int interrupt_fd) {
  const auto context = provider_context(settings, interrupt_fd);
  std::vector<std::string> names = pods::providers_with_credentials(context);
  for (const auto& row : pods::Ledger(pods::Ledger::place()).all()) {
    if (!row.over()) names.push_back(row.provider);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<std::unique_ptr<pods::Provider>> providers;
  std::vector<std::string> unasked;
  for (const auto& name : names) {
    try {
      providers.push_back(pods::make_provider(name, context));
    } catch (const Error& fault) {
      unasked.push_back(name + ": " + fault.what());
    }
  }
  Desk desk(settings, interrupt_fd, std::move(providers), {});
  pods::Review review = pods::review(desk.renting);
  review.unasked.insert(review.unasked.end(), unasked.begin(), unasked.end());
  return review;
}

PodRow settle_pod(const Settings& settings, int interrupt_fd, PodRow row) {
  std::vector<std::unique_ptr<pods::Provider>> providers;
  providers.push_back(pods::make_provider(row.provider, provider_context(settings, interrupt_fd)));
  Desk desk(settings, interrupt_fd, std::move(providers), {});
  return pods::settle(desk.renting, std::move(row));
}

std::string pod_target(const PodRow& row) { return row.provider + ":" + row.pod_id; }

transport::Endpoint pod_endpoint(const Settings& settings, const std::string& provider,
                                 const std::string& id, int interrupt_fd, bool fresh) {
  const fs::path file = pods::Ledger::place();
  std::optional<PodRow> row;
  if (presence(file) == Presence::there) row = pods::Ledger(file).find(provider, id);
  std::optional<pods::SshAddress> address;
  if (row && !fresh) address = row->ssh;
  if (!address) {
    address = ask_address(settings, provider, id, interrupt_fd);
    if (row && row->ssh != address) {
      row->ssh = address;
      (void)pods::Ledger(file).save_if(*row, row->held);  // another's word is newer
    }
  }
  transport::Endpoint endpoint = transport::resolve_endpoint(
      "ssh://" + address->user + "@" + address->host + ":" + std::to_string(address->port));
  endpoint.identity_files.insert(endpoint.identity_files.begin(), pod_key(settings).private_key);
  return transport::rented(std::move(endpoint), provider + "-" + id);
}

}  // namespace workflow::client
