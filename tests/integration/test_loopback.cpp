// A loopback pod is a real sshd: it is rented, logged in to, and ends with all that it held.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <future>
#include <set>

#include "remote/pods/loopback_init.h"
#include "tasks/site.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/loopback_space.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// Leaves a daemon without any variable and a tmux server behind; their process ids.
constexpr const char* leave_behind =
    "setsid sh -c 'env -i sleep 1000 </dev/null >/dev/null 2>&1 & echo $!'; "
    "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; "
    "tmux new-session -d -s x 'sleep 1000' && tmux display-message -p '#{pid}'";

std::vector<pid_t> pids(const std::string& text) {
  std::vector<pid_t> out;
  for (const auto& line : split(trim(text), '\n')) {
    out.push_back(static_cast<pid_t>(parse_integer(line).value_or(-1)));
  }
  return out;
}

bool alive(pid_t pid) { return tasks::start_time(pid).has_value(); }

}  // namespace

TEST_CASE("a loopback pod is rented, logged in to and ended, and nothing is left of it") {
  const LoopbackSpace user;
  const std::string id = user.rent("wf-ana-1");
  const auto record = pods::read_loopback_pod(id).value();
  const pods::Pod pod = user.pod(id);
  CHECK(pod.name == "wf-ana-1");
  CHECK(pod.status == pods::PodStatus::running);
  CHECK(pod.price_total_hr == 0.0);

  const Captured there = user.ssh(id, "pwd; echo $HOME; echo $TMPDIR; echo ~ > f; exit 7");
  INFO(there.err);
  CHECK(there.status.code == 7);
  const std::string home = (record.root / "home").string();
  CHECK(there.out == home + "\n" + home + "\n" + (record.root / "tmp").string() + "\n");
  CHECK(fs::exists(record.root / "home" / "f"));

  const Captured left = user.ssh(id, leave_behind);
  const auto started = pids(left.out);
  INFO(left.out << left.err);
  REQUIRE(started.size() == 3);
  for (const auto pid : started) CHECK(alive(pid));

  user.provider->terminate(id);
  CHECK(eventually([&] { return user.gone(record); }));
  for (const auto pid : started) CHECK_FALSE(alive(pid));
  CHECK(user.provider->list().empty());
  user.provider->terminate(id);  // a pod that is not there is no error
}

TEST_CASE("what ignores TERM is killed, and read-only directories go too") {
  const LoopbackSpace user;
  const std::string id = user.rent("wf-ana-1");
  const auto record = pods::read_loopback_pod(id).value();
  const Captured left =
      user.ssh(id,
               "mkdir -p a/b; touch a/b/c; chmod 500 a/b a; "
               "(trap '' TERM; while :; do sleep 1; done) </dev/null >/dev/null 2>&1 & echo $!");
  const auto started = pids(left.out);
  REQUIRE(alive(started.at(0)));
  user.provider->terminate(id);
  CHECK(user.provider->describe(id)->status == pods::PodStatus::ending);
  CHECK(eventually([&] { return user.gone(record); }));
  CHECK_FALSE(alive(started.at(0)));
}

