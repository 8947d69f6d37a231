#include "remote/pods/lium_cli.h"

#include <algorithm>
#include <regex>

#include "common/clock.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "remote/pods/own_program.h"

namespace workflow::pods {
namespace {

constexpr std::int64_t limit_ms = 90'000;  ///< its one-file builds need ten seconds to start

struct Hint {
  std::string_view words;
  Trouble trouble;
};
/// In its words, in lower case; the first that is there counts.
constexpr Hint hints[] = {
    {"api key", Trouble::credentials},       {"unauthorized", Trouble::credentials},
    {"invalid key", Trouble::credentials},   {"permission", Trouble::account},
    {"balance", Trouble::account},           {"insufficient", Trouble::account},
    {"rented out", Trouble::no_capacity},    {"no nodes", Trouble::no_capacity},
    {"no executors", Trouble::no_capacity},  {"already rented", Trouble::no_capacity},
    {"not available", Trouble::no_capacity}, {"unavailable", Trouble::no_capacity},
    {"rate limit", Trouble::rate_limited},   {"too many requests", Trouble::rate_limited},
    {"connection", Trouble::network},        {"timed out", Trouble::network},
    {"no such option", Trouble::rejected},   {"not found", Trouble::rejected},
};

Trouble trouble_in(const std::string& words) {
  const std::string text = lower(words);
  for (const auto& hint : hints) {
    if (text.find(hint.words) != std::string::npos) return hint.trouble;
  }
  return Trouble::provider;
}

/// The document may have words before it.
std::optional<Json> document_in(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool begins_line = at == 0 || text[at - 1] == '\n';
    if (!begins_line || (text[at] != '[' && text[at] != '{')) continue;
    if (json_fault(text.substr(at)).empty()) return parse_json(text.substr(at), "lium");
  }
  return std::nullopt;
}

}  // namespace

LiumCli::LiumCli(const ProviderContext& context)
    : key_(context.value("LIUM_API_KEY")), interrupt_fd_(context.interrupt_fd) {}

std::vector<std::string> LiumCli::command(std::vector<std::string> words) const {
  const fs::path program = find_executable("lium");
  if (program.empty()) {
    throw ProviderError(Trouble::provider, "there is no 'lium' on the PATH",
                        "pip install lium.io, then lium init");
  }
  words.insert(words.begin(), program.string());
  return words;
}

std::vector<std::string> LiumCli::environment() const {
  // No colours, no narrow lines, no question, no number taken for a pod.
  std::vector<std::string> set{"NO_COLOR=1", "TERM=dumb", "COLUMNS=1000", "LIUM_NONINTERACTIVE=1",
                               "LIUM_NO_POD_INDEX=1"};
  if (!key_.empty()) set.push_back("LIUM_API_KEY=" + key_);
  return environment_with(set);
}

Json LiumCli::json(std::vector<std::string> words) const {
  const std::string what = words.front();
  const Captured done = capture({.argv = command(std::move(words)),
                                 .env = environment(),
                                 .limit_ms = limit_ms,
                                 .interrupt_fd = interrupt_fd_});
  if (done.interrupted) throw Error(Code::detached, "interrupted while lium was asked");
  if (done.timed_out) {
    throw ProviderError(Trouble::network, "'lium " + what + "' did not answer in time");
  }
  if (auto document = document_in(done.out)) return std::move(*document);
  throw failure("'lium " + what + "' printed no JSON", plain(done.err + done.out), false);
}

std::string LiumCli::say(std::vector<std::string> words, const std::string& input) const {
  const std::string what = words.front();
  const Captured done = capture({.argv = command(std::move(words)),
                                 .env = environment(),
                                 .input = input,
                                 .limit_ms = limit_ms,
                                 .interrupt_fd = interrupt_fd_});
  if (done.interrupted) throw Error(Code::detached, "interrupted while lium was asked");
  if (done.timed_out) {
    throw ProviderError(Trouble::network, "'lium " + what + "' did not end in time", {}, true);
  }
  return plain(done.err + done.out);
}

pid_t LiumCli::start(std::vector<std::string> words, int out) const {
  const Spawned started = spawn({.argv = command(std::move(words)),
                                 .env = environment(),
                                 .out = out,
                                 .err = out,
                                 .new_session = true});
  if (started.failure) throw ProviderError(Trouble::provider, started.failure->words());
  return started.pid;
}

std::string LiumCli::plain(std::string_view text) const {
  static const std::regex markup(R"(\[/?[a-z#][a-z0-9_ #.]*\]|\[/\])");
  std::string out = std::regex_replace(without_escapes(text), markup, "");
  for (std::size_t at = 0; key_.size() >= 8 && (at = out.find(key_)) != std::string::npos;) {
    out.replace(at, key_.size(), "***");
  }
  return std::string(trim(out));
}

ProviderError LiumCli::failure(const std::string& what, const std::string& words,
                               bool effect) const {
  const Trouble trouble = trouble_in(words);
  // These it is told before anything is rented; of the others nothing is known.
  const bool refused = trouble == Trouble::credentials || trouble == Trouble::no_capacity ||
                       trouble == Trouble::account;
  const std::string said = words.substr(words.size() > 1'000 ? words.size() - 1'000 : 0);
  return ProviderError(trouble, what + (said.empty() ? "" : ": " + said),
                       trouble == Trouble::credentials ? "set LIUM_API_KEY, or lium init" : "",
                       effect && !refused);
}

std::string lium_time(std::string_view text) {
  static const std::regex form(
      R"((\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?)");
  std::match_results<std::string_view::const_iterator> found;
  if (!std::regex_match(text.begin(), text.end(), found, form)) return {};
  const std::string fraction = (found[3].str() + "000").substr(found[3].matched ? 1 : 0, 3);
  const auto utc = parse_utc(found[1].str() + "T" + found[2].str() + "." + fraction + "Z");
  if (!utc) return {};
  std::string zone = found[4].str();
  std::erase(zone, ':');
  if (zone.size() < 5) return utc_text(*utc);
  const std::int64_t minutes = parse_integer(zone.substr(1, 2)).value_or(0) * 60 +
                               parse_integer(zone.substr(3, 2)).value_or(0);
  return utc_text(*utc - (zone.front() == '-' ? -1 : 1) * minutes * 60'000);
}

}  // namespace workflow::pods
