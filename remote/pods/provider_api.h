#pragma once

#include <string>

#include "common/json.h"
#include "remote/pods/http.h"
#include "remote/pods/provider.h"

namespace workflow::pods {

/// Where a provider's API is and how one logs in there.
struct ApiSpec {
  std::string provider;  ///< as messages name it
  std::string url;       ///< without a slash at the end
  std::string key;       ///< travels as `Authorization: Bearer KEY`
  std::string key_name;  ///< `RUNPOD_API_KEY`: what a person sets
  int interrupt_fd = -1;
  std::int64_t pace_ms = 0;          ///< at least so long between two requests
  std::int64_t limit_ms = 45'000;    ///< of a question with its repetitions, and of a change
  std::int64_t first_wait_ms = 500;  ///< before the first repetition; then twice as long each time
};

/// What the adapters over HTTP share: questions that are repeated, changes that are not, and the
/// words for what went wrong, with the key masked in all of them.
class ProviderApi {
 public:
  /// ProviderError(credentials) without a key.
  explicit ProviderApi(ApiSpec spec);

  /// Asks what changes nothing, or the same however often it is asked. Repeated after 429, 5xx and
  /// a lost connection, a Retry-After respected, up to four times within the limit. The status is
  /// then 2xx, or a 4xx other than 401, 402, 403 and 429.
  [[nodiscard]] HttpAnswer ask(const std::string& method, const std::string& path,
                               const std::string& body = {});
  /// Does what must not be done twice: made once. The same statuses; maybe_done() after 5xx and a
  /// lost answer.
  [[nodiscard]] HttpAnswer change(const std::string& method, const std::string& path,
                                  const std::string& body = {});

  /// The answer's JSON; ProviderError(provider) when it is none, or no object.
  [[nodiscard]] Json json_of(const HttpAnswer& answer, bool maybe_done = false) const;
  /// An error in the provider's own words, without the key.
  [[nodiscard]] ProviderError error(Trouble trouble, const std::string& words,
                                    bool maybe_done = false) const;
  /// The member of an answer that has to be a list: without it nothing is known, least of all that
  /// there is nothing. ProviderError(provider).
  [[nodiscard]] const Json& list_of(const Json& answer, const std::string& key) const;

 private:
  [[nodiscard]] HttpAnswer once(const HttpRequest& request, std::int64_t limit_ms);
  [[nodiscard]] HttpRequest request(const std::string& method, const std::string& path,
                                    const std::string& body) const;
  void keep_pace();
  void refuse(const HttpAnswer& answer, bool changes) const;

  ApiSpec spec_;
  std::int64_t last_ms_ = 0;
};

/// A number of an answer, also where it came as text; nothing where it is neither.
[[nodiscard]] std::optional<double> real_at(const Json& object, std::string_view key);
/// The first of these members that is a text; an answer says its words under several names.
[[nodiscard]] std::string words_at(const Json& object, const std::vector<std::string>& keys);

}  // namespace workflow::pods
