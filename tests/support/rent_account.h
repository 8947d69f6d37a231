#pragma once

#include <sys/mman.h>

#include <stdexcept>

#include "remote/pods/rent.h"
#include "tests/support/fake_provider.h"

namespace workflow::test {

/// A clock in a file: time passes for all who look only where one of them waits, and a kill takes
/// nothing back.
class SharedClock final : public Clock {
 public:
  explicit SharedClock(const fs::path& file);
  ~SharedClock() override { ::munmap(at_, sizeof *at_); }
  SharedClock(const SharedClock&) = delete;
  SharedClock& operator=(const SharedClock&) = delete;
  [[nodiscard]] std::int64_t now_ms() const override { return 1'800'000'000'000 + *at_; }
  [[nodiscard]] std::int64_t steady_ms() const override { return *at_; }
  void pass(std::int64_t ms) { *at_ += ms; }

 private:
  std::int64_t* at_ = nullptr;
};

/// A ledger, a provider's account and a wish below one directory: what one process after the other
/// finds there.
class RentAccount {
 public:
  /// `plain`; `late`: a new pod is shown after a while; `lost`: and the answer to the first create
  /// call is lost; `unfit`: the first offer's host is not what was wanted.
  RentAccount(const fs::path& dir, const std::string& kind);

  [[nodiscard]] pods::PodRow rent() { return pods::rent(renting_, wish_); }
  /// Gives back what is bound; true when there was something.
  bool give_back();
  [[nodiscard]] pods::Review review() { return pods::review(renting_); }
  [[nodiscard]] const pods::Ledger& ledger() const { return ledger_; }
  [[nodiscard]] const FakeProvider& provider() const { return *provider_; }

 private:
  SharedClock clock_;
  pods::Ledger ledger_;
  FakeProvider* provider_;
  std::vector<std::unique_ptr<pods::Provider>> providers_{};
  pods::RentWish wish_{.query = {}, .purpose = "pod-up", .binding = "/p/workflow.env"};
  pods::Renting renting_;
};

}  // namespace workflow::test
