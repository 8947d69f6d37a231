#include "remote/pods/tls.h"

#include <curl/curl.h>

namespace workflow::pods {

std::string tls_library() {
  const auto* about = ::curl_version_info(CURLVERSION_NOW);
  if ((about->features & CURL_VERSION_SSL) == 0 || about->ssl_version == nullptr) return {};
  return std::string("libcurl ") + about->version + ", " + about->ssl_version;
}

}  // namespace workflow::pods
