#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Text in columns, as a terminal counts them: colours take none.
namespace workflow::app {

/// Makes every cell printable, before it is measured.
void make_printable(std::vector<std::vector<std::string>>& rows);

/// Rows under headings, each column as wide as its widest cell; `right` columns flush right.
[[nodiscard]] std::vector<std::string> table(const std::vector<std::string>& headings,
                                             const std::vector<std::vector<std::string>>& rows,
                                             const std::vector<bool>& right = {});

/// How many terminal columns a text takes, without colours.
[[nodiscard]] std::size_t text_width(std::string_view text);
/// The text with spaces behind it, at least so many columns wide.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

/// At most so many columns of a text, its colours ended; `…` stands for what is cut off.
[[nodiscard]] std::string clipped(std::string_view text, std::size_t width);

/// The text without its colours.
[[nodiscard]] std::string without_paint(std::string_view text);

/// The text in lines of at most so many columns, broken at spaces where there are some; all but the
/// first begin with `indent` spaces. Without colours.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width,
                                               std::size_t indent);

/// Shortens the widest cells with `…` until the table is at most `width` columns wide; columns of
/// eight or fewer are left whole.
void fit(const std::vector<std::string>& headings, std::vector<std::vector<std::string>>& rows,
         std::size_t width);

}  // namespace workflow::app
