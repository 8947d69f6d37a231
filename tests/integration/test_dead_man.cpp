// The timer in a pod that ends it when nobody comes back: a real sshd is the pod, a server on
// loopback its provider.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <map>

#include "client/dead_man.h"
#include "common/text.h"
#include "tasks/dead_man_call.h"
#include "tasks/process.h"
#include "tests/support/eventually.h"
#include "tests/support/sshd.h"
#include "tests/support/webhook_receiver.h"
#include "tests/support/workspace.h"

namespace workflow::test {
namespace {

/// A pod of a provider: what lies in its environment, and a session that leads to it.
struct Pod {
  explicit Pod(const std::string& environment, const std::vector<std::string>& answers = {})
      : provider(space.dir() / "provider", answers),
        sshd("SetEnv HOME=" + space.home().string() + " WF_DEAD_MAN_URL=" + provider.url("") + " " +
             environment + "\n") {
    ::setenv("PATH", (sshd.ssh_bin().string() + ":/usr/local/bin:/usr/bin:/bin").c_str(), 1);
    ::setenv("XDG_RUNTIME_DIR", sshd.dir().c_str(), 1);
    const std::map<std::string, std::string, std::less<>> settings = {
        {"WF_TARGET", "ssh:pod"},
        {"HOME", space.home().string()},
        {"OPS_REMOTE_OUTPUTS_DIR", space.outputs().string()}};
    client::SettingsSources sources;
    sources.working_dir = sshd.dir();
    sources.environment = [settings](std::string_view key) -> std::optional<std::string> {
      const auto found = settings.find(key);
      return found == settings.end() ? std::nullopt : std::optional(found->second);
    };
    session.emplace(client::Settings::load(sources), -1);
  }

  Json arm(const std::string& provider_name, std::int64_t in_ms) {
    return client::arm_dead_man(*session, provider_name, utc_text(system_clock().now_ms() + in_ms));
  }
  [[nodiscard]] fs::path timer() const { return space.home() / ".workflow/dead-man"; }

  Workspace space;
  WebhookReceiver provider;
  Sshd sshd;
  std::optional<client::Session> session;
};

const std::string runpod = "RUNPOD_POD_ID=pod7 \"RUNPOD_API_KEY=rpa_CANARY0key\"";

/// Every file below a directory that holds the words.
std::vector<std::string> files_with(const fs::path& dir, const std::string& words) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file()) continue;
    if (read_file(entry.path()).find(words) != std::string::npos) found.push_back(entry.path());
  }
  return found;
}

}  // namespace

