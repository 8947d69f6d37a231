// The lium provider against a fake `lium`: it believes listings, never words or exit codes.
#include <signal.h>

#include <catch2/catch.hpp>
#include <map>

#include "common/clock.h"
#include "common/json.h"
#include "common/pipe.h"
#include "common/text.h"
#include "remote/pods/factories.h"
#include "remote/pods/lium_cli.h"
#include "tasks/process.h"
#include "tests/support/eventually.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::test;

namespace {

constexpr const char* key = "ssh-ed25519 AAAAC3Nza ana@laptop";

/// A user with the fake `lium` first on the PATH, and its key in his home.
class Account {
 public:
  Account() {
    ::setenv("PATH", (std::string(WORKFLOW_FAKE_LIUM) + ":" + path_).c_str(), 1);
    ::setenv("FAKE_LIUM", scratch_.path().c_str(), 1);
    fs::create_directories(scratch_ / ".ssh");
    real_files().write(scratch_ / ".ssh" / "id_ed25519", "private");
    real_files().write(scratch_ / ".ssh" / "id_ed25519.pub", std::string(key) + "\n");
    settings["HOME"] = scratch_.path();
    settings["LIUM_API_KEY"] = "canary-0123456789";
  }
  ~Account() { ::setenv("PATH", path_.c_str(), 1); }

  [[nodiscard]] std::unique_ptr<pods::Provider> provider(int interrupt_fd = -1) const {
    return pods::lium_provider({.value =
                                    [this](const std::string& name) {
                                      const auto found = settings.find(name);
                                      return found == settings.end() ? std::string()
                                                                     : found->second;
                                    },
                                .interrupt_fd = interrupt_fd});
  }
  [[nodiscard]] std::string rent(const std::string& name, const std::string& ends_at = {}) const {
    return provider()->create(offer("0b8a1d7e-1"), wish(name, ends_at));
  }
  static pods::Offer offer(const std::string& id) {
    pods::Offer made;
    made.id = id;
    return made;
  }
  static pods::PodRequest wish(const std::string& name, const std::string& ends_at = {}) {
    return {.name = name, .public_key = key, .query = {}, .ends_at = ends_at};
  }
  void faults(const Json& what) const {
    real_files().write(scratch_ / "faults.json", dump_json(what));
  }
  /// The calls of a verb so far.
  [[nodiscard]] std::vector<std::string> calls(const std::string& verb) const {
    std::vector<std::string> out;
    for (const auto& line : split(read_file(scratch_ / "calls"), '\n')) {
      if (line.starts_with("[\"" + verb + "\"")) out.push_back(line);
    }
    return out;
  }
  [[nodiscard]] const Scratch& dir() const { return scratch_; }

  std::map<std::string, std::string> settings;

 private:
  Scratch scratch_;
  std::string path_ = std::getenv("PATH");
};

std::string in_hours(int hours) { return utc_text(system_clock().now_ms() + hours * 3'600'000LL); }

/// The error that a call ends with.
template <class Call>
pods::ProviderError refusal(Call call) {
  try {
    call();
  } catch (const pods::ProviderError& error) {
    return error;
  }
  FAIL("no error");
  std::abort();
}

}  // namespace

TEST_CASE("lium's offers are read with both prices, VRAM, CUDA and tier") {
  Account account;
  const auto offers = account.provider()->offers({});
  REQUIRE(offers.size() == 2);
  CHECK(offers[0].id == "0b8a1d7e-1");
  CHECK(offers[0].price_total_hr == 2.1);
  CHECK(offers[0].vram_gb == 80);
  CHECK(offers[0].cuda == pods::CudaVersion{12, 8});
  CHECK(offers[0].cloud_type == "secure");
  CHECK(offers[1].spot);
  account.settings["LIUM_EXECUTOR_ID"] = "golden-orbit-7b";
  CHECK(account.provider()->offers({}).at(0).id == "0b8a1d7e-2");
  account.settings["LIUM_EXECUTOR_ID"].clear();
  account.settings["LIUM_COUNTRY"] = "FR";
  CHECK(account.provider()->offers({}).size() == 1);
  CHECK(account.provider()->offers(pods::parse_query("type=cpu", "x")).empty());
}

