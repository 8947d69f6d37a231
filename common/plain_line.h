#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

// Lines of JSON of which there are ten thousands, written and read without a parser where they hold
// nothing that JSON escapes; where they do, the parser has to do it.
namespace workflow {

/// Printable ASCII that stands in JSON as it is.
[[nodiscard]] inline bool is_plain(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') return false;
  }
  return true;
}

/// Reads a line from its start to its end, as long as it is as expected.
class PlainLine {
 public:
  explicit PlainLine(std::string_view line) : rest_(line) {}

  /// What has to stand here.
  PlainLine& skip(std::string_view literal) {
    good_ = good_ && rest_.starts_with(literal);
    if (good_) rest_.remove_prefix(literal.size());
    return *this;
  }
  [[nodiscard]] bool next_is(std::string_view literal) const { return rest_.starts_with(literal); }
  /// Plain text up to a quote.
  PlainLine& text(std::string_view& into) {
    const auto end = rest_.find('"');
    good_ = good_ && end != std::string_view::npos && is_plain(rest_.substr(0, end));
    if (!good_) return *this;
    into = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return *this;
  }
  PlainLine& number(std::int64_t& into) {
    const auto [end, fault] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), into);
    good_ = good_ && fault == std::errc();
    if (good_) rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return *this;
  }
  /// All of it was as expected.
  [[nodiscard]] bool whole() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace workflow
