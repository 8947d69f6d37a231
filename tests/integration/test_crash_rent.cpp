// kill -9 of a client that rents or gives back, at every call that others can see. Whatever was
// killed: no pod is there that the ledger does not know, never are there two, and the same command,
// given again, finishes the work.
#include <fcntl.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "tests/support/crash_at.h"
#include "tests/support/memory_disk.h"
#include "tests/support/rent_account.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::pods;
using namespace workflow::test;

namespace {

constexpr std::int64_t limit_ms = 60'000;

/// Every pod of the account has its row, and there is no second one.
void check_ledger(RentAccount& account) {
  const auto pods = account.provider().pods();
  CHECK(pods.size() <= 1);
  for (const auto& pod : pods) {
    const auto row = account.ledger().find(pod.name);
    REQUIRE(row);
    CHECK((row->pod_id == pod.id || row->pod_id.empty()));
    CHECK(row->held != Held::ended);
    CHECK(row->held != Held::never);
  }
}

/// The review shows every pod of the account, and takes none for another's.
void check_review(RentAccount& account) {
  const auto pods = account.provider().pods();
  const Review review = account.review();
  CHECK(review.unasked.empty());
  CHECK(review.live.size() >= pods.size());
  for (const auto& orphan : review.orphans) CHECK(orphan.ours);
  for (const auto& pod : pods) {
    const auto same = [&](const PodRow& row) { return row.name == pod.name; };
    CHECK(std::any_of(review.live.begin(), review.live.end(), same));
  }
}

/// Kills one command at one instant; what its ledger and its provider's account then say.
class Killing {
 public:
  Killing(std::string kind, std::string command, bool reviewed = true)
      : kind_(std::move(kind)), command_(std::move(command)), reviewed_(reviewed) {}

  /// Every `stride`-th instant, before and after the call; how many there were.
  int run(int stride) {
    if (std::getenv("WORKFLOW_THOROUGH") != nullptr) stride = 1;
    int points = 0;
    for (const bool after : {false, true}) {
      int nth = 1 + (after ? stride / 2 : 0);
      for (; round({Role::client, nth, after}); nth += stride) points += 1;
    }
    std::cout << command_ << " (" << kind_ << "): " << points << " points\n";
    return points;
  }

 private:
  /// False when the point was never reached.
  bool round(const CrashPoint& point) {
    const Scratch scratch;
    if (command_ == "give-back") (void)RentAccount(scratch.path(), kind_).rent();
    const UniqueFd said(::open((scratch / "said").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    CrashAt crash(program(scratch.path(), said.get()), point);
    REQUIRE(crash.quiet(limit_ms));
    INFO(command_ << " (" << kind_ << ") " << point.text() << ", a " << crash.last_call()
                  << "; it said: " << read_file(scratch / "said"));
    REQUIRE((crash.struck() || crash.program_end()->code == 0));
    RentAccount account(scratch.path(), kind_);
    check_ledger(account);
    if (reviewed_) check_review(account);
    if (command_ == "rent") finish_renting(account);
    (void)account.give_back();
    CHECK(account.provider().pods().empty());
    CHECK_FALSE(account.ledger().bound("/p/workflow.env"));
    CHECK(account.review().live.empty());
    return crash.struck();
  }

  static void finish_renting(RentAccount& account) {
    const PodRow pod = account.rent();
    CHECK(pod.held == Held::ready);
    REQUIRE(account.provider().pods().size() == 1);
    CHECK(account.provider().pods().front().id == pod.pod_id);
    check_ledger(account);
    check_review(account);
  }

  [[nodiscard]] SpawnSpec program(const fs::path& dir, int said) const {
    SpawnSpec spec;
    spec.argv = {WORKFLOW_RENTER, dir.string(), kind_, command_};
    spec.env = std::vector<std::string>{"USER=ana", "HOME=" + dir.string()};
    spec.workdir = dir;
    spec.out = spec.err = said;
    return spec;
  }

  std::string kind_;
  std::string command_;
  bool reviewed_;  ///< before the command is given again
};

}  // namespace

TEST_CASE("a client killed while it rents leaves no pod unknown and never two") {
  (void)use_memory_disk();
  const std::string kind = GENERATE("plain", "late", "lost", "unfit");
  const bool reviewed = GENERATE(true, false);
  CHECK(Killing(kind, "rent", reviewed).run(4) > 50);
}

TEST_CASE("a client killed while it gives back leaves an end that is finished") {
  (void)use_memory_disk();
  CHECK(Killing("plain", "give-back").run(3) > 10);
}
