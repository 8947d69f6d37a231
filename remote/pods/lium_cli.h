#pragma once

#include <string>
#include <vector>

#include "common/json.h"
#include "common/spawn.h"
#include "remote/pods/provider.h"

// Lium's own program. Its exit status says nothing (0 after most failures), so that whoever asks it
// for an effect looks at its listing; its words are markup such as `[yellow]…[/]`.
namespace workflow::pods {

class LiumCli {
 public:
  explicit LiumCli(const ProviderContext& context);

  /// The JSON document that it printed. ProviderError with its words when it printed none.
  [[nodiscard]] Json json(std::vector<std::string> words) const;
  /// What it said on both streams, as plain text. ProviderError when it did not end in time.
  [[nodiscard]] std::string say(std::vector<std::string> words, const std::string& input) const;
  /// Starts it in a session of its own, both streams to `out`, stdin empty.
  [[nodiscard]] pid_t start(std::vector<std::string> words, int out) const;

  /// Plain text without markup, escapes and the key.
  [[nodiscard]] std::string plain(std::string_view text) const;
  /// Why it failed, as far as its words tell; `effect`: it was to change something.
  [[nodiscard]] ProviderError failure(const std::string& what, const std::string& words,
                                      bool effect) const;

 private:
  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> words) const;
  [[nodiscard]] std::vector<std::string> environment() const;

  std::string key_;
  int interrupt_fd_;
};

/// What it prints as a time, as RFC 3339 in UTC; empty for anything else.
[[nodiscard]] std::string lium_time(std::string_view text);

}  // namespace workflow::pods
