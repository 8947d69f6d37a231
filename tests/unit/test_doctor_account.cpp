// What doctor says of the accounts at providers.
#include <catch2/catch.hpp>

#include "client/doctor_account.h"

namespace workflow::client {
namespace {

/// Stands for a provider: only list() is asked of it.
class Account : public pods::Provider {
 public:
  Account(std::string name, std::function<std::vector<pods::Pod>()> list)
      : name_(std::move(name)), list_(std::move(list)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] pods::Traits traits() const override { return {}; }
  [[nodiscard]] std::vector<pods::Offer> offers(const pods::GpuQuery&) override { return {}; }
  [[nodiscard]] std::string create(const pods::Offer&, const pods::PodRequest&) override {
    return {};
  }
  [[nodiscard]] std::optional<pods::Pod> describe(const std::string&) override { return {}; }
  [[nodiscard]] std::vector<pods::Pod> list() override { return list_(); }
  void terminate(const std::string&) override {}

 private:
  std::string name_;
  std::function<std::vector<pods::Pod>()> list_;
};

Check look(std::function<std::vector<pods::Pod>()> list) {
  const auto checks = look_at_accounts([&] {
    Providers providers;
    providers.push_back(std::make_unique<Account>("vast", std::move(list)));
    return providers;
  });
  REQUIRE(checks.size() == 1);
  return checks.front();
}

pods::Pod pod(pods::PodStatus status) {
  return {.provider = "vast", .id = "1", .name = "a", .status = status};
}

}  // namespace

TEST_CASE("an account that answers tells how many pods cost") {
  const Check check = look([] {
    return std::vector{pod(pods::PodStatus::running), pod(pods::PodStatus::stopped),
                       pod(pods::PodStatus::ended)};
  });
  CHECK(check.name == "account vast");
  CHECK(check.state == "ok");
  CHECK(check.text == "answers; 2 pods there");
}

TEST_CASE("an account that refuses says why and what to do") {
  const Check check = look([]() -> std::vector<pods::Pod> {
    throw pods::ProviderError(pods::Trouble::credentials, "the key is not known");
  });
  CHECK(check.state == "fail");
  CHECK(check.text == "the key is not known");
  CHECK(check.hint == "is its key right, and allowed to list pods?");
}

TEST_CASE("a key's file that others can read, and no key at all, are told") {
  const auto open = look_at_accounts(
      []() -> Providers { throw Error(Code::precondition, "others can read it", "chmod 600"); });
  REQUIRE(open.size() == 1);
  CHECK(open.front().state == "fail");
  CHECK(open.front().hint == "chmod 600");
  CHECK(look_at_accounts([] { return Providers(); }).front().state == "ok");
}

}  // namespace workflow::client
