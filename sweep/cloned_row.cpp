#include "sweep/cloned_row.h"

#include <algorithm>

#include "common/text.h"
#include "sweep/csv_fields.h"

namespace workflow::sweep {
namespace {

std::string csv_quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// As people write it: `tag='two words'`, which a shell also takes for an assignment.
std::string quoted_word(const std::string& word) {
  const auto equals = word.find('=');
  const std::string key = word.substr(0, equals);
  if (equals == std::string::npos || key.empty() || shell_quote(key) != key) {
    return shell_quote(word);
  }
  return key + "=" + (equals + 1 == word.size() ? "" : shell_quote(word.substr(equals + 1)));
}

std::string quoted_words(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const auto& word : words) quoted.push_back(quoted_word(word));
  return join(quoted, " ");
}

/// The first word of that key becomes the new one, further ones go; without any it comes last.
void replace_word(std::vector<std::string>& words, const std::string& key,
                  const std::string& word) {
  const auto of_key = [&](const std::string& old) { return old.starts_with(key + "="); };
  const auto first = std::ranges::find_if(words, of_key);
  if (first == words.end()) return words.push_back(word);
  *first = word;
  words.erase(std::remove_if(first + 1, words.end(), of_key), words.end());
}

/// A row in its cells, so that a change is read by the manifest's own rules.
class Cells {
 public:
  explicit Cells(const Row& row)
      : overrides_(split_words(row.overrides).value_or(std::vector<std::string>{})), env_(row.env) {
    at(Column::run_id) = row.run_id;
    at(Column::config) = row.config;
    at(Column::seed) = std::to_string(row.seed);
    at(Column::overrides) = row.overrides;
    at(Column::notes) = row.notes;
    at(Column::gpus) = row.gpus;
    if (row.timeout_secs) at(Column::timeout_secs) = std::to_string(*row.timeout_secs);
    if (row.max_retries) at(Column::max_retries) = std::to_string(*row.max_retries);
  }

  void set(const std::string& word) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(Code::usage, "--set '" + word + "' is not key=value");
    }
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (key == "run_id") throw Error(Code::usage, "--set cannot name the clone", "--name ID does");
    if (key.starts_with("env.")) return set_env(key.substr(4), value);
    for (const Column column : {Column::config, Column::seed, Column::gpus, Column::timeout_secs,
                                Column::max_retries, Column::notes}) {
      if (key == column_names[static_cast<std::size_t>(column)]) {
        at(column) = value;
        return;
      }
    }
    replace_word(overrides_, key, word);
    at(Column::overrides) = quoted_words(overrides_);
  }

  void set_env(const std::string& name, const std::string& value) {
    replace_word(env_, name, name + "=" + value);
  }

  std::string& at(Column column) { return fields_[static_cast<std::size_t>(column)]; }

  [[nodiscard]] std::string csv() {
    at(Column::env) = quoted_words(env_);
    std::vector<std::string> names(column_names.begin(), column_names.end());
    std::vector<std::string> cells;
    for (const auto& field : fields_) cells.push_back(csv_quoted(field));
    return join(names, ",") + "\n" + join(cells, ",") + "\n";
  }

 private:
  Fields fields_{};
  std::vector<std::string> overrides_;
  std::vector<std::string> env_;
};

}  // namespace

Row cloned_row(const Row& parent, const CloneAsk& ask, const ManifestRules& rules) {
  Cells cells(parent);
  cells.at(Column::run_id) = ask.run_id;
  for (const auto& word : ask.set) cells.set(word);
  if (!ask.warm_start.empty()) cells.set_env(warm_start_name, ask.warm_start);
  const std::string csv = cells.csv();
  std::vector<std::string> faults;
  for (const auto& fault : manifest_faults(csv, "clone", rules)) faults.push_back(fault.message);
  if (!faults.empty()) {
    throw Error(Code::usage, "no such row can be: " + join(faults, "; "),
                "look at its --set words");
  }
  return parse_manifest(csv, "clone", rules).rows.front();
}

}  // namespace workflow::sweep
