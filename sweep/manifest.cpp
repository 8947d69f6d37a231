#include "sweep/manifest.h"

#include <algorithm>
#include <unordered_map>

#include "common/json.h"
#include "common/text.h"
#include "sweep/csv_fields.h"
#include "sweep/csv_lines.h"
#include "sweep/row_values.h"

namespace workflow::sweep {
namespace {

constexpr std::size_t absent = std::string_view::npos;

bool env_word(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == absent || equals == 0 || (word[0] >= '0' && word[0] <= '9')) return false;
  return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

bool gpus_word(std::string_view text) {
  if (text == "all") return true;
  if (text.starts_with("1/")) text.remove_prefix(2);
  const auto count = parse_integer(text);
  return count && *count >= 1 && *count <= 4096 && text.front() != '+';
}

class Reader {
 public:
  Reader(std::string_view bytes, std::string_view file, const ManifestRules& rules)
      : file_(file), rules_(rules), lines_(scan_csv(bytes, file)) {
    faults = std::move(lines_.faults);
    position_.fill(absent);
    if (!lines_.header) return;
    const auto names = read_header();
    const auto values = read_fields(names, lines_.rows);
    for (std::size_t i = 0; i < values.size(); ++i) read_row(lines_.rows[i], values[i]);
    if (faults.empty() && manifest.rows.empty()) {
      fault(lines_.header->number, 0, "no rows below the header; nothing would run");
    }
    std::stable_sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) {
      return a.line != b.line ? a.line < b.line : a.column < b.column;
    });
  }

  Manifest manifest;
  std::vector<Fault> faults;

 private:
  void fault(std::size_t line, std::size_t column, std::string message) {
    faults.push_back({std::string(file_), line, column, std::move(message)});
  }

  void fault(Column column, const std::string& message) {
    fault(line_->number, line_->cells[position_[static_cast<std::size_t>(column)]].column, message);
  }

  [[nodiscard]] bool has(Column column) const {
    return position_[static_cast<std::size_t>(column)] != absent;
  }