TEST_CASE("a pod ends by its own timer, which can be moved") {
  const LoopbackSpace user;
  const auto in = [](std::int64_t ms) { return utc_text(system_clock().now_ms() + ms); };
  const std::string first = user.rent("wf-ana-1", in(2'500));
  const std::string moved = user.rent("wf-ana-2", in(2'500));
  const std::string late = user.rent("wf-ana-3", in(3'600'000));
  const std::string end = in(7'200'000);
  user.provider->set_end(moved, end);
  CHECK(user.pod(moved).ends_at == end);
  CHECK(eventually([&] { return !user.provider->describe(first); }));
  CHECK(user.ssh(moved, "echo here").out == "here\n");
  user.provider->set_end(late, in(-1));
  CHECK(eventually([&] { return !user.provider->describe(late); }));
  CHECK(user.pod(moved).status == pods::PodStatus::running);
  CHECK_THROWS_WITH(user.provider->set_end(first, end),
                    "there is no loopback pod '" + first + "' any more");
}

TEST_CASE("what a killed init leaves is listed as failed and ended by whoever asks for it") {
  const LoopbackSpace user;
  const std::string id = user.rent("wf-ana-1");
  const auto record = pods::read_loopback_pod(id).value();
  const auto started = pids(user.ssh(id, leave_behind).out);
  REQUIRE(started.size() == 3);
  REQUIRE(tasks::send_signal(record.init, SIGKILL));
  REQUIRE(eventually([&] { return user.pod(id).status == pods::PodStatus::failed; }));
  CHECK(user.pod(id).status_text.starts_with("its init is gone, "));
  CHECK_FALSE(user.pod(id).ssh.has_value());

  user.provider->terminate(id);
  CHECK(eventually([&] { return user.gone(record); }));
  CHECK_FALSE(alive(started.at(1)));
  CHECK_FALSE(alive(started.at(2)));
  // Nothing leads to the one that has no variable once the pod's own init is gone.
  if (alive(started.at(0))) ::kill(started.at(0), SIGKILL);
}

TEST_CASE("a pod of which nothing lives any more is not listed, and its files go") {
  const LoopbackSpace user;
  const std::string id = user.rent("wf-ana-1");
  const auto record = pods::read_loopback_pod(id).value();
  REQUIRE(tasks::send_signal(record.init, SIGKILL));
  CHECK(eventually([&] { return user.provider->list().empty(); }));
  CHECK_FALSE(may_be_there(record.entry()));
}

TEST_CASE("an sshd that somebody ends comes back, and the pod's work goes on") {
  const LoopbackSpace user;
  const std::string id = user.rent("wf-ana-1");
  const auto record = pods::read_loopback_pod(id).value();
  const auto sshd = tasks::children(record.init.pid);
  REQUIRE(sshd.size() == 1);
  REQUIRE(tasks::send_signal(sshd.front(), SIGKILL));
  CHECK(eventually([&] { return user.ssh(id, "echo here").out == "here\n"; }));
}

TEST_CASE("twenty pods at once have ports and ids of their own, also under one name") {
  const LoopbackSpace user;
  std::vector<std::future<std::string>> asked;
  for (int i = 0; i < 20; ++i) {
    asked.push_back(std::async(std::launch::async, [&] { return user.rent("wf-ana-same"); }));
  }
  std::set<std::string> ids;
  for (auto& one : asked) ids.insert(one.get());
  CHECK(ids.size() == 20);
  std::set<std::int64_t> ports;
  for (const auto& pod : user.provider->list()) {
    CHECK(pod.status == pods::PodStatus::running);
    CHECK(pod.name == "wf-ana-same");
    ports.insert(pod.ssh.value().port);
  }
  CHECK(ports.size() == 20);
  for (const auto& id : ids) CHECK(user.ssh(id, "echo $WORKFLOW_LOOPBACK_POD").out == id + "\n");
  for (const auto& id : ids) user.provider->terminate(id);
  CHECK(eventually([&] { return user.provider->list().empty(); }));
}

TEST_CASE("a state directory too long for sockets puts the pod's root elsewhere") {
  const LoopbackSpace user(std::string(80, 'x'));
  const std::string id = user.rent("wf-ana-1");
  const auto record = pods::read_loopback_pod(id).value();
  CHECK(record.root.string().size() <= 60);
  CHECK(user.ssh(id, "tmux new-session -d 'sleep 1000' && echo ok").out == "ok\n");
  user.provider->terminate(id);
  CHECK(eventually([&] { return user.gone(record); }));
}

TEST_CASE("a record of another version hides no other pod") {
  const LoopbackSpace user;
  const std::string id = user.rent("wf-ana-1");
  fs::create_directories(pods::loopback_entry("newer"));
  real_files().write(pods::loopback_entry("newer") / "pod.json", R"({"schema":"workflow.pod/9"})");
  CHECK(user.provider->list().size() == 2);
  CHECK_THROWS_WITH(user.provider->describe("newer"),
                    Catch::Contains("no record of a pod of this version"));
  fs::remove_all(pods::loopback_entry("newer"));
}

TEST_CASE("a pod on another host is told as unknown, and not ended from here") {
  const LoopbackSpace user;
  const std::string id = user.rent("wf-ana-1");
  const auto record = pods::read_loopback_pod(id).value();
  (void)pods::change_loopback_pod(id, [](pods::LoopbackPod& pod) {
    pod.place.host = "elsewhere";
    pod.place.boot_id = "another";
  });
  CHECK(user.pod(id).status == pods::PodStatus::unknown);
  CHECK_THROWS_WITH(user.provider->terminate(id), "pod '" + id + "' is on host 'elsewhere'");
  (void)pods::change_loopback_pod(id, [&](pods::LoopbackPod& pod) { pod.place = record.place; });
  user.provider->terminate(id);
  CHECK(eventually([&] { return user.gone(record); }));
}

TEST_CASE("records of a pod lie in its home, also where /mnt could be written") {
  const LoopbackSpace user;
  const std::string home = std::getenv("HOME");
  const fs::path mnt = user.dir() / "mnt";
  fs::create_directories(mnt);
  const auto outputs = [&] {
    const Json candidates = Json::array({mnt.string(), "~/outputs"});
    const Json settings{{"OPS_REMOTE_OUTPUTS_DIR", candidates}, {"OPS_REMOTE_REPO", "~/repo"}};
    return tasks::Site(real_files(), system_clock(), {{"settings", settings}}).outputs();
  };
  ::setenv("HOME", (user.dir() / "home").c_str(), 1);
  CHECK(outputs() == mnt);
  ::setenv("WORKFLOW_LOOPBACK_POD", "a1", 1);
  CHECK(outputs() == user.dir() / "home" / "outputs");
  ::unsetenv("WORKFLOW_LOOPBACK_POD");
  ::setenv("HOME", home.c_str(), 1);
}

TEST_CASE("the machine is offered without a GPU, and with those that nvidia-smi tells") {
  const LoopbackSpace user;
  FakeGpus machine(user.dir() / "gpus", 2);
  machine.gpu(0)["memory"] = machine.gpu(1)["memory"] = 81'559;
  machine.tell();
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", machine.path_entry().substr(5).c_str(), 1);
  const auto offers = user.provider->offers({});
  REQUIRE(offers.size() == 2);
  CHECK(pods::unfit(offers[0], pods::parse_query("type=cpu", "x")).empty());
  CHECK(offers[0].price_total_hr == 0);
  CHECK(pods::unfit(offers[1], pods::parse_query("type=fake,count=2,min_vram_gb=80", "x")).empty());
  machine.machine["exit"] = 9;
  machine.machine["says"] = "NVIDIA-SMI has failed because it could not communicate";
  machine.tell();
  CHECK(user.provider->offers({}).size() == 1);
  ::setenv("PATH", path.c_str(), 1);
}

TEST_CASE("without the executable 'workflow' nothing is rented, and it is named") {
  const LoopbackSpace user;
  ::unsetenv("WORKFLOW_PROGRAM");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/usr/bin:/bin", 1);
  CHECK_THROWS_WITH(user.rent("wf-ana-1"),
                    "no loopback pod: the executable 'workflow' is not found");
  ::setenv("WORKFLOW_PROGRAM", "/bin/false", 1);
  CHECK_THROWS_WITH(user.rent("wf-ana-1"), "no loopback pod: its sshd does not answer");
  ::setenv("PATH", user.dir().c_str(), 1);
  CHECK_THROWS_WITH(
      user.rent("wf-ana-1"),
      "no loopback pod: cannot make a host key: cannot find 'ssh-keygen': " + errno_text(ENOENT));
  ::setenv("PATH", path.c_str(), 1);
  CHECK(real_files().list(pods::loopback_entries()).empty());
}

TEST_CASE("what a killed renter began is removed when it is old") {
  const LoopbackSpace user;
  const fs::path entry = pods::loopback_entry("abcd1234");
  fs::create_directories(entry / "root" / "home");
  CHECK(user.provider->list().empty());
  CHECK(may_be_there(entry));
  fs::last_write_time(entry, fs::file_time_type::clock::now() - std::chrono::minutes(11));
  CHECK(user.provider->list().empty());
  CHECK_FALSE(may_be_there(entry));
}

TEST_CASE("an init without a pod ends at once") {
  const LoopbackSpace user;
  CHECK(pods::loopback_init("nosuch") == 1);
}
