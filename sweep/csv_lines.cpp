#include "sweep/csv_lines.h"

#include "common/text.h"

namespace workflow::sweep {
namespace {

constexpr auto npos = std::string_view::npos;

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  return at;
}

/// The quote that closes a text whose first byte is at `at`; a doubled quote closes nothing.
std::size_t closing_quote(std::string_view text, std::size_t at) {
  while (true) {
    at = text.find('"', at);
    if (at == npos || at + 1 >= text.size() || text[at + 1] != '"') return at;
    at += 2;
  }
}

/// Index of the first byte that is part of no UTF-8 character; by halving, as lines may be long.
std::size_t first_bad_byte(std::string_view line) {
  std::size_t good = 0;
  std::size_t bad = line.size();
  while (bad - good > 1) {
    const std::size_t middle = good + (bad - good) / 2;
    const std::string_view part = line.substr(0, middle);
    (valid_utf8(part.substr(0, whole_utf8(part))) ? good : bad) = middle;
  }
  return whole_utf8(line.substr(0, good));
}

class Scanner {
 public:
  Scanner(std::string_view bytes, std::string_view file) : bytes_(bytes), file_(file) {
    if (bytes_.starts_with("\xEF\xBB\xBF")) bytes_.remove_prefix(3);
  }

  CsvLines run() {
    bool first = true;
    while (next_line()) {
      if (trim(line_).empty() || line_.front() == '#') continue;
      const bool is_header = first;
      first = false;
      CsvLine found{number_, line_, {}};
      if (!whole() || !read_cells(found.cells)) continue;
      if (is_header) {
        out_.header = std::move(found);
      } else if (counted(found.cells)) {
        out_.rows.push_back(std::move(found));
      }
    }
    if (first) {
      out_.faults.push_back({std::string(file_), 0, 0,
                             "no header line; the first line names the columns, such as "
                             "run_id,config,seed,overrides,notes"});
    }
    return std::move(out_);
  }

 private:
  bool next_line() {
    if (at_ >= bytes_.size()) return false;
    const std::size_t end = std::min(bytes_.find('\n', at_), bytes_.size());
    line_ = bytes_.substr(at_, end - at_);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    at_ = end + 1;
    ++number_;
    return true;
  }

  void fault(std::size_t index, std::string message) {
    out_.faults.push_back({std::string(file_), number_, index + 1, std::move(message)});
  }

  /// The bytes are text the library and a process argument can carry.
  bool whole() {
    if (line_.size() > longest_csv_line) {
      fault(longest_csv_line, "the line is longer than 1 MiB");
    } else if (const auto nul = line_.find('\0'); nul != npos) {
      fault(nul, "NUL byte; no argument of a program can hold one");
    } else if (const auto cr = line_.find('\r'); cr != npos) {
      fault(cr, "carriage return inside a line; lines end with LF or CRLF");
    } else if (!valid_utf8(line_)) {
      fault(first_bad_byte(line_), "not UTF-8 from here on; save the file as UTF-8");
    } else {
      return true;
    }
    return false;
  }

  /// Reads all cells of the line; the first quoting fault ends it, as nothing after it is sure.
  bool read_cells(std::vector<Cell>& cells) {
    for (std::size_t at = 0; at <= line_.size();) {
      const std::size_t begin = skip_blanks(line_, at);
      const bool quoted = begin < line_.size() && line_[begin] == '"';
      const std::size_t end = quoted ? quoted_end(begin, cells.size()) : plain_end(begin);
      if (end == npos) return false;
      std::string_view raw = line_.substr(begin, end - begin);
      while (raw.ends_with(' ') || raw.ends_with('\t')) raw.remove_suffix(1);
      cells.push_back({begin + 1, raw});
      at = end + 1;
    }
    return true;
  }

  std::size_t plain_end(std::size_t begin) {
    const std::size_t end = std::min(line_.find(',', begin), line_.size());
    const std::size_t quote = line_.substr(0, end).find('"', begin);
    if (quote == npos) return end;
    fault(quote,
          "quote inside a field that does not start with one; put the whole field in quotes and "
          "write each quote inside it twice");
    return npos;
  }

  std::size_t quoted_end(std::size_t begin, std::size_t index) {
    const std::size_t close = closing_quote(line_, begin + 1);
    if (close == npos) {
      unclosed(begin, index);
      return npos;
    }
    const std::size_t end = skip_blanks(line_, close + 1);
    if (end == line_.size() || line_[end] == ',') return end;
    fault(end, "text after the closing quote: " + shown(line_.substr(begin)) +
                   "; a quote inside quotes is written twice");
    return npos;
  }

  /// A quote open at the line's end: either the field goes on in a later line, which is refused by
  /// that name and skipped whole, or the quote was forgotten and the next line is a row of its own.
  void unclosed(std::size_t begin, std::size_t index) {
    const std::string what = column_name(index) + shown(line_.substr(begin));
    const std::size_t close = at_ < bytes_.size() ? closing_quote(bytes_, at_) : npos;
    const std::size_t after = close == npos ? npos : skip_blanks(bytes_, close + 1);
    const bool ends_field = after != npos && (after == bytes_.size() || bytes_[after] == ',' ||
                                              bytes_[after] == '\n' || bytes_[after] == '\r');
    if (!ends_field) {
      fault(begin, "quote opened here is never closed: " + what);
      return;
    }
    std::size_t last = number_;
    std::size_t line_start = at_;
    while (true) {
      ++last;
      const std::size_t end = std::min(bytes_.find('\n', line_start), bytes_.size());
      line_start = end + 1;
      if (end > close) break;
    }
    fault(begin, "line break inside quotes (closed in line " + std::to_string(last) +
                     "); a row is one line: " + what);
    number_ = last;
    at_ = line_start;
  }

  std::string column_name(std::size_t index) const {
    if (!out_.header || index >= out_.header->cells.size()) return {};
    return shown(cell_value(out_.header->cells[index].raw)) + " ";
  }

  bool counted(const std::vector<Cell>& cells) {
    if (!out_.header || cells.size() == out_.header->cells.size()) return true;
    const std::size_t want = out_.header->cells.size();
    const std::string counts = std::to_string(cells.size()) +
                               (cells.size() == 1 ? " field" : " fields") +
                               " where the header has " + std::to_string(want);
    if (cells.size() > want) {
      fault(cells[want].column - 1, counts + "; a value with a comma in it needs quotes");
    } else {
      fault(line_.size(), counts + "; an empty field still needs its comma");
    }
    return false;
  }

  std::string_view bytes_;
  std::string_view file_;
  std::size_t at_ = 0;
  std::size_t number_ = 0;
  std::string_view line_;
  CsvLines out_;
};

}  // namespace

CsvLines scan_csv(std::string_view bytes, std::string_view file_name) {
  return Scanner(bytes, file_name).run();
}

std::string cell_value(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"') return std::string(raw);
  std::string out;
  for (std::size_t i = 1; i + 1 < raw.size(); ++i) {
    out += raw[i];
    if (raw[i] == '"') ++i;
  }
  return out;
}

std::string shown(std::string_view text) {
  constexpr std::size_t widest = 60;
  const bool cut = text.size() > widest;
  if (cut) text = text.substr(0, whole_utf8(text.substr(0, widest)));
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return cut ? out + "…" : out;
}

}  // namespace workflow::sweep
