#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace workflow {

[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
[[nodiscard]] std::string lower(std::string_view text);

/// `1 true yes y on` in any case are true; everything else, empty included, is false.
[[nodiscard]] bool truthy(std::string_view text);

/// The whole text as a decimal integer; nothing when it is anything else.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

/// Seconds from `90`, `90s`, `15m`, `2h`, `1d`; nothing when it is anything else.
[[nodiscard]] std::optional<std::int64_t> parse_duration(std::string_view text);

/// Bytes from `10`, `10K`, `10M`, `10G`, `10T` (powers of 1024).
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);

/// `9 s`, `16 min 54 s`, `5 h 10 min`, `2 d 3 h`: for people.
[[nodiscard]] std::string human_duration(std::int64_t seconds);

/// `1 row`, `2 rows`: for people.
[[nodiscard]] std::string counted(std::int64_t number, std::string_view noun);

/// `812 bytes`, `1.2 GB` (powers of 1000): for people.
[[nodiscard]] std::string human_bytes(double bytes);

/// `$4.78`, and three digits of what is below ten cents, `$0.0123`: for people.
[[nodiscard]] std::string usd(double amount);

/// The nearest of `names` within a third of its length in edits; empty when none is near.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& names);

/// True when `id` matches [A-Za-z0-9][A-Za-z0-9._-]{0,127}: the rule for every id on disk.
[[nodiscard]] bool valid_id(std::string_view id);

/// Throws Error(usage) that names `kind` unless valid_id(id).
void require_id(std::string_view kind, std::string_view id);

/// How a word is written so that a POSIX shell reads it back unchanged; for display and for
/// command.sh only: nothing we run is built from it.
[[nodiscard]] std::string shell_quote(std::string_view word);

/// Splits as a POSIX shell splits words, with quotes and backslashes but no expansion of any kind.
/// Nothing when a quote is never closed or a backslash ends the text.
[[nodiscard]] std::optional<std::vector<std::string>> split_words(std::string_view text);

[[nodiscard]] bool valid_utf8(std::string_view bytes);
/// Length of the longest prefix that does not end inside a UTF-8 sequence.
[[nodiscard]] std::size_t whole_utf8(std::string_view bytes);

[[nodiscard]] std::string base64(std::string_view bytes);
/// The bytes of base64 text; nothing when it is not base64.
[[nodiscard]] std::optional<std::string> unbase64(std::string_view text);

/// `n` random bytes as 2n hex digits, from the kernel.
[[nodiscard]] std::string random_hex(std::size_t n);

/// A text as it was meant to be read: without the escape sequences of a terminal, colours and moves
/// of its cursor.
[[nodiscard]] std::string without_escapes(std::string_view text);

}  // namespace workflow
