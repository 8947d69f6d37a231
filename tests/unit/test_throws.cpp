// Refusals of parts that no command leads to easily.
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "common/error.h"
#include "common/sha256.h"
#include "remote/protocol/message.h"
#include "sweep/campaign.h"
#include "sweep/executor.h"
#include "sweep/row_index.h"
#include "sweep/run.h"
#include "tasks/command_start.h"
#include "tasks/store.h"
#include "tests/support/scratch.h"
#include "tests/support/state_desk.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// An outputs directory with settings that name it, and one row.
struct Outputs {
  Scratch scratch;
  Json args = {{"settings", {{"OPS_REMOTE_OUTPUTS_DIR", (scratch / "outputs").string()}}}};
  tasks::Site site{real_files(), system_clock(), args};
  sweep::Row row{};

  Outputs() {
    row.run_id = "a";
    fs::create_directories(dir());
  }
  [[nodiscard]] fs::path dir() const { return site.run_dir("a"); }
};

}  // namespace

TEST_CASE("a manifest's faults are all told, each with its place") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"run_id,config\na,c,d\n", "3 fields where the header has 2; a value with a comma"},
      {"run_id,config\na\n", "1 field where the header has 2; an empty field"},
      {"run_id,config\n" + std::string(1'200'000, 'x') + ",c\n", "longer than 1 MiB"},
      {"run_id,config\na,\"c\nd\"\n", "line break inside quotes"},
      {"run_id,config\na,c\"d\"\n", "quote inside a field"},
      {"run_id,config\na,\"c\"d\n", "text after the closing quote"},
      {"run_id,config\na,c\rd\n", "carriage return inside a line"},
      {"run_id,config\na,c\xff\n", "not UTF-8"},
      {std::string("run_id,config\na,c\0d\n", 20), "NUL byte"},
      {"run_id,config\n", "no rows below the header"},
      {"run_id\na\n", "missing column 'config'"},
      {"run_id,config\n,c\n", "run_id is empty"},
      {"run_id,config\n.a,c\n", "'.a' is not a valid id"},
      {"run_id,config,gpus\na,c,x\n", "gpus 'x' is none of"},
      {"run_id,config,overrides\na,c,'x\n", "overrides do not split"},
      {"run_id,config,timeout_secs\na,c,x\n", "timeout_secs 'x' is no duration"},
      {"run_id,config,max_retries\na,c,-1\n", "max_retries '-1' is not"},
      {"run_id,config,env\na,c,'x\n", "env does not split"},
      {"run_id,config,env\na,c,x\n", "env word 'x' is not NAME=VALUE"}};
  for (const auto& [text, says] : rows) {
    INFO(says);
    CHECK_THROWS_WITH(sweep::parse_manifest(text, "s.csv", {}), Catch::Contains(says));
  }
  const auto manifest = sweep::parse_manifest("run_id,config\na,c\n", "s.csv", {});
  CHECK_THROWS_WITH(sweep::select_rows(manifest, {.match = "z", .start_at = {}, .limit = 0}),
                    "no row is selected: SWEEP_MATCH 'z' matches none of 1 row");
}

TEST_CASE("a campaign that lacks a file, or is another version's, is named") {
  const Scratch scratch;
  Files& files = real_files();
  CHECK_THROWS_WITH(sweep::read_campaign(files, scratch / "c1"), "no campaign 'c1' here");
  CHECK_THROWS_WITH(sweep::campaign_rows(files, scratch.path(), {}),
                    Catch::EndsWith("/manifest.csv' is gone"));
  files.write(scratch / "manifest.csv", "run_id\n");
  CHECK_THROWS_WITH(sweep::campaign_rows(files, scratch.path(), {}),
                    Catch::EndsWith("is not what the sweep was started with"));
  CHECK_THROWS_WITH(sweep::RowIndex(files, system_clock(), scratch.path()).load(),
                    Catch::EndsWith("/rows.jsonl' is gone"));
  files.write(scratch / "campaign.json", "{\"schema\":\"workflow.campaign/2\"}");
  CHECK_THROWS_WITH(sweep::read_campaign(files, scratch.path()),
                    Catch::Contains("is no campaign that this build reads"));
}

