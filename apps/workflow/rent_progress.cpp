#include "apps/workflow/rent_progress.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>

namespace workflow::app {
namespace {

std::string usd(double amount) {
  char text[32];
  std::snprintf(text, sizeof text, "$%.2f", amount);
  return text;
}

std::string price_text(const Json& offer) {
  const double total = member(offer, "price_total_hr").get<double>();
  const double each = member(offer, "price_per_gpu_hr").get<double>();
  if (total == 0) return "free";
  const bool one = number_at(offer, "gpu_count") <= 1;
  return (one ? "" : usd(each) + " per GPU, ") + usd(total) + "/h";
}

std::string machine(const Json& offer) {
  const std::int64_t gpus = number_at(offer, "gpu_count");
  return gpus == 0 ? "cpu" : std::to_string(gpus) + "×" + text_at(offer, "gpu_type");
}

class Progress {
 public:
  explicit Progress(Context& context) : context_(context) {}

  void hear(const Json& event) {
    context_.out().event(event);
    const std::string kind = text_at(event, "event");
    if (kind == "offer") return offer(member(event, "offer"));
    const std::string text = text_at(event, "text");
    if (text.empty()) return;
    if (kind == "warning") return context_.out().warn(text);
    if (kind == "booting") return context_.out().status(text);
    context_.out().status("");
    context_.out().note(text);
  }

 private:
  void offer(const Json& offer) {
    context_.out().note("offer " + std::to_string(++offers_) + "  " + text_at(offer, "provider") +
                        "  " + machine(offer) + "  " + price_text(offer));
    const double price = member(offer, "price_total_hr").get<double>();
    if (price <= agreed_ || context_.settings().flag("LIUM_YES")) return;
    context_.confirm("renting " + machine(offer) + " for " + price_text(offer));
    agreed_ = price;
  }

  Context& context_;
  int offers_ = 0;
  double agreed_ = 0;  ///< USD an hour; what is free is not asked about
};

}  // namespace

client::OnEvent rent_progress(Context& context) {
  auto progress = std::make_shared<Progress>(context);
  return [progress](const Json& event) { progress->hear(event); };
}

bool is_of_renting(const Json& event) {
  constexpr std::string_view kinds[] = {"offer", "rented",   "booting", "address",
                                        "ready", "returned", "warning"};
  return std::find(std::begin(kinds), std::end(kinds), text_at(event, "event")) != std::end(kinds);
}

}  // namespace workflow::app
