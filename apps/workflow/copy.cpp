#include "client/copy.h"

#include "apps/workflow/hand.h"
#include "apps/workflow/transfer.h"
#include "common/text.h"

namespace workflow::app {
namespace {

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

/// `3 files, 1.2 GB in 9 s (133 MB/s)`.
std::string summary(const sync::Sum& sum, const Transfer& transfer) {
  std::string text = counted(sum.files, "file");
  if (sum.links > 0) text += ", " + counted(sum.links, "link");
  return text + ", " + human_bytes(static_cast<double>(sum.bytes)) + transfer.summary(sum.bytes);
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
  Transfer transfer(out);
  const auto tell = [&](const sync::Sum& arrived, const sync::Sum& total) {
    transfer.tell("", arrived.bytes, total.bytes);
  };
  try {
    const auto move = wants.to_target ? client::copy_to_target : client::copy_from_target;
    const sync::Sum sum = move(context.session(), wants.request, tell);
    out.status("");
    out.line(summary(sum, transfer));
    Json data = sync::sum_json(sum);
    data["seconds"] = transfer.seconds();
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
