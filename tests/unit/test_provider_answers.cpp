#include <catch2/catch.hpp>

#include "remote/pods/lambda_answers.h"
#include "remote/pods/runpod_answers.h"
#include "remote/pods/vast_answers.h"

// What single members of answers mean: words for states, prices, times, and what is missing.
namespace workflow::pods {
namespace {

Json json(const std::string& text) { return parse_json(text, "test"); }

Json runpod_gpu(const std::string& lowest, const std::string& list) {
  return json(R"({"id":"NVIDIA A100","memoryInGb":80,"secureCloud":true,"communityCloud":true,)" +
              list + R"("lowestPrice":)" + lowest + "}");
}

TEST_CASE("runpod: the words for a pod's state") {
  const auto status = [](const std::string& word, const std::string& runtime) {
    return runpod_pod(
               json(R"({"id":"p","desiredStatus":")" + word + R"(","runtime":)" + runtime + "}"))
        .status;
  };
  CHECK(status("CREATED", "null") == PodStatus::starting);
  CHECK(status("RESTARTING", "{}") == PodStatus::starting);
  CHECK(status("RUNNING", "null") == PodStatus::starting);
  CHECK(status("RUNNING", "{}") == PodStatus::running);
  CHECK(status("EXITED", "null") == PodStatus::stopped);
  CHECK(status("PAUSED", "null") == PodStatus::stopped);
  CHECK(status("DEAD", "null") == PodStatus::failed);
  CHECK(status("TERMINATED", "null") == PodStatus::ended);
  CHECK(status("HIBERNATED", "null") == PodStatus::unknown);
}

TEST_CASE("runpod: what a GPU costs is never told too low, whichever way a price is meant") {
  GpuQuery query;
  query.count = 4;
  const auto price = [&](const std::string& lowest, const std::string& list) {
    const auto offer = runpod_offer(runpod_gpu(lowest, list), query, true);
    return offer ? offer->price_total_hr : 0;
  };
  const std::string stock = R"(,"stockStatus":"Low"})";
  CHECK(price(R"({"uninterruptablePrice":4)" + stock, R"("securePrice":1,)") == 4);
  CHECK(price(R"({"uninterruptablePrice":1)" + stock, R"("securePrice":1,)") == 4);
  CHECK(price(R"({"uninterruptablePrice":4.4)" + stock, R"("securePrice":1,)") == 4.4);
  CHECK(price(R"({"uninterruptablePrice":4)" + stock, "") == 4);
  CHECK(price(R"({"uninterruptablePrice":null)" + stock, R"("securePrice":1,)") == 0);
  CHECK(price(R"({"uninterruptablePrice":4,"stockStatus":null})", R"("securePrice":1,)") == 0);
  CHECK(price("null", R"("securePrice":1,)") == 0);
  query.spot = true;
  CHECK(price(R"({"uninterruptablePrice":4,"minimumBidPrice":0.5)" + stock,
              R"("securePrice":1,"secureSpotPrice":0.5,)") == 2);
}

TEST_CASE("runpod: what has no address yet is not called unreachable") {
  const auto reason = [](const std::string& ports) {
    return runpod_pod(
               json(R"({"id":"p","desiredStatus":"RUNNING","runtime":{"ports":)" + ports + "}}"))
        .no_ssh_reason;
  };
  CHECK(reason("null").empty());
  CHECK(reason("[]").empty());
  CHECK_FALSE(reason(R"([{"privatePort":8888,"type":"http","isIpPublic":false}])").empty());
}

TEST_CASE("vast: the words for an instance's state") {
  const auto status = [](const std::string& actual, const std::string& intended) {
    return vast_pod(json(R"({"id":1,"actual_status":)" + actual + R"(,"intended_status":")" +
                         intended + "\"}"))
        .status;
  };
  CHECK(status("null", "running") == PodStatus::starting);
  CHECK(status("null", "stopped") == PodStatus::stopped);
  for (const auto* word : {"\"created\"", "\"loading\"", "\"rebooting\""}) {
    CHECK(status(word, "running") == PodStatus::starting);
  }
  CHECK(status("\"running\"", "running") == PodStatus::running);
  for (const auto* word : {"\"stopped\"", "\"exited\""}) {
    CHECK(status(word, "running") == PodStatus::stopped);
  }
  CHECK(status("\"offline\"", "running") == PodStatus::unknown);
  CHECK(status("\"frozen\"", "running") == PodStatus::unknown);
  CHECK(status("\"unknown\"", "running") == PodStatus::unknown);
}

TEST_CASE("vast: an instance's times, words and numbers in the forms that they come in") {
  const Pod pod = vast_pod(json(R"({"id":20000001,"label":"wf-ana-1","actual_status":"loading",
      "status_msg":"pulling image\n","gpu_name":"H100 SXM","num_gpus":8,"dph_total":"21.5",
      "start_date":1795000000.25})"));
  CHECK(pod.id == "20000001");
  CHECK(pod.status_text == "loading: pulling image");
  CHECK(pod.price_total_hr == 21.5);
  CHECK(pod.created_at == "2026-11-18T11:06:40.250Z");
  CHECK_FALSE(pod.ssh);
  CHECK(vast_pod(json(R"({"id":1,"label":null,"dph_total":null})")).name.empty());
}

TEST_CASE("vast: the dearer of bid and price, and nothing without a price") {
  GpuQuery query;
  query.spot = true;
  CHECK(vast_offer(json(R"({"id":1,"min_bid":0.6,"dph_total":0.5})"), query)->price_total_hr ==
        0.6);
  CHECK(vast_offer(json(R"({"id":1,"min_bid":0.5,"dph_total":0.6})"), query)->detail.at("bid") ==
        0.5);
  CHECK_FALSE(vast_offer(json(R"({"id":1})"), query));
  query.spot = false;
  const auto dear =
      vast_offer(json(R"({"id":1,"min_bid":0.6,"dph_total":0.5,"hosting_type":0})"), query);
  CHECK(dear->price_total_hr == 0.5);
  CHECK(dear->cloud_type == "community");
}

TEST_CASE("lambda: the words for an instance's state, and an address only when there is one") {
  const auto pod = [](const std::string& word) {
    return lambda_pod(json(R"({"id":"i","name":null,"status":")" + word + "\"}"));
  };
  CHECK(pod("booting").status == PodStatus::starting);
  CHECK(pod("active").status == PodStatus::running);
  CHECK(pod("unhealthy").status == PodStatus::failed);
  CHECK(pod("terminating").status == PodStatus::ending);
  CHECK(pod("terminated").status == PodStatus::ended);
  CHECK(pod("preempted").status == PodStatus::ended);
  CHECK(pod("alert").status == PodStatus::unknown);
  CHECK_FALSE(pod("active").ssh);
  CHECK_FALSE(pod("active").price_total_hr);
}

