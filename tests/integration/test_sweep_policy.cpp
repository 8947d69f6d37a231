#include <catch2/catch.hpp>

#include <map>

#include "common/text.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// The instants in `home/times` as `NAME begin|end GPUS nanoseconds`, written by rows.
constexpr const char* note_times =
    "echo \"$RUN_ID begin $CUDA_VISIBLE_DEVICES $(date +%s%N)\" >> \"$HOME/times\"; "
    "sleep 1; echo \"$RUN_ID end $CUDA_VISIBLE_DEVICES $(date +%s%N)\" >> \"$HOME/times\"";

struct Span {
  std::string gpus;
  long long begin = 0;
  long long end = 0;
};

std::map<std::string, Span> spans(const Sweeps& sweeps) {
  std::map<std::string, Span> found;
  for (const auto& line : split(trim(sweeps.space.read("home/times")), '\n')) {
    const auto words = split(line, ' ');
    Span& span = found[words.at(0)];
    span.gpus = words.at(2);
    (words[1] == "begin" ? span.begin : span.end) = *parse_integer(words.at(3));
  }
  return found;
}

bool overlap(const Span& a, const Span& b) { return a.begin < b.end && b.begin < a.end; }

}  // namespace

TEST_CASE("a row is tried again where its failure may go away by itself") {
  const Sweeps sweeps("SWEEP_MAX_RETRIES=1\n");
  const std::string killed_once = "test $WF_ATTEMPT -gt 1 || kill -9 $$";
  sweeps.manifest(
      {{.run_id = "killed-once", .command = killed_once},
       {.run_id = "import", .command = "python3 -c 'import nosuch'"},
       {.run_id = "exit", .command = "exit 1"},
       {.run_id = "forbidden", .command = killed_once, .max_retries = "0"},
       {.run_id = "twice", .command = "test $WF_ATTEMPT -gt 2 || kill -9 $$", .max_retries = "2"},
       {.run_id = "oom",
        .command = "echo torch.cuda.OutOfMemoryError: CUDA out of memory; exit 1",
        .max_retries = "3"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("killed-once") == 2);
  CHECK(sweeps.starts("import") == 1);
  CHECK(sweeps.starts("exit") == 1);
  CHECK(sweeps.starts("forbidden") == 1);
  CHECK(sweeps.starts("twice") == 3);
  CHECK(sweeps.starts("oom") == 2);
  CHECK(sweeps.count("success") == 2);
  CHECK(sweeps.count("failed") == 4);
  const Json summary = sweeps.space.run_summary("twice");
  CHECK(number_at(summary, "attempts") == 3);
  for (const char* name : {"0001", "0002"}) {
    CHECK(fs::exists(sweeps.run_dir("twice") / "attempts" / name / "summary.json"));
  }
  CHECK(text_at(member(sweeps.space.run_summary("oom"), "failure"), "class") == "oom_gpu");
}

TEST_CASE("too many failures in a row open the breaker, and sweep-start goes on") {
  const Sweeps sweeps("SWEEP_MAX_CONSECUTIVE_FAILURES=2\n");
  const std::string unless_mended = "test -e \"$HOME/mended\"";
  sweeps.manifest({{.run_id = "bad1", .command = "false"},
                   {.run_id = "good"},
                   {.run_id = "bad2", .command = "false"},
                   {.run_id = "bad3", .command = "false"},
                   {.run_id = "left1", .command = unless_mended},
                   {.run_id = "left2", .command = unless_mended}});
  const std::string campaign = text_at(sweeps.start(), "campaign");
  CHECK(sweeps.end_state() == "SWEEP_STALLED");
  CHECK(text_at(sweeps.truth(), "reason") == "2 rows failed one after the other (exit)");
  CHECK(sweeps.count("pending") == 2);
  CHECK(sweeps.starts() == 4);

  sweeps.space.write("home/mended", "");
  CHECK(text_at(sweeps.start(), "campaign") == campaign);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 6);
  CHECK(sweeps.count("success") == 3);
}

TEST_CASE("SWEEP_FAIL_FAST stops at the first failure") {
  const Sweeps sweeps("SWEEP_FAIL_FAST=1\n");
  sweeps.manifest({{.run_id = "bad", .command = "false"}, {.run_id = "left"}});
  CHECK(sweeps.run_to_end() == "SWEEP_STALLED");
  CHECK(sweeps.starts("left") == 0);
  CHECK(sweeps.count("pending") == 1);
}

TEST_CASE("rows side by side never share a GPU") {
  const Sweeps sweeps("SWEEP_GPUS_PER_RUN=1\n", {"CUDA_VISIBLE_DEVICES=0,1,2,3"});
  std::vector<TestRow> rows;
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    rows.push_back({.run_id = id, .command = note_times});
  }
  rows.push_back({.run_id = "wide", .command = note_times, .gpus = "2"});
  sweeps.manifest(rows);
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const auto found = spans(sweeps);
  REQUIRE(found.size() == 6);
  CHECK(found.at("wide").gpus.size() == 3);
  int together = 0;
  for (const auto& [one, a] : found) {
    for (const auto& [other, b] : found) {
      if (one >= other || !overlap(a, b)) continue;
      together += 1;
      INFO(one << " on " << a.gpus << ", " << other << " on " << b.gpus);
      for (const auto& gpu : split(a.gpus, ',')) CHECK(b.gpus.find(gpu) == std::string::npos);
    }
  }
  CHECK(together >= 6);  // the first four at least
}

TEST_CASE("without GPUs rows run one after the other") {
  const Sweeps sweeps("SWEEP_GPUS_PER_RUN=1\n", {"CUDA_VISIBLE_DEVICES="});
  sweeps.manifest({{.run_id = "a", .command = note_times}, {.run_id = "b", .command = note_times}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const auto found = spans(sweeps);
  CHECK_FALSE(overlap(found.at("a"), found.at("b")));
}
