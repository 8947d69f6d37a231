// A target's words on a person's terminal: its records are somebody else's text.
#include <catch2/catch.hpp>
#include <regex>

#include "common/text.h"
#include "tests/support/sweeps.h"
#include "tests/support/terminal.h"

namespace workflow::test {
namespace {

const std::string evil = "EVIL\033[2J\033]0;owned\a\r\b\u009b31m\u202e\x7f" + std::string(1, '\0');

/// What of a program's output a terminal would obey, apart from our own colours and lines.
std::string obeyed_part(std::string text, bool terminal) {
  // Colours, the block that sweep-watch draws over itself, and its screen.
  static const std::regex ours(
      "\033\\[([0-27]|3[123])m|\033\\[[0-9]+A\r|\033\\[[KJ]|\033\\[\\?[0-9]+[hl]|\033\\[H|"
      "\033\\[[0-9]+;1H\033\\[2K");
  if (terminal) text = std::regex_replace(text, ours, "");
  std::string found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool end_of_line = terminal && c == '\r' && text.substr(i, 2) == "\r\n";
    if ((c < 0x20 && c != '\n' && c != '\t' && !end_of_line) || c == 0x7F) {
      found += std::to_string(c) + " ";
    }
  }
  for (const char* sequence : {"\u009b", "\u202e"}) {
    if (text.find(sequence) != std::string::npos) found += "U+ ";
  }
  return found;
}

/// Puts hostile words into every text of a record.
void poison(const fs::path& file, const std::vector<std::string>& keys) {
  Json record = parse_json(read_file(file), file.string());
  for (const auto& key : keys) record[key] = evil;
  real_files().write(file, pretty_json(record));
}

}  // namespace

TEST_CASE("no word of a target's records reaches the terminal as a command to it") {
  const Sweeps sweeps;
  const Workspace& space = sweeps.space;
  sweeps.manifest({{.run_id = "bad", .command = "echo 'ValueError: '$'\\033[31m'; exit 3"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  (void)space.data({"task-run", "--wait", "--id", "one", "--", "printf", evil.substr(0, 20)});
  poison(space.task_dir("one") / "status.json", {"reason", "state", "host", "signal"});
  poison(space.outputs() / "_control/workflow_state.json", {"reason", "command"});
  for (const char* name : {"status.json", "summary.json"}) {
    poison(sweeps.run_dir("bad") / name, {"reason", "signal", "failure"});
  }
  const std::string campaign = text_at(space.state(), "campaign");
  poison(sweeps.campaign_dir(campaign) / "campaign.json", {"manifest", "git_sha"});
  real_files().append(space.outputs() / "_control/workflow_log.jsonl",
                      dump_json({{"at", "2026-01-01T00:00:00.000Z"},
                                 {"revision", 99},
                                 {"from", evil},
                                 {"to", evil},
                                 {"command", evil},
                                 {"reason", evil}}) +
                          "\n");
  space.write(fs::path(".workflow/outputs/_tasks/other/spec.json"), "{\"schema\":\"\\u001b[2J\"}");
  space.write(fs::path(".workflow/outputs/_tasks/other/status.json"), "\033[2J");
  bool seen = false;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"fsm-status"},
                                             {"fsm-log"},
                                             {"task-list"},
                                             {"task-status", "one"},
                                             {"task-wait", "one"},
                                             {"task-status", "other"},
                                             {"sweep-status", "--all"},
                                             {"sweep-watch"},
                                             {"why", "bad"},
                                             {"doctor"},
                                             {"-v", "pod-status"},
                                             {"fsm-reset", "CHECKED_OUT"}}) {
    INFO(join(words, " "));
    const Shown shown = show_on_terminal(space, words, 100);
    CHECK(obeyed_part(shown.bytes, true).empty());
    const Captured piped = space.run(words);
    CHECK(obeyed_part(piped.out + piped.err, false).empty());
    seen = seen || piped.out.find("EVIL\\x1b[2J") != std::string::npos;
    const std::string json = space.run({"--json", words[0], words.back()}).out;
    CHECK(obeyed_part(json, false).empty());
  }
  CHECK(seen);
}

}  // namespace workflow::test