TEST_CASE("lambda: what a refusal means") {
  const auto trouble = [](const std::string& code) {
    return lambda_error(json(R"({"error":{"code":")" + code + R"(","message":"m"}})")).trouble();
  };
  CHECK(trouble("instance-operations/launch/insufficient-capacity") == Trouble::no_capacity);
  CHECK(trouble("global/invalid-api-key") == Trouble::credentials);
  CHECK(trouble("global/account-inactive") == Trouble::account);
  CHECK(trouble("global/quota-exceeded") == Trouble::account);
  CHECK(trouble("global/invalid-parameters") == Trouble::rejected);
  CHECK(trouble("global/unknown") == Trouble::provider);
  CHECK(lambda_error(json("{}")).message.empty());
  CHECK(lambda_error(json(R"({"error":{"code":"c"}})")).words() == "an error without words");
}

TEST_CASE("lambda: a key is compared by itself, not by its comment, and nothing is no key") {
  const Json keys = json(R"([{"name":"a","public_key":"ssh-ed25519 AAAA1 x@y"},
                             {"name":"b","public_key":"ssh-ed25519 AAAA2\n"},
                             {"name":"c"}])");
  CHECK(lambda_key_name(keys, "ssh-ed25519 AAAA2 other comment") == "b");
  CHECK(lambda_key_name(keys, "ssh-ed25519 AAAA") == "");
  CHECK(lambda_key_name(keys, "").empty());
  CHECK(lambda_new_key_name("ssh-ed25519 AAAA2 one") == lambda_new_key_name("ssh-ed25519 AAAA2"));
}

}  // namespace
}  // namespace workflow::pods