TEST_CASE("an index of another manifest starts nothing") {
  const Scratch scratch;
  Files& files = real_files();
  const std::string manifest = "run_id,config\na,c\n";
  sweep::Campaign campaign;
  campaign.id = "c1";
  campaign.manifest_sha256 = sha256_hex(manifest);
  campaign.site_args = {{"settings", {{"OPS_REMOTE_OUTPUTS_DIR", (scratch / "o").string()}}}};
  sweep::write_campaign(files, scratch / "c1", campaign, manifest);
  sweep::RowIndex(files, system_clock(), scratch / "c1").create({});
  CHECK_THROWS_WITH(sweep::execute_campaign(files, system_clock(), scratch / "c1"),
                    Catch::EndsWith("is of another manifest than this sweep"));
}

TEST_CASE("a task whose log cannot be opened is not started") {
  const Scratch scratch;
  fs::create_directory(scratch / "stdout.log");
  tasks::TaskSpec spec;
  spec.argv = {"true"};
  CHECK_THROWS_WITH(tasks::start_command(spec, scratch.path(), {}, {}),
                    Catch::Contains("cannot open '"));
}

TEST_CASE("a run that may live is not started once more") {
  const Outputs outputs;
  sweep::Campaign campaign;
  {
    const auto lock = FileLock::try_take(tasks::supervisor_lock(outputs.dir()));
    REQUIRE(lock);
    CHECK_THROWS_WITH(sweep::start_run(outputs.site, campaign, outputs.row, {}),
                      Catch::Contains("going already"));
  }
  tasks::TaskSpec spec;
  spec.task_id = "a";
  tasks::TaskRecord record;
  record.state = tasks::TaskState::running;
  record.leader = tasks::reference(::getpid());
  record.supervisor = {999'999'999, 1};
  record.place = tasks::here();
  tasks::write_task(real_files(), system_clock(), outputs.dir(), outputs.dir(), spec);
  real_files().write(outputs.dir() / "status.json",
                     pretty_json(tasks::status_json(spec, record, outputs.dir())));
  CHECK_THROWS_WITH(sweep::start_run(outputs.site, campaign, outputs.row, {}),
                    "run 'a' may still be going");
}

TEST_CASE("a task is created once, and a file is moved from where it is") {
  const Outputs outputs;
  tasks::TaskSpec spec;
  spec.task_id = "t";
  (void)outputs.site.tasks().create(spec);
  CHECK_THROWS_WITH(outputs.site.tasks().create(spec), "task 't' is there already");
  CHECK_THROWS_WITH(real_files().rename(outputs.dir() / "none", outputs.dir() / "x"),
                    Catch::Contains("cannot move '"));
}

TEST_CASE("a state that another writer has changed under the lock is not overwritten") {
  StateDesk desk;
  desk.reset(fsm::State::pod_ready);
  tasks::Ask ask = StateDesk::ask(fsm::Event::pod_down);
  ask.effect = [&](tasks::StateRecord&) {
    tasks::StateRecord other = desk.record();
    other.revision += 5;
    real_files().write(desk.state_file(), pretty_json(tasks::state_json(other)));
  };
  const auto refused = desk.refusal(ask);
  REQUIRE(refused);
  CHECK(refused->code() == Code::busy);
  CHECK(desk.record().revision == 6);
}

TEST_CASE("a request without an end is refused") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  std::thread writer([&] {
    const std::string piece(1 << 20, 'x');
    while (::send(out.get(), piece.data(), piece.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  protocol::Incoming rest;
  CHECK_THROWS_WITH(protocol::read_request(in.get(), 60'000, rest), "the request is too long");
  ::shutdown(in.get(), SHUT_RDWR);
  writer.join();
}
