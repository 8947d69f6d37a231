#pragma once

#include <string>

#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// Throws what the system's ssh meant by its own words (its log, apart from the remote program's
/// stderr): a host key or login that is refused is Error(precondition), a host that cannot be
/// reached Error(unreachable) or ClosedBeforeLogin. Returns when they tell of none of these.
/// `asked`: a person could have typed a passphrase.
void throw_for_words(const Endpoint& endpoint, const std::string& words, bool asked);

/// The same for what the proxy of an endpoint said: why there is no way through it. Returns when it
/// said nothing.
void throw_for_proxy_words(const Endpoint& endpoint, const std::string& words);

/// The same for an ssh that has ended before it did anything: always throws.
[[noreturn]] void throw_for_end(const Endpoint& endpoint, const std::string& words, bool asked);

/// What is worth quoting of them, in one line.
[[nodiscard]] std::string in_one_line(const std::string& words);

}  // namespace workflow::transport
