#include <catch2/catch.hpp>

#include <unistd.h>

#include "common/hmac.h"
#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"
#include "tests/support/webhook_receiver.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// hook.json of the one campaign, when it is there.
Json outcome(const Sweeps& sweeps) {
  const std::string id = text_at(member(sweeps.status(), "campaign"), "id");
  const fs::path file = sweeps.campaign_dir(id) / "hook.json";
  if (!eventually([&] { return fs::exists(file); }, 40'000)) return nullptr;
  return parse_json(read_file(file), "hook.json");
}

std::string sweep_log(const Sweeps& sweeps) {
  const std::string task = text_at(member(sweeps.status(), "executor"), "task_id");
  return sweeps.space.read(".workflow/outputs/_tasks/" + task + "/stdout.log");
}

/// Puts a program of our own before the real ones.
void put_first(const Sweeps& sweeps, const std::string& name, const std::string& script) {
  const fs::path dir = sweeps.space.dir() / "bin";
  fs::create_directories(dir);
  real_files().write(dir / name, script, {.mode = 0755});
  sweeps.space.set("PATH=" + dir.string() + ":" + std::getenv("PATH"));
}

}  // namespace

TEST_CASE("the end of a sweep is told to a command and to a signed webhook") {
  Sweeps sweeps(
      "SWEEP_END_CMD='cat > \"$HOME/told.json\"; cmp \"$WF_EVENT_FILE\" \"$HOME/told.json\" && "
      "echo \"$WF_SWEEP_STATE\" > \"$HOME/told\"'\nWF_SECRETS=SWEEP_WEBHOOK_SECRET\n");
  const WebhookReceiver receiver(sweeps.space.dir() / "receiver");
  const std::string path = "/hook/{a}[1-3]?token=s3cr\"et\\";
  sweeps.space.set("SWEEP_END_WEBHOOK=" + receiver.url(path));
  sweeps.space.set("SWEEP_WEBHOOK_SECRET=a key of ours");
  put_first(sweeps, "curl",
            "#!/bin/sh\necho \"$@\" > \"$HOME/curl.args\"\nexec /usr/bin/curl \"$@\"\n");
  sweeps.manifest({{.run_id = "good"}, {.run_id = "bad", .command = "echo a key of ours; exit 3"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");

  const Json request = receiver.request(1);
  CHECK(text_at(request, "path") == path);
  const std::string body = text_at(request, "body");
  CHECK(text_at(member(request, "headers"), "X-Workflow-Signature") ==
        "sha256=" + hmac_sha256_hex("a key of ours", body));
  const Json event = parse_json(body, "event");
  CHECK(text_at(event, "schema") == "workflow.sweep-event/1");
  CHECK(text_at(event, "state") == "SWEEP_COMPLETED");
  CHECK(dump_json(member(event, "counts")) == R"({"total":2,"success":1,"failed":1})");
  CHECK(text_at(member(event, "failed").at(0), "run_id") == "bad");
  CHECK(text_at(member(event, "failed").at(0), "class") == "exit");
  CHECK_THAT(text_at(event, "text"), Catch::Contains("1 of 2 rows ok, 1 not"));

  const Json told = outcome(sweeps);
  CHECK(flag_at(member(told, "command"), "ok"));
  CHECK(flag_at(member(told, "webhook"), "ok"));
  CHECK(flag_at(member(told, "webhook"), "signed"));
  CHECK(number_at(member(told, "webhook"), "tries") == 1);
  CHECK(sweeps.space.read("home/told") == "SWEEP_COMPLETED\n");
  CHECK(sweeps.space.read("home/told.json") == body);
  CHECK(sweeps.space.read("home/curl.args") == "--config -\n");
  CHECK_THAT(sweep_log(sweeps), Catch::Contains("SWEEP_END_WEBHOOK done"));
}

TEST_CASE("a hook that fails is recorded and changes no verdict") {
  Sweeps sweeps("SWEEP_END_CMD='echo no such luck >&2; exit 3'\n");
  const WebhookReceiver receiver(sweeps.space.dir() / "receiver", {"500", "403"});
  sweeps.space.set("SWEEP_END_WEBHOOK=" + receiver.url("/secret-path"));
  sweeps.manifest({{.run_id = "good"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const Json told = outcome(sweeps);
  CHECK_FALSE(flag_at(member(told, "command"), "ok", true));
  CHECK(number_at(member(told, "command"), "exit_code") == 3);
  CHECK(text_at(member(told, "command"), "said") == "no such luck");
  CHECK_FALSE(flag_at(member(told, "webhook"), "ok", true));
  CHECK(number_at(member(told, "webhook"), "tries") == 2);  // a 403 would be one again
  CHECK(text_at(member(told, "webhook"), "said") == "the other side answered 403");
  CHECK_FALSE(receiver.has(3));
  CHECK_THAT(sweep_log(sweeps), Catch::Contains("SWEEP_END_CMD failed: no such luck"));
  CHECK_THAT(dump_json(told), !Catch::Contains("secret-path"));
  CHECK(text_at(sweeps.space.state(), "state") == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 1);
}

TEST_CASE("a webhook that nobody hears is tried three times, and a stalled sweep is told too") {
  Sweeps sweeps("SWEEP_FAIL_FAST=1\nWF_SECRETS=SWEEP_WEBHOOK_URL\n");
  sweeps.space.set("SWEEP_WEBHOOK_URL=http://127.0.0.1:1/t0ken");
  sweeps.manifest({{.run_id = "bad", .command = "false"}, {.run_id = "left"}});
  CHECK(sweeps.run_to_end() == "SWEEP_STALLED");
  const Json told = outcome(sweeps);
  CHECK(text_at(told, "state") == "SWEEP_STALLED");
  CHECK(number_at(member(told, "webhook"), "tries") == 3);
  CHECK_THAT(text_at(member(told, "webhook"), "said"), Catch::Contains("curl: (7)"));
  for (const auto& file : fs::recursive_directory_iterator(sweeps.space.outputs())) {
    if (!file.is_regular_file()) continue;
    INFO(file.path());
    CHECK_THAT(read_file(file.path()), !Catch::Contains("t0ken"));
  }
}

TEST_CASE("a webhook without curl on the target is said when the sweep starts") {
  Sweeps sweeps("SWEEP_END_WEBHOOK=http://127.0.0.1:1/\n");
  sweeps.manifest({{.run_id = "good"}});
  const fs::path dir = sweeps.space.dir() / "bin";
  fs::create_directories(dir);
  for (const char* from : {"/bin", "/usr/bin", "/usr/local/bin"}) {
    for (const auto& program : fs::directory_iterator(from)) {
      std::error_code there_already;
      const fs::path name = program.path().filename();
      if (name != "curl") fs::create_symlink(program.path(), dir / name, there_already);
    }
  }
  sweeps.space.set("PATH=" + dir.string());
  const Json started = sweeps.start();
  CHECK_THAT(dump_json(member(started, "notes")), Catch::Contains("needs curl on the target"));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK_THAT(text_at(member(outcome(sweeps), "webhook"), "said"), Catch::Contains("curl"));
}
