// The ledger's file: what it holds, what it refuses, and two processes at once.
#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "common/clock.h"
#include "common/error.h"
#include "remote/pods/database.h"
#include "remote/pods/ledger.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::pods;
using namespace workflow::test;

namespace {

PodRow row_of(const std::string& name, const std::string& binding = "/p/workflow.env") {
  return {.name = name, .provider = "runpod", .purpose = "pod-up", .binding = binding};
}

template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return Error(Code::ok, "nothing was thrown");
}

/// In a child: 0 when it has written its intent, 1 when another has a pod, 2 for a failure.
int comes_to_write(const fs::path& file, const std::string& name) try {
  return Ledger(file).intend_unless_held(row_of(name)) ? 1 : 0;
} catch (const Error&) {
  return 2;
}

bool says(const Error& error, const std::string& part) {
  INFO(error.what());
  CHECK(std::string(error.what()).find(part) != std::string::npos);
  return std::string(error.what()).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every field of a row comes back as it was written") {
  const Scratch scratch;
  const PodRow full{.name = "wf-ana-1",
                    .provider = "vast",
                    .pod_id = "i'd; DROP TABLE pods",
                    .held = Held::ready,
                    .purpose = "job train",
                    .binding = "/home/ana/é.env",
                    .wanted = false,
                    .user_host = "ana@laptop 4711",
                    .query = "type=H100",
                    .gpu_type = "NVIDIA H100",
                    .gpu_count = 8,
                    .price_total_hr = 23.9,
                    .intended_at = "2026-01-31T10:00:00.000Z",
                    .rented_at = "2026-01-31T10:00:01.000Z",
                    .ready_at = "2026-01-31T10:01:00.000Z",
                    .ended_at = "2026-01-31T11:00:01.000Z",
                    .ends_at = "2026-01-31T14:00:01.000Z",
                    .ending = Ending::by_pod_key,
                    .ssh = SshAddress{.user = "root", .host = "10.0.0.7", .port = 40022},
                    .last_error = std::string("a\0b", 3)};
  {
    Ledger ledger(scratch / "state/ledger.db");
    ledger.intend(full);
  }
  const Ledger ledger(scratch / "state/ledger.db");
  const PodRow row = ledger.find("wf-ana-1").value();
  CHECK(row.provider == full.provider);
  CHECK(row.pod_id == full.pod_id);
  CHECK(row.held == Held::ready);
  CHECK(row.purpose == full.purpose);
  CHECK(row.binding == full.binding);
  CHECK_FALSE(row.wanted);
  CHECK(row.user_host == full.user_host);
  CHECK(row.query == full.query);
  CHECK(row.gpu_type == full.gpu_type);
  CHECK(row.gpu_count == 8);
  CHECK(row.price_total_hr == 23.9);
  CHECK(row.intended_at == full.intended_at);
  CHECK(row.rented_at == full.rented_at);
  CHECK(row.ready_at == full.ready_at);
  CHECK(row.ended_at == full.ended_at);
  CHECK(row.ends_at == full.ends_at);
  CHECK(row.ending == Ending::by_pod_key);
  CHECK(row.ssh == full.ssh);
  CHECK(row.last_error == full.last_error);
  CHECK(row.cost(0) == Approx(23.9));
  CHECK(ledger.find("vast", full.pod_id)->name == "wf-ana-1");
  CHECK_FALSE(ledger.find("vast", "another"));
}

TEST_CASE("a pod costs from when it was rented until it ended, or until now") {
  PodRow row = row_of("wf-ana-1");
  row.price_total_hr = 2;
  const std::int64_t ten = parse_utc("2026-01-31T10:00:00.000Z").value();
  CHECK(row.cost(ten) == 0);
  row.held = Held::rented;
  row.rented_at = utc_text(ten);
  CHECK(row.cost(ten + 1'800'000) == Approx(1));
  CHECK(row.cost(ten - 5) == 0);
  row.ended_at = utc_text(ten + 3'600'000);
  CHECK(row.cost(ten + 36'000'000) == Approx(2));
  row.held = Held::never;
  CHECK(row.cost(ten + 3'600'000) == 0);
}

