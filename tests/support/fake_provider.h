#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "remote/pods/provider.h"

// A provider that is none: its account is a directory, one file a pod, so that it outlives the
// process that asks it. It does what real ones do not do on demand: answers that are lost before or
// after the effect, new pods that are listed late, ends that are called success and are none.
namespace workflow::test {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_ms() const override { return at; }
  [[nodiscard]] std::int64_t steady_ms() const override { return at; }
  std::int64_t at = 1'800'000'000'000;
};

class FakeProvider final : public pods::Provider {
 public:
  FakeProvider(std::string name, fs::path account, const Clock& clock);

  /// The `nth` call of that name from the beginning fails; `after`: it has had its effect.
  struct Fault {
    pods::Trouble trouble = pods::Trouble::network;
    bool after = false;
    bool maybe_done = false;
  };
  void fail(const std::string& call, int nth, Fault fault) { faults_[{call, nth}] = fault; }
  void fail_always(const std::string& call, Fault fault) { always_[call] = fault; }
  void heal() { always_.clear(); }
  [[nodiscard]] int calls(const std::string& call) const;

  pods::Traits how{.unseen_ms = 60'000};
  std::vector<pods::Offer> market{};
  std::int64_t seen_after_ms = 0;  ///< a new pod is in no answer before
  std::int64_t up_after_ms = 0;    ///< a new pod is running and has its address then
  int lies = 0;                    ///< so many ends that are called success and are none
  bool takes_timer = true;         ///< with the request
  bool sets_timer = true;          ///< later
  bool tells_no_id = false;        ///< create() answers without one
  std::function<void(const pods::PodRequest&)> at_create{};  ///< before its effect

  /// What is in the account now, whatever the answers say.
  [[nodiscard]] std::vector<pods::Pod> pods() const;
  void change(const std::string& id, const std::string& key, const Json& value);
  std::string put(const std::string& name, double price_total_hr = 0,
                  const std::string& ends_at = {});

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] pods::Traits traits() const override { return how; }
  [[nodiscard]] std::vector<pods::Offer> offers(const pods::GpuQuery& query) override;
  [[nodiscard]] std::string create(const pods::Offer& offer,
                                   const pods::PodRequest& request) override;
  [[nodiscard]] std::optional<pods::Pod> describe(const std::string& id) override;
  [[nodiscard]] std::vector<pods::Pod> list() override;
  void terminate(const std::string& id) override;
  void set_end(const std::string& id, const std::string& ends_at) override;

 private:
  template <class Effect>
  auto call(const std::string& name, Effect effect) -> decltype(effect());
  [[nodiscard]] pods::Pod read(const std::string& id) const;
  [[nodiscard]] bool is_seen(const std::string& id) const;
  [[nodiscard]] Json record(const std::string& id) const;
  void write(const std::string& id, const Json& record) const;

  std::string name_;
  fs::path account_;
  const Clock& clock_;
  std::map<std::string, int> calls_{};
  std::map<std::pair<std::string, int>, Fault> faults_{};
  std::map<std::string, Fault> always_{};
};

/// An offer of one provider with sensible values.
[[nodiscard]] pods::Offer fake_offer(const std::string& provider, const std::string& id,
                                     double price_total_hr);

}  // namespace workflow::test
