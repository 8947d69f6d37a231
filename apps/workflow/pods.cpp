// pod-down, pod-list, cost, gc: what was rented, what it costs, and its end.
#include "apps/workflow/command.h"
#include "client/bound_pod.h"
#include "client/cost.h"
#include "client/gc.h"
#include "client/pod_down.h"
#include "common/clock.h"
#include "common/text.h"

namespace workflow::app {
namespace {

std::string machine(const Json& pod) {
  const std::int64_t gpus = number_at(pod, "gpu_count");
  return gpus == 0 ? "cpu" : std::to_string(gpus) + "×" + text_at(pod, "gpu_type");
}

double real_at(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number() ? value.get<double>() : 0.0;
}

std::string price_text(const Json& pod, const char* key) {
  return real_at(pod, "price_total_hr") > 0 ? usd(real_at(pod, key)) : "free";
}

std::string hours_text(double hours) {
  return human_duration(static_cast<std::int64_t>(hours * 3600));
}

/// `ends 15:02`, `ended`, `only workflow gc ends it`: what people pay attention to.
std::string ending_text(Output& out, const Json& pod) {
  const std::string held = text_at(pod, "held");
  if (held == "ended") return "ended " + out.time(text_at(pod, "ended_at"));
  if (held == "ending") return "is ending";
  if (held == "intended") return "may be there: workflow gc looks";
  const std::string ends = text_at(pod, "ends_at");
  if (ends.empty()) return "pod-down";
  const bool timed = text_at(pod, "ending") != pods::name(pods::Ending::only_by_us);
  return (timed ? "ends " : "gc after ") + out.time(ends);
}

void show_pods(Output& out, const Json& pods) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& pod : pods) {
    rows.push_back({text_at(pod, "name"), text_at(pod, "provider"), machine(pod),
                    text_at(pod, "held"), hours_text(real_at(pod, "hours")),
                    price_text(pod, "price_total_hr"), price_text(pod, "cost"),
                    ending_text(out, pod), text_at(pod, "purpose")});
  }
  out.rows({"pod", "provider", "machine", "held", "for", "$/h", "cost", "until", "by"},
           std::move(rows), {false, false, false, false, true, true, true});
}

Json living(const Json& pods) {
  Json out = Json::array();
  for (const auto& pod : pods) {
    if (text_at(pod, "held") != "ended") out.push_back(pod);
  }
  return out;
}

void show_orphans(Output& out, const Json& data) {
  for (const auto& orphan : member(data, "orphans")) {
    const double price = real_at(orphan, "price_total_hr");
    out.line(text_at(orphan, "name") + "  " + text_at(orphan, "provider") + ":" +
             text_at(orphan, "id") + (price > 0 ? "  " + usd(price) + "/h" : "") + "  " +
             text_at(orphan, "why"));
  }
  for (const auto& text : member(data, "unasked")) {
    out.warn("could not be asked, so nothing is known of it: " + text.get<std::string>());
  }
}

Outcome pod_list(Context& context) {
  Output& out = context.out();
  if (context.args().has("--orphans")) {
    Outcome outcome{client::orphans(context.settings(), context.interrupt_fd())};
    show_orphans(out, outcome.data);
    const auto n = static_cast<std::int64_t>(member(outcome.data, "orphans").size());
    out.line(n == 0 ? "no pod is forgotten"
                    : counted(n, "pod") + " nobody wants; workflow gc --yes ends them");
    return outcome;
  }
  Json data = client::cost_of_pods();
  const Json pods =
      context.args().has("--all") ? member(data, "pods") : living(member(data, "pods"));
  data["pods"] = pods;
  if (pods.empty()) {
    out.line("nothing is rented" +
             std::string(context.args().has("--all") ? "" : "; --all shows what was"));
  } else {
    show_pods(out, pods);
    if (real_at(data, "per_hour") > 0) out.note(usd(real_at(data, "per_hour")) + " an hour in all");
  }
  return {std::move(data)};
}

