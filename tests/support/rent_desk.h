#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/error.h"
#include "common/pipe.h"
#include "remote/pods/rent_steps.h"
#include "tests/support/fake_provider.h"
#include "tests/support/scratch.h"

namespace workflow::test {

/// A ledger, two fake providers, and time that passes only where somebody waits.
class RentDesk {
 public:
  RentDesk() {
    for (const char* name : {"acme", "zeta"}) {
      auto one = std::make_unique<FakeProvider>(name, scratch / name, clock);
      (name == std::string("acme") ? acme : zeta) = one.get();
      providers.push_back(std::move(one));
    }
    wish.max_secs = 4 * 3600;
    acme->market = {fake_offer("acme", "a1", 2.0), fake_offer("acme", "a2", 3.0)};
  }

  Scratch scratch{};
  FakeClock clock{};
  pods::Ledger ledger{scratch / "state/ledger.db"};
  std::vector<std::unique_ptr<pods::Provider>> providers{};
  FakeProvider* acme = nullptr;
  FakeProvider* zeta = nullptr;
  Pipe interrupt = make_pipe();
  pods::HostLook host{.answers = true, .cuda = pods::CudaVersion{12, 4}, .gpu_count = 1};
  std::vector<Json> events{};
  std::string press_at{};  ///< Ctrl-C when an event of that name is told
  pods::RentWish wish{.query = {}, .purpose = "pod-up", .binding = "/p/workflow.env"};
  pods::Renting renting{
      .ledger = ledger,
      .providers = providers,
      .clock = clock,
      .interrupt_fd = interrupt.read.get(),
      .look = [this](const pods::PodRow&) { return host; },
      .tell =
          [this](const Json& event) {
            events.push_back(event);
            if (text_at(event, "event") == press_at) press();
          },
      .wait = [this](std::int64_t ms) { pass(ms); },
  };

  void press() { REQUIRE(::write(interrupt.write.get(), "c", 1) == 1); }
  void pass(std::int64_t ms) {
    clock.at += ms;
    if (pods::interrupted(renting)) throw Error(Code::detached, "detached");
  }
  [[nodiscard]] std::string told() const {
    std::string names;
    for (const auto& event : events) names += text_at(event, "event") + " ";
    return names;
  }
  [[nodiscard]] std::string warnings() const {
    std::string texts;
    for (const auto& event : events) {
      if (text_at(event, "event") == "warning") texts += text_at(event, "text") + "\n";
    }
    return texts;
  }
  /// Everything that is rented anywhere.
  [[nodiscard]] std::size_t rented() const { return acme->pods().size() + zeta->pods().size(); }
  /// The row of the last intent.
  [[nodiscard]] pods::PodRow last() const { return ledger.all().front(); }
  /// The failure of a call; Code::ok where it did not fail.
  template <class Call>
  Error failure(Call call) {
    try {
      (void)call();
    } catch (const Error& error) {
      return error;
    }
    return Error(Code::ok, "nothing was thrown");
  }
  Error rent_fails() {
    return failure([&] { return pods::rent(renting, wish); });
  }
};

/// A row as another process of this user's on this machine would have left it.
inline pods::PodRow left_behind(const RentDesk& desk, pods::Held held, const std::string& id) {
  pods::PodRow row{.name = "wf-ana-left", .provider = "acme", .pod_id = id, .held = held};
  row.purpose = desk.wish.purpose;
  row.binding = desk.wish.binding;
  row.user_host = "ana@elsewhere 4711";
  row.intended_at = utc_text(desk.clock.at);
  if (held != pods::Held::intended) row.rented_at = row.intended_at;
  row.price_total_hr = 2.0;
  return row;
}

}  // namespace workflow::test