TEST_CASE("a pod of lium is rented, found, given an end and ended; `lium up` is not left behind") {
  Account account;
  account.settings["LIUM_VOLUME"] = "id:calm-orbit-4b";
  account.settings["LIUM_PORTS"] = "5";
  const std::string end = in_hours(2);
  const std::string id = account.rent("wf-ana-1", end);
  const auto pod = account.provider()->describe(id).value();
  CHECK(pod.name == "wf-ana-1");
  CHECK(pod.status == pods::PodStatus::running);
  CHECK(pod.ssh == pods::SshAddress{"root", "203.0.113.7", 20301});
  CHECK(std::abs(parse_utc(pod.ends_at).value() - parse_utc(end).value()) < 180'000);
  const auto up = account.calls("up").at(0);
  CHECK(up.starts_with(R"(["up", "0b8a1d7e-1", "--name", "wf-ana-1", "--yes", "--ttl", "1)"));
  CHECK_THAT(up, Catch::Contains(R"("--volume", "id:calm-orbit-4b", "--ports", "5")"));
  if (fs::exists(account.dir() / "up.pid")) {
    const auto pid = parse_integer(read_file(account.dir() / "up.pid"));
    CHECK_FALSE(tasks::start_time(static_cast<pid_t>(pid.value())).has_value());
  }
  account.provider()->terminate(id);
  CHECK(account.provider()->list().empty());
  account.provider()->terminate(id);  // a pod that is not there is no error
  CHECK_THAT(read_file(account.dir() / "calls"),
             !Catch::Contains("--all") && !Catch::Contains("canary"));
}

TEST_CASE(
    "a failure that exits 0 is a failure, with its words without markup and without the key") {
  Account account;
  account.faults({{"up", "[red]All H100 GPUs are currently rented out[/] ($KEY)"}});
  const auto taken = refusal([&] { (void)account.rent("wf-ana-1"); });
  CHECK(taken.trouble() == pods::Trouble::no_capacity);
  CHECK_FALSE(taken.maybe_done());
  CHECK(std::string(taken.what()) ==
        "'lium up' has rented nothing: All H100 GPUs are currently rented out (***)");

  account.faults({{"ps", "[red]Error: Invalid API key[/]"}});
  const auto denied = refusal([&] { (void)account.provider()->list(); });
  CHECK(denied.trouble() == pods::Trouble::credentials);
  CHECK(std::string(denied.what()) == "'lium ps' printed no JSON: Error: Invalid API key");
}

TEST_CASE("a pod that lium rented before it failed is found by its name") {
  Account account;
  account.faults({{"up", "[red]Connection reset[/]"}, {"up_effect", true}, {"invisible", 2}});
  const std::string id = account.rent("wf-ana-1");
  CHECK(account.provider()->describe(id)->name == "wf-ana-1");
  CHECK(account.calls("up").size() == 1);
}

TEST_CASE("an answer that was lost says that the pod may be there") {
  Account account;
  account.faults({{"up", "[red]Connection reset[/]"}, {"up_effect", true}, {"invisible", 1000}});
  const auto lost = refusal([&] { (void)account.rent("wf-ana-1"); });
  CHECK(lost.maybe_done());
  CHECK(lost.trouble() == pods::Trouble::network);
}

TEST_CASE("a `lium up` that brings no pod is ended after its limit") {
  Account account;
  account.settings["LIUM_UP_TIMEOUT_SECS"] = "2";
  account.faults({{"invisible", 1000}});
  const auto late = refusal([&] { (void)account.rent("wf-ana-1"); });
  CHECK(late.maybe_done());
  CHECK(std::string(late.what()) == "'lium up' has brought no pod in time");
  const auto pid = parse_integer(read_file(account.dir() / "up.pid"));
  CHECK_FALSE(tasks::start_time(static_cast<pid_t>(pid.value())).has_value());
}

TEST_CASE("a removal that lies is not believed") {
  Account account;
  const std::string id = account.rent("wf-ana-1");
  account.faults({{"rm_lies", true}});
  const auto lie = refusal([&] { account.provider()->terminate(id); });
  CHECK(lie.maybe_done());
  CHECK_THAT(lie.what(), Catch::Contains("'lium rm' has not ended pod '" + id + "'"));
  account.faults({{"rm_old", true}});
  account.provider()->terminate(id);
  CHECK(account.provider()->list().empty());
}

TEST_CASE("an end that lium does not set is not claimed") {
  Account account;
  account.settings["LIUM_TTL"] = "7200";
  account.faults({{"no_schedule", true}});
  const std::string id = account.rent("wf-ana-1");
  CHECK(account.provider()->describe(id)->ends_at.empty());
  account.faults(Json::object());
  account.provider()->set_end(id, in_hours(1));
  CHECK_FALSE(account.provider()->describe(id)->ends_at.empty());
  CHECK_THROWS_WITH(account.provider()->set_end(id, "soon"), "'soon' is no time");
}

TEST_CASE("a row number is no id, and `all` no pod") {
  Account account;
  for (const char* id : {"1", "all", "ALL", "a,b", "--all", ""}) {
    CAPTURE(id);
    CHECK_THROWS_WITH(account.provider()->terminate(id), Catch::Contains("is no id of Lium's"));
  }
  account.settings["LIUM_EXECUTOR_ID"] = "3";
  CHECK_THROWS_WITH(account.provider()->offers({}), Catch::Contains("a row number changes"));
  CHECK_THROWS_WITH(account.provider()->create(Account::offer("2"), Account::wish("x")),
                    Catch::Contains("a row number changes"));
  CHECK_FALSE(fs::exists(account.dir() / "pods.json"));
}

TEST_CASE("nothing is rented where lium would let in another key than ours") {
  Account account;
  fs::create_directories(account.dir() / ".lium");
  real_files().write(account.dir() / ".lium" / "config.ini",
                     "[api]\napi_key = x\n[ssh]\nkey_path = ~/other\n");
  real_files().write(account.dir() / "other.pub", "ssh-ed25519 BBBB someone");
  const auto other = refusal([&] { (void)account.rent("wf-ana-1"); });
  CHECK(other.trouble() == pods::Trouble::rejected);
  CHECK_THAT(other.what(), Catch::Contains("another key into the pod"));
  CHECK_FALSE(other.maybe_done());
  CHECK_FALSE(fs::exists(account.dir() / "calls"));
  real_files().write(account.dir() / "other.pub", std::string(key) + " of another name");
  CHECK_FALSE(account.rent("wf-ana-1").empty());
}

TEST_CASE("what is no list of pods is no empty account") {
  Account account;
  account.faults({{"ps", ""}});
  CHECK_THROWS_WITH(account.provider()->list(), "'lium ps' printed no JSON");
  account.faults({{"ps", "x"}, {"ps_out", "{\"pods\": []}"}});
  CHECK_THROWS_WITH(account.provider()->list(), "'lium ps' printed no list");
  real_files().write(account.dir() / "pods.json", R"([{"name": "x", "unseen": 0}])");
  account.faults(Json::object());
  CHECK_THROWS_WITH(account.provider()->list(), "'lium ps' told of a pod without an id");
}

TEST_CASE("Ctrl-C while lium rents ends `lium up`") {
  Account account;
  account.faults({{"invisible", 1000}});
  Pipe interrupt = make_pipe();
  REQUIRE(::write(interrupt.write.get(), "c", 1) == 1);
  CHECK_THROWS_WITH(account.provider(interrupt.read.get())
                        ->create(Account::offer("0b8a1d7e-1"), Account::wish("wf-ana-1")),
                    Catch::Contains("interrupted while lium was"));
}

TEST_CASE("without lium on the PATH it is said how to get it") {
  Account account;
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/usr/bin:/bin", 1);
  CHECK_THROWS_WITH(account.provider()->list(), "there is no 'lium' on the PATH");
  ::setenv("PATH", path.c_str(), 1);
}

TEST_CASE("times of lium's are read in every form that it prints") {
  using pods::lium_time;
  CHECK(lium_time("2026-07-10T12:00:00Z") == "2026-07-10T12:00:00.000Z");
  CHECK(lium_time("2026-07-10T12:00:00.123456") == "2026-07-10T12:00:00.123Z");
  CHECK(lium_time("2026-07-10T12:00:00+00:00") == "2026-07-10T12:00:00.000Z");
  CHECK(lium_time("2026-07-10T14:30:00.5+02:30") == "2026-07-10T12:00:00.500Z");
  CHECK(lium_time("2026-07-10 12:00:00-0100") == "2026-07-10T13:00:00.000Z");
  CHECK(lium_time("tomorrow").empty());
  CHECK(lium_time("").empty());
}