TEST_CASE("file and directory are the user's alone") {
  const Scratch scratch;
  const Ledger ledger(scratch / "state/ledger.db");
  struct stat info {};
  REQUIRE(::stat((scratch / "state").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0700);
  REQUIRE(::stat((scratch / "state/ledger.db").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600);
}

TEST_CASE("a row is bound while it is neither ended nor never was") {
  const Scratch scratch;
  Ledger ledger(scratch / "ledger.db");
  CHECK_FALSE(ledger.bound("/p/workflow.env"));
  CHECK_FALSE(ledger.last_bound("/p/workflow.env"));
  PodRow old = row_of("wf-ana-1");
  ledger.intend(old);
  ledger.intend(row_of("wf-ana-2"));
  ledger.intend(row_of("wf-ana-3", "/q/workflow.env"));
  CHECK(ledger.bound("/p/workflow.env")->name == "wf-ana-2");
  PodRow newer = ledger.find("wf-ana-2").value();
  newer.held = Held::never;
  ledger.save(newer);
  CHECK(ledger.bound("/p/workflow.env")->name == "wf-ana-1");
  CHECK(ledger.last_bound("/p/workflow.env")->name == "wf-ana-2");
  old.held = Held::ending;
  ledger.save(old);
  CHECK(ledger.bound("/p/workflow.env")->name == "wf-ana-1");
  CHECK(ledger.held_for("/p/workflow.env", "pod-up")->name == "wf-ana-1");
  old.held = Held::ended;
  ledger.save(old);
  CHECK_FALSE(ledger.held_for("/p/workflow.env", "pod-up"));
  CHECK_FALSE(ledger.bound("/p/workflow.env"));
  REQUIRE(ledger.all().size() == 3);
  CHECK(ledger.all().front().name == "wf-ana-3");
}

TEST_CASE("a wish without a binding is known by its purpose") {
  const Scratch scratch;
  Ledger ledger(scratch / "ledger.db");
  PodRow row = row_of("wf-ana-1", "");
  row.purpose = "job train";
  CHECK_FALSE(ledger.intend_unless_held(row));
  PodRow again = row;
  again.name = "wf-ana-2";
  CHECK(ledger.intend_unless_held(again)->name == "wf-ana-1");
  CHECK(ledger.all().size() == 1);
  CHECK_FALSE(ledger.held_for("/p/workflow.env", "job train"));
  row.wanted = false;
  ledger.save(row);
  CHECK_FALSE(ledger.intend_unless_held(again));
}

TEST_CASE("a name is used once, and a row that another has moved is left alone") {
  const Scratch scratch;
  Ledger ledger(scratch / "ledger.db");
  PodRow row = row_of("wf-ana-1");
  ledger.intend(row);
  const Error twice = error_of([&] { ledger.intend(row); });
  CHECK(twice.code() == Code::exists);
  CHECK(says(twice, "has a pod named 'wf-ana-1' already"));
  row.held = Held::rented;
  CHECK(ledger.save_if(row, Held::intended));
  row.held = Held::never;
  CHECK_FALSE(ledger.save_if(row, Held::intended));
  CHECK(ledger.find("wf-ana-1")->held == Held::rented);
  CHECK(error_of([&] { ledger.save(row_of("wf-ana-2")); }).code() == Code::bug);
}

TEST_CASE("attempts are kept with their offers, in order") {
  const Scratch scratch;
  Ledger ledger(scratch / "ledger.db");
  const Offer offer{
      .provider = "lium", .id = "x1", .gpu_type = "H100", .gpu_count = 2, .price_total_hr = 4.22};
  ledger.add(
      {.at = "a", .name = "wf-ana-1", .offer = offer, .trouble = "no_capacity", .text = "t"});
  ledger.add({.at = "b", .name = "wf-ana-1", .offer = offer, .trouble = "ok", .text = ""});
  const auto attempts = ledger.attempts("wf-ana-1");
  REQUIRE(attempts.size() == 2);
  CHECK(attempts[0].trouble == "no_capacity");
  CHECK(attempts[0].offer.id == "x1");
  CHECK(attempts[0].offer.price_total_hr == 4.22);
  CHECK(attempts[1].at == "b");
  CHECK(ledger.attempts("wf-ana-2").empty());
}

TEST_CASE("a newer ledger is refused and not a byte of it changed") {
  const Scratch scratch;
  const fs::path file = scratch / "ledger.db";
  {
    const Ledger ledger(file);
    run_sql(ledger.database(), "PRAGMA user_version = 99");
  }
  const std::string before = read_file(file);
  const Error error = error_of([&] { const Ledger again(file); });
  CHECK(error.code() == Code::precondition);
  CHECK(says(error, file.string() + "' was written by a newer version of workflow"));
  CHECK(read_file(file) == before);
}

TEST_CASE("a damaged ledger, and one that cannot be opened, are named") {
  const Scratch scratch;
  const fs::path file = scratch / "ledger.db";
  real_files().write(file, std::string(4096, 'x'));
  const Error damaged = error_of([&] { const Ledger ledger(file); });
  CHECK(damaged.code() == Code::precondition);
  CHECK(says(damaged, "'" + file.string() + "' is damaged"));
  fs::create_directories(scratch / "dir.db");
  const Error directory = error_of([&] { const Ledger ledger(scratch / "dir.db"); });
  CHECK(directory.code() == Code::precondition);
  CHECK(says(directory, "cannot use '" + (scratch / "dir.db").string()));
  const Error nowhere = error_of([&] { const Ledger ledger("/proc/self/fdinfo/ledger.db"); });
  CHECK(nowhere.code() == Code::precondition);
  CHECK(says(nowhere, "cannot make '/proc/self/fdinfo/ledger.db'"));
}

TEST_CASE("a word of a newer build is refused, not guessed") {
  const Scratch scratch;
  Ledger ledger(scratch / "ledger.db");
  ledger.intend(row_of("wf-ana-1"));
  run_sql(ledger.database(), "UPDATE pods SET held = 'frozen'");
  const Error error = error_of([&] { (void)ledger.find("wf-ana-1"); });
  CHECK(error.code() == Code::precondition);
  CHECK(says(error, "a word that this build does not know: 'frozen'"));
}

TEST_CASE("a ledger that another holds is busy, and free again when it lets go") {
  const Scratch scratch;
  Ledger ledger(scratch / "ledger.db");
  const Ledger other(scratch / "ledger.db");
  ::sqlite3_busy_timeout(ledger.database(), 50);
  {
    const Transaction held(other.database());
    const Error error = error_of([&] { ledger.intend(row_of("wf-ana-1")); });
    CHECK(error.code() == Code::busy);
    CHECK(says(error, "another process has held"));
  }
  CHECK_NOTHROW(ledger.intend(row_of("wf-ana-1")));
}

TEST_CASE("of eight processes that want one pod, one comes to rent it") {
  const Scratch scratch;
  const fs::path file = scratch / "ledger.db";
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    children.push_back(::fork());
    if (children.back() > 0) continue;
    ::_exit(comes_to_write(file, "wf-ana-" + std::to_string(i)));
  }
  int alone = 0;
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) < 2);
    if (WEXITSTATUS(status) == 0) alone += 1;
  }
  CHECK(alone == 1);
  CHECK(Ledger(file).all().size() == 1);
}
