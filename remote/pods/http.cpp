#include "remote/pods/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <array>
#include <memory>

#include "common/clock.h"
#include "remote/pods/provider.h"

namespace workflow::pods {
namespace {

/// The longest answer that is taken; a marketplace's offers have a few megabytes.
constexpr std::size_t most_bytes = 64U << 20U;

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Multi = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

/// The headers of a request as curl wants them.
class HeaderList {
 public:
  explicit HeaderList(const std::vector<std::string>& headers) {
    // Without it curl waits a second for a `100 Continue` before a long body.
    add("Expect:");
    for (const auto& header : headers) add(header);
  }
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  [[nodiscard]] curl_slist* get() const { return list_; }

 private:
  void add(const std::string& line) { list_ = curl_slist_append(list_, line.c_str()); }
  curl_slist* list_ = nullptr;
};

/// The easy handle's place among the multi handle's.
class Added {
 public:
  Added(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) {
    curl_multi_add_handle(multi_, easy_);
  }
  ~Added() { curl_multi_remove_handle(multi_, easy_); }
  Added(const Added&) = delete;
  Added& operator=(const Added&) = delete;

 private:
  CURLM* multi_;
  CURL* easy_;
};

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK) return {};
  const std::string out = text;
  curl_free(text);
  return out;
}

/// This machine itself. curl has written a number out (`127.1` as `127.0.0.1`) and asks nobody for
/// `localhost`.
bool is_loopback(const std::string& host) {
  in_addr address{};
  const bool numeric = ::inet_pton(AF_INET, host.c_str(), &address) == 1;
  return host == "localhost" || host == "[::1]" || (numeric && ntohl(address.s_addr) >> 24U == 127);
}

struct Place {
  bool encrypted = true;
  std::string shown;  ///< `host` or `host:port`, for people
};

Place place_of(const std::string& text) {
  const Url url(curl_url(), &curl_url_cleanup);
  const bool whole = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  const std::string scheme = part(url.get(), CURLUPART_SCHEME);
  const std::string host = part(url.get(), CURLUPART_HOST);
  const std::string port = part(url.get(), CURLUPART_PORT);
  if (!whole || host.empty() || (scheme != "https" && scheme != "http")) {
    throw Error(Code::usage, "'" + text + "' is no URL of a provider", "https://HOST/PATH");
  }
  if (scheme == "http" && !is_loopback(host)) {
    throw Error(Code::usage, "'" + text + "' would send the key in the clear",
                "use https; http is for this machine itself (127.0.0.1) alone");
  }
  return {scheme == "https", host + (port.empty() ? "" : ":" + port)};
}

std::size_t take(char* bytes, std::size_t, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + count > most_bytes) return 0;
  body.append(bytes, count);
  return count;
}

void describe(CURL* easy, const HttpRequest& request, const HttpLimits& limits, bool encrypted) {
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, encrypted ? "https" : "http");
  // A proxy sees what is not encrypted.
  if (!encrypted) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "workflow");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_ms));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.whole_ms));
}

/// Runs the one transfer of `multi` to its end; Error(detached) at Ctrl-C.
CURLcode run(CURLM* multi, int interrupt_fd) {
  int going = 1;
  while (true) {
    curl_multi_perform(multi, &going);
    if (going == 0) break;
    curl_waitfd interrupt{interrupt_fd, CURL_WAIT_POLLIN, 0};
    curl_multi_poll(multi, &interrupt, interrupt_fd >= 0 ? 1 : 0, 1000, nullptr);
    if (interrupt.revents != 0) throw Error(Code::detached, "detached");
  }
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi, &left);
  if (message == nullptr) bug("a transfer without an end");
  return message->data.result;
}

/// Whether a byte of the request can have left: the connection, TLS included, stood.
bool had_begun(CURL* easy) {
  curl_off_t ready_us = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  return ready_us > 0;
}

HttpAnswer answer_of(CURL* easy, std::string body) {
  HttpAnswer answer;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_off_t retry_after_secs = 0;
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_secs);
  if (retry_after_secs > 0) answer.retry_after_ms = retry_after_secs * 1000;
  answer.body = std::move(body);
  return answer;
}

}  // namespace

HttpAnswer exchange(const HttpRequest& request, const HttpLimits& limits) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Place place = place_of(request.url);
  const Easy easy(curl_easy_init(), &curl_easy_cleanup);
  const Multi multi(curl_multi_init(), &curl_multi_cleanup);
  if (ready != CURLE_OK || !easy || !multi) bug("libcurl does not start");
  const HeaderList headers(request.headers);
  std::string body;
  std::array<char, CURL_ERROR_SIZE> words{};
  describe(easy.get(), request, limits, place.encrypted);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, words.data());
  const Added added(multi.get(), easy.get());
  const CURLcode result = run(multi.get(), limits.interrupt_fd);
  if (result == CURLE_OK) return answer_of(easy.get(), std::move(body));
  const bool begun = had_begun(easy.get());
  const std::string why = words[0] != '\0' ? words.data() : curl_easy_strerror(result);
  throw ProviderError(
      Trouble::network,
      "'" + place.shown + "' " + (begun ? "did not answer: " : "was not reached: ") + why, {},
      begun);
}

}  // namespace workflow::pods
