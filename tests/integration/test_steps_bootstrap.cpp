// bootstrap's packages, the login for W&B, and the file for the user's own scripts.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/step_space.h"

namespace workflow::test {
namespace {

/// A fake apt-get and a fake dpkg-query in front of PATH: what the first "installs" the second
/// lists. `lines` of shell run at every `apt-get install`; what apt-get was called with is in
/// `apt-calls`.
class FakeApt {
 public:
  FakeApt(StepSpace& at, const std::string& on_install, const std::string& on_update = "")
      : space_(at.space) {
    at.space.write("bin/apt-get", "#!/bin/sh\ncd '" + at.space.dir().string() +
                                      "'\necho \"$*\" >>apt-calls\n"
                                      "case \"$*\" in\n*update) :\n" +
                                      on_update + "\n;;\n*install*) :\n" + on_install +
                                      "\n;;\nesac\n");
    at.space.write("bin/dpkg-query",
                   "#!/bin/sh\ncat '" + at.space.dir().string() + "/installed' 2>/dev/null\n");
    at.space.write("bin/sudo", "#!/bin/sh\n[ \"$1\" = -n ] && shift\nexec \"$@\"\n");
    for (const char* name : {"apt-get", "dpkg-query", "sudo"}) {
      ::chmod((at.space.dir() / "bin" / name).c_str(), 0755);
    }
    at.space.set("PATH=" + (at.space.dir() / "bin").string() + ":" + std::getenv("PATH"));
    at.space.set("AUTO_INSTALL_PREREQS=1");
    (void)at.space.data({"pod-up"});
  }

  [[nodiscard]] std::string calls() const {
    return real_files().read(space_.dir() / "apt-calls").value_or("");
  }

 private:
  const Workspace& space_;
};

const std::string installs_all =
    "for p; do case $p in -*|install) ;; *) echo \"installed $p \" >>installed ;; esac; done";

}  // namespace

TEST_CASE("what APT_PACKAGES promises is installed, and only what is missing") {
  StepSpace at;
  const FakeApt apt(at, installs_all);
  at.space.set("APT_PACKAGES=git ffmpeg=7:5.1 jq");
  const Captured answer = at.space.run({"bootstrap"});
  INFO(answer.err);
  CHECK(answer.status.code == 7);  // the fake installs `ffmpeg=7:5.1`, no package of that name
  at.space.write("installed", "installed ffmpeg codecs, av (= 1)\n");
  at.space.set("APT_PACKAGES=git ffmpeg=7:5.1 jq codecs av");
  const Captured again = at.space.run({"bootstrap"});
  INFO(again.err);
  CHECK(again.status.code == 0);
  CHECK(contains(apt.calls(), "install -y --no-install-recommends -- jq\n"));
  CHECK(contains(apt.calls(), "DPkg::Lock::Timeout=300"));
  const auto calls = apt.calls();
  CHECK(at.space.run({"bootstrap"}).status.code == 0);
  CHECK(apt.calls() == calls);
}

TEST_CASE("an apt-get that installs nothing and says well is found out") {
  StepSpace at;
  const FakeApt apt(at, "true");
  at.space.set("APT_PACKAGES=git jq ffmpeg");
  const Captured answer = at.space.run({"bootstrap"});
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "not there is: jq, ffmpeg"));
  CHECK(text_at(at.space.state(), "state") == "POD_READY");
}

TEST_CASE("lists that cannot be fetched are no failure, an install that fails is") {
  StepSpace at;
  at.space.set("APT_PACKAGES=jq");
  SECTION("the lists") {
    const FakeApt apt(at, installs_all, "echo 'E: no network'; exit 100");
    const Captured answer = at.space.run({"bootstrap"});
    INFO(answer.err);
    CHECK(answer.status.code == 0);
  }
  SECTION("the install") {
    const FakeApt apt(at, "echo 'E: Unable to locate package jq'; exit 100");
    const Captured answer = at.space.run({"bootstrap"});
    CHECK(answer.status.code == 1);
    CHECK(contains(answer.err, "could not install jq: E: Unable to locate package jq"));
    CHECK(contains(answer.err, "APT_PACKAGES"));
    CHECK(text_at(at.space.state(), "state") == "POD_READY");
  }
}

