// Jobs on machines that are rented for them: real loopback pods, each given back or told of.
#include "common/text.h"
#include "remote/pods/offer.h"
#include "tests/support/jobs.h"

namespace workflow::test {
namespace {

const std::string until_go =
    "echo up; until [ -e go ]; do sleep 0.05; done; echo r > out; echo end";

/// A user who rents loopback pods. What is still rented at the end is given back.
struct Renter : Jobs {
  Renter() {
    space.set("WF_TARGET=");
    space.set("WF_PROVIDER=loopback");
  }
  ~Renter() {
    for (const auto& pod : pods()) {
      (void)space.run({"--target", text_at(pod, "provider") + ":" + text_at(pod, "id"), "pod-down",
                       "--abandon", text_at(pod, "name")});
    }
  }
  Renter(const Renter&) = delete;
  Renter& operator=(const Renter&) = delete;

  [[nodiscard]] Json pods() const {
    return member(member(space.json({"pod-list"}), "data"), "pods");
  }
  [[nodiscard]] std::vector<std::string> words(const std::string& id,
                                               const std::vector<std::string>& more) const {
    std::vector<std::string> all{"-q", "job-run", "--id", id, "--provision", "type=cpu"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] Captured rented(const std::string& id, const std::vector<std::string>& more) const {
    return space.run(words(id, more));
  }
  /// Where a job's workspace is on its pod, which is on this machine.
  [[nodiscard]] fs::path far_workspace(const std::string& id) const {
    return text_at(member(space.json({"job-logs", id}), "data"), "workspace");
  }
  [[nodiscard]] bool nothing_left() const {
    const fs::path roots = space.home() / ".local" / "state" / "workflow" / "loopback";
    const bool empty = !fs::exists(roots) || fs::is_empty(roots);
    return empty && pods().empty();
  }
};

}  // namespace

TEST_CASE("job-run rents, runs, streams, fetches and gives back, with nothing left behind") {
  const Renter user;
  const Captured done =
      user.rented("j", {"--bootstrap", "x=echo booted > b", "--download", "out:./back", "--command",
                        "cat a.py b; echo err >&2; echo r > out"});
  INFO(done.err);
  CHECK(done.ok());
  CHECK(done.out == "print('hello from a')\nbooted\nerr\n");
  CHECK(read_file(user.space.dir() / "back") == "r\n");
  CHECK(user.nothing_left());
  // Asked again it says so and rents nothing.
  const Json again =
      member(user.space.json({"job-run", "--id", "j", "--provision", "type=cpu", "--command", "x"}),
             "data");
  CHECK(text_at(again, "state") == "success");
  CHECK(flag_at(member(again, "pod"), "rented"));
  CHECK(flag_at(member(again, "pod"), "given_back"));
  CHECK(text_at(member(again, "pod"), "provider") == "loopback");
  CHECK(member(member(again, "cost"), "usd").is_number());
  CHECK(user.nothing_left());
  CHECK(user.space.run({"job-terminate", "j"}).ok());
}

TEST_CASE("the log of a job is here when its machine is no more") {
  const Renter user;
  CHECK(user.rented("j", {"--bootstrap", "x=echo booted", "--command", "echo said"}).ok());
  CHECK(user.space.run({"job-logs", "j"}).out == "said\n");
  const fs::path kept = user.space.home() / ".local/state/workflow/jobs/j";
  CHECK(read_file(kept / "bootstrap-1-x.log") == "booted\n");
  CHECK(text_at(member(user.space.json({"job-wait", "j"}), "data"), "log") ==
        (kept / "stdout.log").string());
}

TEST_CASE("gc ends the machine of a job that nobody waits for, and what it left comes here first") {
  const Renter user;
  CHECK(user.space
            .run({"-q", "job-start", "--id", "j", "--provision", "type=cpu", "--download",
                  "out:./back", "--command", until_go})
            .ok());
  const Json found = member(user.space.json({"pod-list", "--orphans"}), "data");
  CHECK(member(found, "orphans").size() == 1);
  const Captured at_work = user.space.run({"gc", "--yes"});
  CHECK(at_work.status.code == 9);
  CHECK(contains(at_work.err, "job 'j' is at work on it"));
  CHECK(user.pods().size() == 1);
  put(user.far_workspace("j") / "go", "");
  CHECK(eventually([&] { return user.space.run({"gc", "--yes"}).ok(); }, 40'000));
  CHECK(read_file(user.space.dir() / "back") == "r\n");
  CHECK(user.space.run({"job-logs", "j"}).out == "up\nend\n");
  CHECK(user.nothing_left());
}

TEST_CASE("a job that fails is fetched from all the same, and its machine given back") {
  const Renter user;
  const Captured failed = user.rented(
      "j", {"--exit-code=remote", "--download", "out:./back", "--command", "echo r > out; exit 7"});
  CHECK(failed.status.code == 7);
  CHECK(read_file(user.space.dir() / "back") == "r\n");
  CHECK(user.nothing_left());
}

TEST_CASE("bug fix 6, HF cache: with a volume it is configured by itself") {
  const Renter user;
  const Captured done = user.space.run({"-q", "job-run", "--provision", "type=cpu,volume_disk_gb=1",
                                        "--command", "echo ${HF_HOME#~}; ls -d \"$HF_HUB_CACHE\""});
  INFO(done.err);
  CHECK(done.ok());
  CHECK(contains(done.out, "/volume/.cache/huggingface\n"));
  CHECK(contains(done.out, "/volume/.cache/huggingface/hub\n"));
  CHECK(user.nothing_left());
}

TEST_CASE("a job that cannot begin leaves no machine") {
  const Renter user;
  const Captured refused = user.rented("j", {"--workspace", "~", "--command", "true"});
  CHECK(refused.status.code == 9);
  CHECK(user.nothing_left());
  CHECK(user.rented("k", {"--secret", "NOT_THERE", "--command", "true"}).status.code == 2);
  CHECK(user.nothing_left());
}

TEST_CASE("a machine with a download missing goes on, is told of, and is given up by name") {
  const Renter user;
  const Captured missing = user.space.run({"job-run", "--id", "j", "--provision", "type=cpu",
                                           "--download", "late:./back", "--command", "true"});
  CHECK(missing.status.code == 6);
  CHECK(contains(missing.err, "not given back, because a download is missing"));
  CHECK(contains(missing.err, "costs $0.00/h"));
  CHECK(user.pods().size() == 1);
  CHECK(user.space.run({"job-terminate", "j"}).status.code == 9);
  CHECK(user.pods().size() == 1);
  put(user.far_workspace("j") / "late", "late\n");
  CHECK(user.space.run({"job-download", "j"}).ok());
  CHECK(read_file(user.space.dir() / "back") == "late\n");
  CHECK(user.nothing_left());

  CHECK(user.rented("k", {"--download", "never:./x", "--command", "true"}).status.code == 6);
  CHECK(user.space.run({"job-terminate", "--give-back=always", "k"}).ok());
  CHECK(user.nothing_left());
  CHECK(user.rented("l", {"--give-back=always", "--download", "never:./x", "--command", "true"})
            .status.code == 6);
  CHECK(user.nothing_left());
  CHECK(user.space.run({"job-wait", "l"}).status.code == 6);
  CHECK(contains(user.space.run({"job-download", "l"}).err, "the machine of job 'l' is no more"));
}

TEST_CASE("a machine that is kept alive serves another job, which never gives it back") {
  const Renter user;
  CHECK(user.rented("one", {"--keep-alive", "--command", "echo 1"}).out == "1\n");
  REQUIRE(user.pods().size() == 1);
  const std::string node = "loopback:" + text_at(user.pods().at(0), "id");
  const Json two =
      user.space.data({"job-run", "--id", "two", "--node", node, "--command", "echo 2"});
  CHECK_FALSE(flag_at(member(two, "pod"), "rented"));
  CHECK(text_at(two, "target") == node);
  CHECK(user.space.run({"job-terminate", "two"}).ok());
  CHECK(user.pods().size() == 1);
  CHECK(user.space.run({"job-terminate", "one"}).ok());
  CHECK(user.nothing_left());
}

TEST_CASE("a machine that is taken away below a job leaves its end unknown") {
  const Renter user;
  CHECK(user.space
            .run({"job-start", "--id", "j", "--provision", "type=cpu", "--command", "sleep 300"})
            .ok());
  REQUIRE(user.pods().size() == 1);
  const Json pod = user.pods().at(0);
  CHECK(user.space
            .run({"--target", "loopback:" + text_at(pod, "id"), "pod-down", "--abandon",
                  text_at(pod, "name")})
            .ok());
  const Captured wait = user.space.run({"job-wait", "j"});
  CHECK(wait.status.code == 4);
  CHECK(contains(wait.err, "has been given back or has ended"));
  const Json listed = member(user.space.data({"job-list"}), "jobs");
  CHECK(text_at(listed.at(0), "state") == "unknown");
  CHECK(user.space.run({"job-terminate", "j"}).ok());
}

TEST_CASE("Ctrl-C says what goes on and what it costs; job-wait fetches and gives back") {
  const Renter user;
  const pid_t client = user.space.start({"job-run", "--id", "j", "--provision", "type=cpu",
                                         "--download", "out:./back", "--command", until_go},
                                        "first");
  CHECK(eventually([&] { return contains(user.space.read("first"), "up\n"); }, 40'000));
  CHECK(::kill(client, SIGINT) == 0);
  CHECK(end_of(client)->code == 130);
  CHECK(contains(user.space.read("first"), "job 'j' goes on; 'wf-"));
  CHECK(contains(user.space.read("first"), "costs $0.00/h"));
  CHECK(user.pods().size() == 1);
  put(user.far_workspace("j") / "go", "");
  CHECK(user.space.run({"job-wait", "j"}).ok());
  CHECK(read_file(user.space.dir() / "back") == "r\n");
  CHECK(user.nothing_left());
}

TEST_CASE("kill -9 of the client while it rents and while it follows: one machine, given back") {
  for (const bool renting : {true, false}) {
    INFO(renting);
    const Renter user;
    const auto words = user.words("j", {"--download", "out:./back", "--command", until_go});
    const pid_t client = user.space.start(words, "first");
    const fs::path roots = user.space.home() / ".local" / "state" / "workflow" / "loopback";
    if (renting) {
      CHECK(eventually([&] { return fs::exists(roots) && !fs::is_empty(roots); }));
    } else {
      CHECK(eventually([&] { return contains(user.space.read("first"), "up\n"); }, 40'000));
    }
    CHECK(kill_hard(client));
    (void)end_of(client);
    const pid_t again = user.space.start(words, "second");
    CHECK(eventually([&] { return contains(user.space.read("second"), "up\n"); }, 40'000));
    CHECK(user.pods().size() == 1);
    put(user.far_workspace("j") / "go", "");
    CHECK(end_of(again)->code == 0);
    CHECK(contains(user.space.read("second"), "up\nend\n"));
    CHECK(read_file(user.space.dir() / "back") == "r\n");
    // A provider that was killed while it made a pod may leave a directory, which is no pod.
    const bool clean = renting ? user.pods().empty() : user.nothing_left();
    CHECK(clean);
  }
}

TEST_CASE("open question 1, provider preference: the order that is asked for comes before price") {
  const auto offer = [](const char* provider, double price) {
    return pods::Offer{.provider = provider,
                       .id = provider,
                       .gpu_type = "NVIDIA A100 80GB",
                       .gpu_count = 1,
                       .price_total_hr = price};
  };
  const std::vector<pods::Offer> offers{offer("vast", 1), offer("runpod", 3), offer("lambda", 2)};
  pods::GpuQuery query;
  query.providers = {"runpod", "*"};
  const auto order = pods::chosen(offers, query);
  REQUIRE(order.size() == 3);
  CHECK(order[0].provider == "runpod");
  CHECK(order[1].provider == "vast");
  query.providers = {"lambda"};
  const auto strict = pods::chosen(offers, query);
  REQUIRE_FALSE(strict.empty());
  CHECK(strict[0].provider == "lambda");
}

}  // namespace workflow::test
