// pod-offers: what could be rented now, best first.
#include "client/pod_offers.h"
#include "client/wanted_pod.h"

#include <algorithm>
#include <cstdio>

#include "apps/workflow/command.h"
#include "common/text.h"

namespace workflow::app {
namespace {

std::string with_digits(const char* form, double value) {
  char text[40];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

std::vector<std::string> cells(const pods::Offer& offer) {
  const bool gpu = offer.gpu_count > 0;
  const std::string unknown = "–";
  const auto or_unknown = [&](const std::string& text) { return text.empty() ? unknown : text; };
  return {offer.provider,
          gpu ? std::to_string(offer.gpu_count) + " × " + offer.gpu_type : "cpu",
          gpu ? with_digits("%.2f", offer.price_per_gpu_hr()) : unknown,
          with_digits("%.2f", offer.price_total_hr),
          offer.vram_gb ? std::to_string(*offer.vram_gb) + " GB" : unknown,
          offer.cuda ? pods::cuda_text(*offer.cuda) : unknown,
          or_unknown(offer.spot ? offer.cloud_type + " spot" : offer.cloud_type),
          or_unknown(offer.region),
          offer.reliability ? with_digits("%.1f %%", *offer.reliability * 100) : unknown,
          offer.id};
}

Json to_json(const client::OffersFound& found, std::size_t limit) {
  Json offers = Json::array();
  for (std::size_t i = 0; i < std::min(limit, found.offers.size()); ++i) {
    offers.push_back(pods::offer_json(found.offers[i]));
  }
  Json unasked = Json::array();
  for (const auto& one : found.unasked) {
    unasked.push_back({{"provider", one.provider}, {"category", one.category}, {"why", one.why}});
  }
  return {{"offers", std::move(offers)},
          {"fitting", found.offers.size()},
          {"asked", found.asked},
          {"unasked", std::move(unasked)}};
}

/// Nothing fits; while somebody could not be asked, that is not known.
void tell_nothing(Outcome& outcome, const client::OffersFound& found, const pods::GpuQuery& query) {
  const std::string wanted = pods::query_text(query);
  const bool known = found.unasked.empty();
  outcome.code = known ? Code::not_found : Code::provider;
  outcome.message =
      known ? "no offer fits " : "no offer was found, and not all could be asked, for ";
  outcome.message += wanted.empty() ? "type=" + query.type : wanted;
  if (!query.is_cpu()) outcome.hint = client::type_advice(query.type, found.types);
}

/// What was typed, else what the settings want, else any machine with a GPU.
pods::GpuQuery query_of(Context& context, const std::string& typed) {
  if (!typed.empty()) return pods::parse_query(typed, "QUERY");
  if (client::says_machine(context.settings())) return client::wanted_machine(context.settings());
  pods::GpuQuery any;
  any.type.clear();
  return any;
}

}  // namespace

Outcome pod_offers(Context& context) {
  const std::string typed = context.args().positional("query");
  const std::size_t limit = static_cast<std::size_t>(context.args().count("--limit").value_or(20));
  const pods::GpuQuery query = query_of(context, typed);
  Output& out = context.out();
  const auto found = client::pod_offers(context.settings(), query, context.interrupt_fd());
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < std::min(limit, found.offers.size()); ++i) {
    rows.push_back(cells(found.offers[i]));
  }
  if (!rows.empty()) {
    out.rows({"provider", "machine", "$/GPU·h", "$/h", "VRAM", "CUDA", "cloud", "region",
              "reliability", "offer"},
             rows, {false, false, true, true, true, true, false, false, true, false});
  }
  if (found.offers.size() > rows.size()) {
    out.note(std::to_string(found.offers.size() - rows.size()) + " more: --limit " +
             std::to_string(found.offers.size()));
  }
  for (const auto& one : found.unasked) out.warn(one.provider + " could not be asked: " + one.why);
  Outcome outcome{to_json(found, limit)};
  if (found.offers.empty()) tell_nothing(outcome, found, query);
  return outcome;
}

}  // namespace workflow::app