  /// What each column is to the CSV library: its name, or "" for one that is passed over.
  std::vector<std::string> read_header() {
    const std::vector<std::string> known(column_names.begin(), column_names.end());
    std::vector<std::string> meant;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < lines_.header->cells.size(); ++i) {
      const std::string name = cell_value(lines_.header->cells[i].raw);
      const auto at =
          static_cast<std::size_t>(std::find(known.begin(), known.end(), name) - known.begin());
      const bool good = at != known.size() && position_[at] == absent;
      if (good) {
        position_[at] = i;
      } else {
        header_fault(i, name, at != known.size(), nearest(lower(name), known), meant);
      }
      names.push_back(good ? name : "");
    }
    require(Column::run_id, meant);
    if (rules_.config_required) require(Column::config, meant);
    return names;
  }

  void header_fault(std::size_t index, const std::string& name, bool repeated,
                    const std::string& near, std::vector<std::string>& meant) {
    std::string message;
    if (name.empty()) {
      message = "column " + std::to_string(index + 1) + " has no name";
    } else if (repeated) {
      message = "column '" + name + "' stands twice";
    } else {
      message = "unknown column '" + shown(name) + "'";
      if (!near.empty()) message += "; did you mean '" + near + "'?";
      meant.push_back(near);
    }
    fault(lines_.header->number, lines_.header->cells[index].column, message);
  }

  /// A column that was only misspelt has been told already, with its right name.
  void require(Column column, const std::vector<std::string>& meant) {
    const std::string name(column_names[static_cast<std::size_t>(column)]);
    if (has(column) || std::find(meant.begin(), meant.end(), name) != meant.end()) return;
    fault(lines_.header->number, 1, "missing column '" + name + "'");
  }

  void read_row(const CsvLine& line, const Fields& fields) {
    line_ = &line;
    const auto text = [&](Column column) -> const std::string& {
      return fields[static_cast<std::size_t>(column)];
    };
    Row row;
    row.line = line.number;
    row.run_id = text(Column::run_id);
    row.config = text(Column::config);
    row.overrides = text(Column::overrides);
    row.notes = text(Column::notes);
    row.gpus = text(Column::gpus);
    if (has(Column::run_id)) check_id(row.run_id);
    if (rules_.config_required && has(Column::config) && row.config.empty()) {
      fault(Column::config, "config is empty; it is needed unless TRAIN_COMMAND_TEMPLATE is set");
    }
    read_seed(text(Column::seed), row);
    read_limits(text(Column::timeout_secs), text(Column::max_retries), row);
    if (!row.gpus.empty() && !gpus_word(row.gpus)) {
      fault(Column::gpus, "gpus '" + shown(row.gpus) + "' is none of N, 1/N (N from 1), all");
    }
    if (!split_words(row.overrides)) {
      fault(Column::overrides, "overrides do not split into words, a quote or backslash is open: " +
                                   shown(row.overrides));
    }
    read_env(text(Column::env), row);
    row.sha256 = row_hash(row);
    manifest.rows.push_back(std::move(row));
  }

  void check_id(const std::string& id) {
    if (id.empty()) {
      fault(Column::run_id, "run_id is empty");
    } else if (!valid_id(id)) {
      fault(Column::run_id, "run_id '" + shown(id) +
                                "' is not a valid id: a letter or digit, then at most 127 of "
                                "A-Z a-z 0-9 . _ -");
    } else if (const auto [it, first] = seen_.try_emplace(id, line_->number); !first) {
      fault(Column::run_id,
            "run_id '" + shown(id) + "' stands already in line " + std::to_string(it->second));
    }
  }

  void read_seed(const std::string& text, Row& row) {
    if (text.empty()) return;
    const auto seed = parse_integer(text);
    if (!seed) fault(Column::seed, "seed '" + shown(text) + "' is not an integer");
    row.seed = seed.value_or(0);
  }

  void read_limits(const std::string& timeout, const std::string& retries, Row& row) {
    if (!timeout.empty()) {
      row.timeout_secs = parse_duration(timeout);
      if (!row.timeout_secs) {
        fault(Column::timeout_secs,
              "timeout_secs '" + shown(timeout) + "' is no duration such as 90, 90s, 15m, 2h, 1d");
      }
    }
    if (retries.empty()) return;
    const auto count = parse_integer(retries);
    if (count && *count >= 0 && *count <= 1000) {
      row.max_retries = static_cast<int>(*count);
    } else {
      fault(Column::max_retries,
            "max_retries '" + shown(retries) + "' is not an integer from 0 to 1000");
    }
  }

  void read_env(const std::string& text, Row& row) {
    auto words = split_words(text);
    if (!words) {
      fault(Column::env,
            "env does not split into words, a quote or backslash is open: " + shown(text));
      return;
    }
    for (const auto& word : *words) {
      if (!env_word(word)) fault(Column::env, "env word '" + shown(word) + "' is not NAME=VALUE");
    }
    row.env = std::move(*words);
  }

  std::string_view file_;
  ManifestRules rules_;
  CsvLines lines_;
  const CsvLine* line_ = nullptr;
  std::array<std::size_t, column_names.size()> position_{};
  std::unordered_map<std::string, std::size_t> seen_;
};

}  // namespace

Manifest parse_manifest(std::string_view bytes, std::string_view file_name,
                        const ManifestRules& rules) {
  Reader reader(bytes, file_name, rules);
  const std::size_t count = reader.faults.size();
  if (count == 0) return std::move(reader.manifest);
  throw faults_error(reader.faults, std::to_string(count) + (count == 1 ? " fault" : " faults") +
                                        ", nothing was sent");
}

std::vector<Fault> manifest_faults(std::string_view bytes, std::string_view file_name,
                                   const ManifestRules& rules) {
  return Reader(bytes, file_name, rules).faults;
}

std::string manifest_template() {
  return "# One row is one run. Blank lines and lines that start with '#' are skipped.\n"
         "# run_id     names the run and its directory; letters, digits, '.', '_', '-'\n"
         "# config     the training's configuration file, relative to TRAIN_WORKDIR_REL\n"
         "# seed       an integer; empty is 0\n"
         "# overrides  arguments, split as a shell splits words; nothing in them is expanded\n"
         "# notes      free text\n"
         "# A value with a comma is quoted; a quote inside quotes is written twice.\n"
         "# More columns, where wanted: gpus (2, 1/2 or all), timeout_secs (90, 15m, 2h),\n"
         "# max_retries (0, 1, …), env (NAME=VALUE words).\n"
         "run_id,config,seed,overrides,notes\n"
         "base-s0,config/base.py,0,,the reference\n"
         "base-s1,config/base.py,1,,\n"
         "lr3-s0,config/base.py,0,learning_rate=3e-4 max_iters=200,\n"
         "betas-s0,config/base.py,0,\"betas=0.9,0.95 tag='two words'\",\"quoted, for its comma\"\n";
}

}  // namespace workflow::sweep
