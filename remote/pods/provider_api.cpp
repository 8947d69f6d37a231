#include "remote/pods/provider_api.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/clock.h"
#include "common/mask.h"
#include "common/text.h"
#include "remote/transport/pause.h"

namespace workflow::pods {
namespace {

constexpr int most_tries = 4;
constexpr std::size_t most_words = 300;  ///< of an answer that is quoted

bool is_passing(long status) { return status == 429 || status >= 500; }

Trouble trouble_of(long status) {
  if (status == 401) return Trouble::credentials;
  if (status == 402 || status == 403) return Trouble::account;
  return status == 429 ? Trouble::rate_limited : Trouble::provider;
}

std::string quoted(const std::string& body) {
  const std::string_view text = trim(body);
  const std::string_view head = text.substr(0, most_words);
  return std::string(head.substr(0, whole_utf8(head))) + (head.size() < text.size() ? " …" : "");
}

}  // namespace

ProviderApi::ProviderApi(ApiSpec spec) : spec_(std::move(spec)) {
  if (spec_.key.empty()) {
    throw ProviderError(Trouble::credentials, "there is no key for '" + spec_.provider + "'",
                        "set " + spec_.key_name + ", or write it to the file of credentials");
  }
}

ProviderError ProviderApi::error(Trouble trouble, const std::string& words, bool maybe_done) const {
  Mask mask({spec_.key});
  const std::string shown = mask.feed(words) + mask.rest();
  const bool key_is_wrong = trouble == Trouble::credentials;
  return ProviderError(trouble, "'" + spec_.provider + "': " + shown,
                       key_is_wrong ? "look at " + spec_.key_name : std::string(), maybe_done);
}

HttpRequest ProviderApi::request(const std::string& method, const std::string& path,
                                 const std::string& body) const {
  HttpRequest out{.method = method, .url = spec_.url + path, .body = body};
  out.headers = {"Authorization: Bearer " + spec_.key, "Accept: application/json"};
  if (method != "GET") out.headers.emplace_back("Content-Type: application/json");
  return out;
}

void ProviderApi::keep_pace() {
  const std::int64_t wait = last_ms_ + spec_.pace_ms - system_clock().steady_ms();
  if (last_ms_ != 0 && wait > 0) transport::pause(wait, spec_.interrupt_fd);
  last_ms_ = system_clock().steady_ms();
}

HttpAnswer ProviderApi::once(const HttpRequest& request, std::int64_t limit_ms) {
  keep_pace();
  HttpLimits limits{.whole_ms = std::max<std::int64_t>(limit_ms, 1),
                    .interrupt_fd = spec_.interrupt_fd};
  limits.connect_ms = std::min(limits.connect_ms, limits.whole_ms);
  return exchange(request, limits);
}

void ProviderApi::refuse(const HttpAnswer& answer, bool changes) const {
  const long status = answer.status;
  const bool ok = status >= 200 && status < 300;
  const bool known = status >= 400 && status < 500 && trouble_of(status) == Trouble::provider;
  if (ok || known) return;
  throw error(trouble_of(status), "HTTP " + std::to_string(status) + " " + quoted(answer.body),
              changes && (status >= 500 || status < 400));
}

HttpAnswer ProviderApi::ask(const std::string& method, const std::string& path,
                            const std::string& body) {
  const HttpRequest what = request(method, path, body);
  const std::int64_t deadline = system_clock().steady_ms() + spec_.limit_ms;
  std::int64_t wait = spec_.first_wait_ms;
  for (int tries = 1;; ++tries, wait *= 2) {
    const std::int64_t left = deadline - system_clock().steady_ms();
    const auto room_for = [&](std::int64_t pause_ms) {
      return tries < most_tries && system_clock().steady_ms() + pause_ms < deadline;
    };
    std::int64_t pause_ms = wait;
    try {
      const HttpAnswer answer = once(what, left);
      pause_ms = std::max(wait, answer.retry_after_ms.value_or(0));
      if (!is_passing(answer.status) || !room_for(pause_ms)) {
        refuse(answer, false);
        return answer;
      }
    } catch (const ProviderError& lost) {
      if (lost.trouble() != Trouble::network) throw;
      if (!room_for(pause_ms)) throw error(Trouble::network, lost.what());
    }
    transport::pause(pause_ms, spec_.interrupt_fd);
  }
}

HttpAnswer ProviderApi::change(const std::string& method, const std::string& path,
                               const std::string& body) {
  const HttpAnswer answer = once(request(method, path, body), spec_.limit_ms);
  refuse(answer, true);
  return answer;
}

Json ProviderApi::json_of(const HttpAnswer& answer, bool maybe_done) const {
  const std::string fault = json_fault(answer.body);
  Json out = fault.empty() ? parse_json(answer.body, spec_.provider) : Json();
  if (out.is_object()) return out;
  throw error(Trouble::provider,
              "the answer is not understood (HTTP " + std::to_string(answer.status) +
                  "): " + (fault.empty() ? quoted(answer.body) : fault),
              maybe_done);
}

const Json& ProviderApi::list_of(const Json& answer, const std::string& key) const {
  const Json& found = member(answer, key);
  if (found.is_array()) return found;
  throw error(Trouble::provider, "the answer has no list '" + key + "'");
}

std::optional<double> real_at(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return text.empty() || *end != '\0' ? std::nullopt : std::optional(number);
}

std::string words_at(const Json& object, const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    if (const std::string text = text_at(object, key); !text.empty()) return text;
  }
  return {};
}

}  // namespace workflow::pods
