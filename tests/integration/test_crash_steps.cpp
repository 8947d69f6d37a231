// bootstrap and checkout, with each of their processes killed at every call.
#include "tests/support/crash_rounds.h"
#include "tests/support/step_space.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// One step, asked for again and again: its own program counts how often it was at work.
class StepCrash final : public CrashScenario {
 public:
  explicit StepCrash(std::string step) : step_(std::move(step)) {
    (void)use_memory_disk();
    at_.emplace();
    at_->space.write("tools/tmux", "#!/bin/sh\n[ \"$1\" = -V ] && echo tmux 3.3a\n");
    fs::permissions(at_->space.dir() / "tools/tmux", fs::perms::owner_all);
    at_->space.set("PATH=" + (at_->space.dir() / "tools").string() + ":" + std::getenv("PATH"));
    at_->space.set("CHECKOUT_INSTALL_CMD=" + alone());
    at_->space.write("setup.sh", "#!/bin/bash\n" + alone());
    at_->space.set("BOOTSTRAP_SCRIPT=" + (at_->space.dir() / "setup.sh").string());
    at_->ready();
  }
  [[nodiscard]] const Workspace& space() const override { return at_->space; }

  std::vector<std::string> begin(int) override {
    from_ = step_ == "bootstrap" ? "POD_READY" : "BOOTSTRAPPED";
    to_ = step_ == "bootstrap" ? "BOOTSTRAPPED" : "CHECKED_OUT";
    (void)space().data({"fsm-reset", from_, "--yes"});
    fs::remove_all(at_->copy());
    fs::remove(space().home() / "finished");
    return {step_};
  }

  void check_quiet() override {
    const std::string recorded = text_at(space().state(), "state");
    const Json seen = space().data({"fsm-status"});
    INFO(seen.dump());
    const std::string state = text_at(seen, "state");
    CHECK((state == from_ || state == to_));
    if (state == to_) check_done();
    if (state == from_) CHECK(recorded == from_);
    CHECK(member(seen, "lease").is_null());
  }

  void finish(const CrashPoint& point, const std::string&) override {
    Captured again = space().run({step_});
    // The step that was hit may be the very one that was attached to: it fails, and the next works.
    const bool joined = point.after && (again.status.code == 1 || again.status.code == 7);
    if (joined) again = space().run({step_});
    INFO(again.err << again.out);
    CHECK(again.status.code == 0);
    CHECK(text_at(space().state(), "state") == to_);
    // The step that was hit may still be on its way, as another one after this.
    CHECK(eventually([&] { return member(space().state(), "lease").is_null(); }));
    check_done();
    CHECK_FALSE(fs::exists(space().home() / "doubled"));
  }

 private:
  /// Notes when two of it are at work at once, and that it came to its end.
  static std::string alone() {
    return "exec 9>\"$HOME/alone\"; flock -n 9 || echo twice >> \"$HOME/doubled\"; "
           "echo done >> \"$HOME/finished\"\n";
  }

  void check_done() const {
    CHECK(fs::exists(space().home() / "finished"));
    if (step_ == "checkout") CHECK(at_->in_copy("README") == "a training\n");
  }

  std::optional<StepSpace> at_;
  std::string step_;
  std::string from_;
  std::string to_;
};

}  // namespace

TEST_CASE("bootstrap, killed anywhere: bootstrapped only when it was, and the next one works") {
  StepCrash scenario("bootstrap");
  CHECK(CrashRounds(scenario, 15).run() > 10);
}

TEST_CASE("checkout, killed anywhere: checked out only when it was, and the next one works") {
  StepCrash scenario("checkout");
  CHECK(CrashRounds(scenario, 25).run() > 10);
}