TEST_CASE("a pod whose time is over asks its provider for its end, with its own key") {
  Pod pod(runpod);
  const Json armed = pod.arm("runpod", 1'000);
  CHECK(flag_at(armed, "armed"));
  CHECK(text_at(armed, "pod_id") == "pod7");
  const Json request = pod.provider.request(1);
  CHECK(text_at(request, "method") == "DELETE");
  CHECK(text_at(request, "path") == "/pods/pod7");
  CHECK(text_at(member(request, "headers"), "Authorization") == "Bearer rpa_CANARY0key");
  // It is asked again for as long as the pod lives.
  CHECK(text_at(pod.provider.request(2), "path") == "/pods/pod7");
  CHECK(eventually([&] { return number_at(client::dead_man(*pod.session), "asked") >= 2; }));
  CHECK(text_at(client::dead_man(*pod.session), "last") == "HTTP 200");
  CHECK(files_with(pod.space.home(), "CANARY").empty());
}

TEST_CASE("where RunPod's REST refuses, its GraphQL is asked, and its 200 is not believed") {
  Pod pod(runpod, {"403", R"(200={"errors":[{"message":"not yours"}]})", "403", "200={}"});
  REQUIRE(flag_at(pod.arm("runpod", -5'000), "armed"));
  CHECK(text_at(pod.provider.request(1), "method") == "DELETE");
  const Json second = pod.provider.request(2);
  CHECK(text_at(second, "path") == "/graphql");
  CHECK(text_at(second, "body").find(R"("variables":{"id":"pod7"})") != std::string::npos);
  CHECK(text_at(pod.provider.request(4), "path") == "/graphql");
  CHECK(eventually([&] { return number_at(client::dead_man(*pod.session), "asked") == 2; }));
}

TEST_CASE("a pod of Vast is deleted as Vast wants it") {
  Pod pod("CONTAINER_ID=123456 CONTAINER_API_KEY=vastkey",
          {R"(200={"success":false,"msg":"busy"})", R"(200={"success":true})"});
  REQUIRE(flag_at(pod.arm("vast", -1), "armed"));
  const Json request = pod.provider.request(2);
  CHECK(text_at(request, "method") == "DELETE");
  CHECK(text_at(request, "path") == "/instances/123456/");
}

TEST_CASE("a timer is moved, disarmed and armed again without being set twice") {
  Pod pod(runpod);
  REQUIRE(flag_at(pod.arm("runpod", 3'600'000), "armed"));
  const std::string first = read_file(pod.timer() / "spec.json");
  const Json moved = pod.arm("runpod", 7'200'000);
  CHECK(read_file(pod.timer() / "spec.json") == first);
  CHECK(text_at(client::dead_man(*pod.session), "ends_at") == text_at(moved, "ends_at"));
  const Json disarmed = client::arm_dead_man(*pod.session, "runpod", "");
  CHECK_FALSE(flag_at(disarmed, "armed", true));
  CHECK(text_at(disarmed, "why") == "it was disarmed");
  CHECK_FALSE(pod.provider.has(1));
  REQUIRE(flag_at(pod.arm("runpod", 0), "armed"));
  CHECK(text_at(pod.provider.request(1), "path") == "/pods/pod7");
}

TEST_CASE("a timer that was killed is said to be gone, and set anew") {
  Pod pod(runpod);
  REQUIRE(flag_at(pod.arm("runpod", 3'600'000), "armed"));
  const Json record = parse_json(read_file(pod.timer() / "status.json"), "status.json");
  for (const auto pid :
       {number_at(member(record, "supervisor"), "pid"), number_at(record, "pid")}) {
    REQUIRE(tasks::send_signal(tasks::reference(static_cast<pid_t>(pid)), SIGKILL));
  }
  CHECK(eventually([&] {
    return text_at(client::dead_man(*pod.session), "why") == "its process is not there any more";
  }));
  CHECK(flag_at(pod.arm("runpod", 3'600'000), "armed"));
}

TEST_CASE("where a pod cannot end itself, that is said and nothing is armed") {
  Pod pod("RUNPOD_POD_ID=pod7");
  const Json keyless = pod.arm("runpod", 1'000);
  CHECK_FALSE(flag_at(keyless, "armed", true));
  CHECK(text_at(keyless, "why").find("no RUNPOD_API_KEY is in the pod's environment") == 0);
  CHECK(text_at(pod.arm("lambda", 1'000), "why") == "'lambda' leaves no key of its own in a pod");
  CHECK_FALSE(fs::exists(pod.timer()));
}

TEST_CASE("another pod's timer is not set here") {
  Pod pod(runpod);
  const Json answer = pod.session->call(
      {.verb = "dead-man-arm",
       .args = {{"provider", "runpod"}, {"pod_id", "pod8"}, {"ends_at", utc_text(0)}}});
  CHECK(text_at(answer, "why") == "this pod calls itself 'pod7', not 'pod8'");
  CHECK_FALSE(pod.provider.has(1));
}

TEST_CASE("a pod's key is found in every form in which images keep it") {
  const std::string environ = std::string("A=1\0RUNPOD_API_KEY=k=\"x\"\0B=2\0", 29);
  CHECK(tasks::variable_in(environ, "RUNPOD_API_KEY") == "k=\"x\"");
  const std::string exported = "export A=\"1\"\nexport RUNPOD_API_KEY=\"abc\"\nRUNPOD_POD_ID='p'\n";
  CHECK(tasks::variable_in(exported, "RUNPOD_API_KEY") == "abc");
  CHECK(tasks::variable_in(exported, "RUNPOD_POD_ID") == "p");
  CHECK(tasks::variable_in(exported, "POD_ID").empty());
}

}  // namespace workflow::test
