#include "sweep/rehearsal/trial.h"

#include "common/error.h"

namespace workflow::sweep {

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::warn:
      return "warn";
    case Outcome::fail:
      return "fail";
    case Outcome::skipped:
      return "skipped";
    case Outcome::unknown:
      return "unknown";
  }
  bug("an outcome without a name");
}

Json trial_json(const Trial& trial) {
  return {{"outcome", name(trial.outcome)}, {"text", trial.text}, {"hint", trial.hint}};
}

void Verdict::say(const std::string& text) {
  trial_.text += (trial_.text.empty() ? "" : ", ") + text;
}

void Verdict::worse(Outcome outcome, const std::string& text, const std::string& hint) {
  say(text);
  if (trial_.outcome == Outcome::fail || trial_.outcome == outcome) return;
  trial_.outcome = outcome;
  trial_.hint = hint;
}

Json wish_json(const RehearsalWish& wish) {
  return {{"gpus", wish.gpus ? Json(*wish.gpus) : Json()},
          {"network", wish.network},
          {"trial_secs", wish.trial_secs},
          {"resume", wish.resume},
          {"only", wish.only},
          {"row", wish.row},
          {"wait_secs", wish.wait_secs}};
}

RehearsalWish rehearsal_wish_from(const Json& json) {
  RehearsalWish wish;
  if (member(json, "gpus").is_number()) wish.gpus = number_at(json, "gpus");
  wish.network = flag_at(json, "network");
  wish.trial_secs = number_at(json, "trial_secs", wish.trial_secs);
  wish.resume = flag_at(json, "resume");
  for (const auto& name : member(json, "only")) wish.only.push_back(name.get<std::string>());
  wish.row = text_at(json, "row");
  wish.wait_secs = number_at(json, "wait_secs", wish.wait_secs);
  return wish;
}

}  // namespace workflow::sweep
