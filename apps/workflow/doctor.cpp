// doctor: numbered checks of the way to the target and of the target itself.
#include "client/doctor.h"

#include "apps/workflow/command.h"
#include "client/provider_access.h"

namespace workflow::app {
namespace {

Paint paint_of(const std::string& state) {
  if (state == "ok") return Paint::green;
  return state == "warn" ? Paint::yellow : Paint::red;
}

}  // namespace

Outcome doctor(Context& context) {
  Output& out = context.out();
  client::DoctorRequest request;
  request.tell = [&](const client::Check& check) {
    out.line(padded(std::to_string(check.number) + ".", 4) + padded(check.name, 16) +
             out.paint(paint_of(check.state), padded(check.state, 5)) + " " + check.text);
    if (!check.hint.empty()) out.line(std::string(26, ' ') + check.hint);
  };
  request.providers = [&] {
    return client::providers_of_accounts(context.settings(), context.interrupt_fd());
  };
  const auto told = client::doctor(context.session(), request);
  Outcome outcome;
  Json checks = Json::array();
  std::string failed;
  for (const auto& check : told.checks) {
    checks.push_back({{"number", check.number},
                      {"check", check.name},
                      {"state", check.state},
                      {"text", check.text},
                      {"hint", check.hint}});
    if (check.state == "fail") failed += (failed.empty() ? "" : ", ") + check.name;
  }
  outcome.data = {{"checks", std::move(checks)}};
  if (told.failed()) {
    outcome.code = told.reached ? Code::precondition : Code::unreachable;
    outcome.message = "not well: " + failed;
  }
  return outcome;
}

}  // namespace workflow::app