Outcome gc(Context& context) {
  Output& out = context.out();
  const bool really = context.globals().yes && !context.globals().dry_run;
  const auto tell = [&](const Json& event) {
    out.event(event);
    if (const std::string text = text_at(event, "text"); !text.empty()) out.note(text);
  };
  Outcome outcome{client::gc(context.settings(), context.interrupt_fd(),
                             {.really = really, .strangers = context.args().words}, tell)};
  show_orphans(out, outcome.data);
  const auto ended = static_cast<std::int64_t>(member(outcome.data, "ended").size());
  const auto left = static_cast<std::int64_t>(member(outcome.data, "orphans").size());
  if (ended > 0) out.line("ended " + counted(ended, "pod"));
  if (ended == 0 && left == 0) out.line("no pod is forgotten");
  if (left > 0 && !really) out.note("nothing was ended; --yes ends them, a stranger only by name");
  if (!member(outcome.data, "faults").empty()) {
    const Json& first = member(outcome.data, "faults").front();
    outcome.code = code_from_name(text_at(first, "code"));
    outcome.message = text_at(first, "text");
    outcome.hint = text_at(first, "hint");
  }
  return outcome;
}

Outcome cost(Context& context) {
  Output& out = context.out();
  if (!context.args().has("--runs")) {
    Json data = client::cost_of_pods();
    if (member(data, "pods").empty()) {
      out.line("nothing was rented from here");
      return {std::move(data)};
    }
    show_pods(out, member(data, "pods"));
    out.line("in all " + usd(real_at(data, "total")) +
             (real_at(data, "per_hour") > 0
                  ? ", and " + usd(real_at(data, "per_hour")) + " more each hour"
                  : std::string()));
    return {std::move(data)};
  }
  Json data = client::cost_of_runs(context.session());
  std::vector<std::vector<std::string>> rows;
  for (const auto& run : member(data, "runs")) {
    rows.push_back({text_at(run, "run_id"), text_at(run, "state"), usd(real_at(run, "cost"))});
  }
  out.rows({"run", "state", "cost"}, std::move(rows), {false, false, true});
  out.line("idle " + usd(real_at(data, "idle")) + " of " +
           usd(real_at(member(data, "pod"), "cost")));
  return {std::move(data)};
}

Outcome pod_down(Context& context) {
  Output& out = context.out();
  const auto pod = client::last_pod(context.settings());
  if (context.settings().target().empty() && pod && pod->held == pods::Held::ended) {
    out.line("'" + pod->name + "' has ended already" + "   POD_TERMINATED");
    return {client::state_without_pod(context.settings())};
  }
  client::Session& session = context.session();
  if (context.globals().dry_run) {
    Json would_go = client::what_would_go(session);
    const std::string why = client::objection(would_go);
    out.line(why.empty() ? "would give the pod back; nothing would be lost"
                         : "would refuse: " + why);
    return {{{"would_go", std::move(would_go)}}};
  }
  const client::PodDown request{context.args().has("--force"), context.args().text("--abandon")};
  Outcome outcome{
      client::pod_down(session, context.interrupt_fd(), request, [&](const Json& event) {
        out.event(event);
        if (const std::string text = text_at(event, "text"); !text.empty()) out.note(text);
      })};
  out.line(padded("'" + text_at(outcome.data, "name") + "' was given back, " +
                      usd(real_at(outcome.data, "cost")) + " in all",
                  42) +
           " POD_TERMINATED");
  return outcome;
}

}  // namespace

const Family& rent_family() {
  static const Family family{
      "rented pods",
      {{"pod-list",
        "what is rented, and what it costs",
        {},
        {{"--all", "", "also what has ended"},
         {"--orphans", "", "ask every provider for pods that nobody wants"}},
        pod_list,
        Dry::reads},
       {"pod-down",
        "give the rented pod back, if nothing is lost with it",
        {},
        {{"--force", "", "although something is at work"},
         {"--abandon", "NAME", "the pod of this name, whatever is lost with it"}},
        pod_down,
        Dry::says},
       {"cost",
        "what each pod has cost, or each run",
        {},
        {{"--runs", "", "of the sweep on the target: its pod's cost by run"}},
        cost,
        Dry::reads},
       {"gc",
        "find pods that nobody wants; --yes ends them",
        {{"stranger", "a pod of ours that this machine does not know, by name", false, true}},
        {},
        gc,
        Dry::reads}}};
  return family;
}

}  // namespace workflow::app
