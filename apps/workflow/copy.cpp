#include "client/copy.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "apps/workflow/hand.h"
#include "common/clock.h"
#include "common/text.h"

namespace workflow::app {
namespace {

constexpr std::int64_t draw_every_ms = 100;

bool on_target(const std::string& word) { return !word.empty() && word[0] == ':'; }

/// The words without their colons, and which way they go.
struct Wanted {
  client::CopyRequest request;
  bool to_target = false;
};

Wanted wanted(const std::vector<std::string>& words) {
  if (words.size() < 2) {
    throw Error(Code::usage, "'cp' needs sources and where to",
                "a path on the target is written ':PATH': workflow cp data.tar :data/");
  }
  Wanted out;
  out.to_target = on_target(words.back());
  out.request.destination = words.back().substr(out.to_target ? 1 : 0);
  out.request.directory = words.size() > 2;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (on_target(words[i]) == out.to_target) {
      throw Error(Code::usage,
                  "'" + words[i] + "' and '" + words.back() + "' are both " +
                      (out.to_target ? "on the target" : "on this machine"),
                  out.to_target ? "within the target: workflow exec -- cp …"
                                : "a path on the target is written ':PATH'");
    }
    out.request.sources.push_back(words[i].substr(out.to_target ? 0 : 1));
  }
  const bool no_name = (out.to_target ? words.front() : words.back()).empty();
  if (no_name) throw Error(Code::usage, "an empty path names nothing");
  return out;
}

/// One line on a terminal: how much, how fast, how long still.
class Progress {
 public:
  explicit Progress(Output& out) : out_(out) {}
  ~Progress() { out_.status(""); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void tell(const sync::Sum& arrived, const sync::Sum& total) {
    const std::int64_t now = system_clock().steady_ms();
    if (now - drawn_ms_ < draw_every_ms) return;
    drawn_ms_ = now;
    const double rate = per_second(arrived.bytes);
    std::string text = human_bytes(static_cast<double>(arrived.bytes)) + " of " +
                       human_bytes(static_cast<double>(total.bytes)) + "   " + human_bytes(rate) +
                       "/s";
    if (rate >= 1) {
      const double left = static_cast<double>(total.bytes - arrived.bytes) / rate;
      text += "   eta " + human_duration(static_cast<std::int64_t>(left) + 1);
    }
    out_.status(text);
  }

  [[nodiscard]] double seconds() const {
    return static_cast<double>(system_clock().steady_ms() - begun_ms_) / 1000;
  }
  [[nodiscard]] double per_second(std::int64_t bytes) const {
    return static_cast<double>(bytes) / std::max(seconds(), 0.001);
  }

 private:
  Output& out_;
  std::int64_t begun_ms_ = system_clock().steady_ms();
  std::int64_t drawn_ms_ = begun_ms_;
};

std::string counted(std::int64_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

/// `3 files, 1.2 GB in 9 s (133 MB/s)`.
std::string summary(const sync::Sum& sum, const Progress& progress) {
  char tenths[32];
  std::snprintf(tenths, sizeof tenths, "%.1f s", progress.seconds());
  std::string text = counted(sum.files, "file");
  if (sum.links > 0) text += ", " + counted(sum.links, "link");
  return text + ", " + human_bytes(static_cast<double>(sum.bytes)) + " in " +
         (progress.seconds() < 9.95
              ? tenths
              : human_duration(static_cast<std::int64_t>(progress.seconds()))) +
         (sum.bytes < 1'000'000 ? "" : " (" + human_bytes(progress.per_second(sum.bytes)) + "/s)");
}

}  // namespace

Outcome copy(Context& context) {
  const Wanted wants = wanted(context.args().words);
  Output& out = context.out();
  if (context.globals().dry_run) {
    out.line("would copy " + join(wants.request.sources, ", ") +
             (wants.to_target ? " to the target's " : " of the target to ") +
             (wants.request.destination.empty() ? "working copy"
                                                : "'" + wants.request.destination + "'"));
    return {};
  }
  Progress progress(out);
  const auto tell = [&](const sync::Sum& arrived, const sync::Sum& total) {
    progress.tell(arrived, total);
  };
  try {
    const auto move = wants.to_target ? client::copy_to_target : client::copy_from_target;
    const sync::Sum sum = move(context.session(), wants.request, tell);
    out.status("");
    out.line(summary(sum, progress));
    Json data = sync::sum_json(sum);
    data["seconds"] = progress.seconds();
    return {std::move(data)};
  } catch (const Error& error) {
    out.status("");
    const bool lost = error.code() == Code::unreachable;
    if (error.code() != Code::detached && !lost) throw;
    throw Error(error.code(),
                lost ? std::string(error.what())
                     : std::string("the copy was stopped; no file is there by half"),
                "the same command again copies all of it; no file is left by half");
  }
}

}  // namespace workflow::app
