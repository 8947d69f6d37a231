#include "tests/support/rent_account.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/unique_fd.h"

namespace workflow::test {

using namespace workflow::pods;

SharedClock::SharedClock(const fs::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid() || ::posix_fallocate(fd.get(), 0, sizeof *at_) != 0) {
    throw std::runtime_error("no clock in " + file.string());
  }
  void* at = ::mmap(nullptr, sizeof *at_, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) throw std::runtime_error("mmap");
  at_ = static_cast<std::int64_t*>(at);
}

RentAccount::RentAccount(const fs::path& dir, const std::string& kind)
    : clock_(dir / "clock"),
      ledger_(dir / "state/ledger.db"),
      provider_(new FakeProvider("acme", dir / "account", clock_)),
      renting_{.ledger = ledger_,
               .providers = providers_,
               .clock = clock_,
               .look =
                   [kind](const PodRow& row) {
                     const bool unfit = kind == "unfit" && row.price_total_hr < 2.5;
                     return HostLook{.answers = true, .gpu_count = unfit ? 0 : 1};
                   },
               .tell = {},
               .wait = [this](std::int64_t ms) { clock_.pass(ms); }} {
  providers_.emplace_back(provider_);
  provider_->market = {fake_offer("acme", "a1", 2.0), fake_offer("acme", "a2", 3.0)};
  provider_->up_after_ms = 1'000;
  if (kind == "late" || kind == "lost") provider_->seen_after_ms = 20'000;
  if (kind == "lost") {
    provider_->fail("create", 1, {.trouble = Trouble::network, .after = true, .maybe_done = true});
  }
  wish_.max_secs = 4 * 3600;
}

bool RentAccount::give_back() {
  const auto row = ledger_.bound(wish_.binding);
  if (row) (void)pods::give_back(renting_, *row);
  return row.has_value();
}

}  // namespace workflow::test
