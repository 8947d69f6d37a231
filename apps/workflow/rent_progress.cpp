#include "apps/workflow/rent_progress.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include "common/text.h"

namespace workflow::app {
namespace {

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

/// What people see of a renting, and what they are asked: once for the first price, and again for
/// an offer that is dearer.
class Progress {
 public:
  explicit Progress(Context& context) : context_(context) {}

  void hear(const Json& event) {
    context_.out().event(event);
    const std::string kind = text_at(event, "event");
    if (kind == "offer") return offer(number_at(event, "number"), member(event, "offer"));
    if (kind == "warning") return context_.out().warn(text_at(event, "text"));
    if (kind == "booting") return context_.out().status("booting …");
    if (const std::string line = words(kind, event); !line.empty()) {
      context_.out().status("");
      context_.out().note(line);
    }
  }

 private:
  static std::string words(const std::string& kind, const Json& event) {
    const std::string name = "'" + text_at(event, "name") + "'";
    if (kind == "resumed") return "going on with " + name + ", which was begun before";
    if (kind == "rented") return "rented as " + name;
    if (kind == "address") return "its address is " + text_at(event, "host");
    if (kind == "returned") return name + " was given back";
    if (kind == "attempt" && text_at(event, "trouble") != "ok") {
      return text_at(event, "trouble") + ": " + text_at(event, "text");
    }
    return {};
  }

  void offer(std::int64_t number, const Json& offer) {
    const std::string what =
        text_at(offer, "provider") + "  " + machine(offer) + "  " + price_text(offer);
    context_.out().note("offer " + std::to_string(number) + "  " + what);
    const double price = member(offer, "price_total_hr").get<double>();
    if (price <= agreed_ || context_.settings().flag("LIUM_YES")) return;
    context_.confirm("renting " + machine(offer) + " for " + price_text(offer));
    agreed_ = price;
  }

  Context& context_;
  double agreed_ = 0;  ///< USD an hour; what is free is not asked about
};

}  // namespace

client::OnEvent rent_progress(Context& context) {
  auto progress = std::make_shared<Progress>(context);
  return [progress](const Json& event) { progress->hear(event); };
}

bool is_of_renting(const Json& event) {
  constexpr std::string_view kinds[] = {"offer",   "attempt", "resumed",  "rented", "booting",
                                        "address", "ready",   "returned", "warning"};
  return std::find(std::begin(kinds), std::end(kinds), text_at(event, "event")) != std::end(kinds);
}

}  // namespace workflow::app