TEST_CASE("without apt-get the failure says so") {
  StepSpace at;
  (void)at.space.data({"pod-up"});
  at.space.set("AUTO_INSTALL_PREREQS=1");
  at.space.set("APT_PACKAGES=nosuch-package");
  at.only_programs({"sh", "bash", "git", "uname", "id", "mkdir", "cat", "wc", "sha256sum", "chmod",
                    "mv", "rm", "cp", "env"});
  const Captured answer = at.space.run({"bootstrap"});
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "there is no apt-get on the target"));
}

TEST_CASE("the scripts of bootstrap: absence is a remark, failure keeps the state") {
  StepSpace at;
  (void)at.space.data({"pod-up"});
  at.space.set("BOOTSTRAP_SCRIPT=" + (at.space.dir() / "prepare.sh").string());
  const Captured absent = at.space.run({"bootstrap"});
  CHECK(absent.status.code == 0);
  CHECK(contains(absent.err, "prepare.sh' is not there; passed over"));
  (void)at.space.run({"fsm-reset", "POD_READY", "--yes"});
  at.space.write("prepare.sh", "true\n");
  CHECK(at.space.run({"bootstrap"}).status.code == 0);
  at.space.write("prepare.sh", "echo before; exit 3\n");
  CHECK(contains(at.space.run({"checkout"}).err, "BOOTSTRAP_SCRIPT has changed"));
  (void)at.space.run({"fsm-reset", "POD_READY", "--yes"});
  CHECK(at.space.run({"bootstrap"}).status.code == 1);
  CHECK(text_at(at.space.state(), "state") == "POD_READY");
}

TEST_CASE("W&B: the script runs when it is asked for, and a login has to be there") {
  StepSpace at;
  (void)at.space.data({"pod-up"});
  const fs::path script = at.space.dir() / "wandb.sh";
  at.space.set("WANDB_SETUP_SCRIPT=" + script.string());
  CHECK(at.space.run({"bootstrap"}).status.code == 0);  // nobody asked for it
  at.space.set("SWEEP_WANDB=1");
  const Captured absent = at.space.run({"bootstrap"});
  CHECK(absent.status.code == 7);
  CHECK(contains(absent.err, "wandb.sh' is not there"));
  at.space.write("wandb.sh", "true\n");
  const Captured none = at.space.run({"bootstrap"});
  CHECK(none.status.code == 0);
  CHECK(contains(none.err, "there is no login for W&B"));
  SECTION("by a variable") {
    at.space.set("WANDB_API_KEY=0123456789");
    at.space.set("WF_SECRETS=WANDB_API_KEY");
  }
  SECTION("by the script") {
    at.space.write("wandb.sh",
                   "printf 'machine api.wandb.ai\\n  login user\\n  password x\\n' >~/.netrc\n");
  }
  const Captured good = at.space.run({"bootstrap"});
  CHECK(good.status.code == 0);
  CHECK_FALSE(contains(good.err, "no login"));
}

TEST_CASE("the file for the user's own scripts gives every byte back, to its owner alone") {
  StepSpace at;
  const std::string value = "a $HOME `id` \"q\" 'p' \\n\nsecond line $(id) * ~ ;& #end";
  at.space.set("WANDB_PROJECT=" + value);
  at.space.set("WF_SECRETS=MY_SECRET");
  at.space.set("MY_SECRET=hidden-value");
  const fs::path file = at.space.dir() / "env dir" / "project.env";
  at.space.set("REMOTE_ENV_PATH=" + file.string());
  (void)at.space.data({"pod-up"});
  const Captured answer = at.space.run({"bootstrap"});
  INFO(answer.err);
  REQUIRE(answer.status.code == 0);
  for (const char* shell : {"bash", "sh"}) {
    CaptureSpec spec;
    spec.argv = {shell, "-c", ". \"$0\" && printf %s \"$WANDB_PROJECT\"", file.string()};
    CHECK(capture(spec).out == value);
  }
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600);
  CHECK_FALSE(contains(read_file(file), "hidden-value"));
  CHECK(real_files().list(file.parent_path()).size() == 1);
}

}  // namespace workflow::test
