#include "apps/workflow/text_table.h"

#include <algorithm>

#include "apps/workflow/printable.h"

namespace workflow::app {

constexpr std::size_t narrowest_column = 8;

std::size_t text_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == paint_mark) {
      ++i;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++width;
    }
  }
  return width;
}

std::string clipped(std::string_view text, std::size_t width) {
  if (text_width(text) <= width) return std::string(text);
  std::string out;
  std::size_t have = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == paint_mark) {
      out += text[i++];
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U && ++have >= width) {
      break;
    }
    if (i < text.size()) out += text[i];
  }
  out += "…";
  return text.find(paint_mark) == std::string_view::npos ? out : out + paint_mark + '0';
}

std::string without_paint(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == paint_mark) {
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string rest = printable(text, {});
  std::vector<std::string> lines;
  const std::string space(indent, ' ');
  while (text_width(rest) > width && width > indent + narrowest_column) {
    std::size_t end = 0;  // the bytes of the first `width` columns
    for (std::size_t columns = 0; end < rest.size(); ++end) {
      const bool begins = (static_cast<unsigned char>(rest[end]) & 0xC0U) != 0x80U;
      if (begins && ++columns > width) break;
    }
    const std::size_t gap = rest.rfind(' ', end);
    const bool at_space = gap != std::string::npos && gap > indent + narrowest_column;
    lines.push_back(rest.substr(0, at_space ? gap : end));
    rest = space + rest.substr(at_space ? gap + 1 : end);
  }
  lines.push_back(std::move(rest));
  return lines;
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  const std::size_t have = text_width(text);
  if (have < width) out.append(width - have, ' ');
  return out;
}

namespace {

std::vector<std::size_t> widths_of(const std::vector<std::string>& headings,
                                   const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& heading : headings) widths.push_back(text_width(heading));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], text_width(row[i]));
  }
  return widths;
}

}  // namespace

void make_printable(std::vector<std::vector<std::string>>& rows) {
  for (auto& row : rows) {
    for (auto& cell : row) cell = printable(cell, {.painted = true});
  }
}

void fit(const std::vector<std::string>& headings, std::vector<std::vector<std::string>>& rows,
         std::size_t width) {
  std::vector<std::size_t> widths = widths_of(headings, rows);
  std::size_t total = 2 * (widths.size() - 1);
  for (const std::size_t column : widths) total += column;
  while (total > width) {
    // The widest gives way; among equals the rightmost.
    const auto widest = std::max_element(widths.rbegin(), widths.rend());
    if (*widest <= narrowest_column) break;
    *widest -= 1;
    total -= 1;
  }
  for (auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = clipped(row[i], widths[i]);
  }
}

std::vector<std::string> table(const std::vector<std::string>& headings,
                               const std::vector<std::vector<std::string>>& rows,
                               const std::vector<bool>& right) {
  const std::vector<std::size_t> widths = widths_of(headings, rows);
  const auto render = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i != 0) line += "  ";
      const bool flush_right = i < right.size() && right[i];
      const std::string space(widths[i] - text_width(cells[i]), ' ');
      if (flush_right) line += space;
      line += cells[i];
      if (!flush_right && i + 1 < cells.size()) line += space;
    }
    return line;
  };
  std::vector<std::string> lines{render(headings)};
  for (const auto& row : rows) lines.push_back(render(row));
  return lines;
}

}  // namespace workflow::app
