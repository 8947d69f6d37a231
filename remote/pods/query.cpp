#include "remote/pods/query.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "common/text.h"

namespace workflow::pods {
namespace {

/// A price: digits with at most one point.
std::optional<double> parse_price(std::string_view text) {
  const bool plain = text.find_first_not_of("0123456789.") == std::string_view::npos &&
                     text.find_first_of("0123456789") != std::string_view::npos &&
                     std::ranges::count(text, '.') <= 1 && text.size() <= 32;
  if (!plain) return std::nullopt;
  return std::strtod(std::string(text).c_str(), nullptr);
}

std::string price_text(double price) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.15g", price);
  return text.data();
}

std::optional<int> parse_part(std::string_view text) {
  const bool digits = !text.empty() && text.size() <= 6 &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  return digits ? std::optional(std::atoi(std::string(text).c_str())) : std::nullopt;
}

/// How one key is read and written. `set` says what the value should have been, or nothing;
/// `text` is empty where the value is the default.
struct Key {
  std::string_view name;
  std::string (*set)(GpuQuery& query, std::string_view value);
  std::string (*text)(const GpuQuery& query);
};

template <auto Member, std::int64_t Least>
std::string set_count(GpuQuery& query, std::string_view value) {
  const auto number = parse_integer(value);
  if (!number || *number < Least || *number > 1'000'000'000) {
    return "is not a whole number from " + std::to_string(Least);
  }
  query.*Member = *number;
  return {};
}

template <auto Member>
std::string count_text(const GpuQuery& query) {
  return query.*Member == GpuQuery{}.*Member ? std::string() : std::to_string(query.*Member);
}

std::string set_type(GpuQuery& query, std::string_view value) {
  query.type = value;
  return value.empty() ? "is not a GPU type such as H100, nor cpu" : "";
}

std::string set_max_price(GpuQuery& query, std::string_view value) {
  query.max_price = parse_price(value);
  return query.max_price ? "" : "is not a price in USD such as 2.5";
}

std::string set_cloud(GpuQuery& query, std::string_view value) {
  query.cloud_type = value;
  const bool known = value == "secure" || value == "community" || value == "any";
  return known ? "" : "is not secure, community or any";
}

std::string set_cuda(GpuQuery& query, std::string_view value) {
  const auto cuda = parse_cuda(value);
  if (!cuda) return "is not a CUDA version such as 12.4";
  query.min_cuda = *cuda;
  return {};
}

std::string set_spot(GpuQuery& query, std::string_view value) {
  query.spot = truthy(value);
  const std::string word = lower(value);
  const bool known = query.spot || word == "0" || word == "false" || word == "no";
  return known ? "" : "is neither 1 (true, yes) nor 0 (false, no)";
}

std::string add_provider(GpuQuery& query, std::string_view value) {
  if (value != "*" && !valid_id(value)) return "is neither the name of a provider nor '*'";
  if (std::ranges::find(query.providers, value) != query.providers.end()) return "is there twice";
  query.providers.emplace_back(value);
  return {};
}

constexpr std::array keys{
    Key{"type", set_type,
        [](const GpuQuery& query) { return query.type == GpuQuery{}.type ? "" : query.type; }},
    Key{"count", set_count<&GpuQuery::count, 1>, count_text<&GpuQuery::count>},
    Key{"max_price", set_max_price,
        [](const GpuQuery& query) {
          return query.max_price ? price_text(*query.max_price) : std::string();
        }},
    Key{"min_vram_gb", set_count<&GpuQuery::min_vram_gb, 1>,
        [](const GpuQuery& query) {
          return query.min_vram_gb ? std::to_string(*query.min_vram_gb) : std::string();
        }},
    Key{"cloud_type", set_cloud,
        [](const GpuQuery& query) {
          return query.cloud_type == GpuQuery{}.cloud_type ? "" : query.cloud_type;
        }},
    Key{"min_cuda", set_cuda,
        [](const GpuQuery& query) {
          return query.min_cuda == GpuQuery{}.min_cuda ? "" : cuda_text(query.min_cuda);
        }},
    Key{"container_disk_gb", set_count<&GpuQuery::container_disk_gb, 0>,
        count_text<&GpuQuery::container_disk_gb>},
    Key{"volume_disk_gb", set_count<&GpuQuery::volume_disk_gb, 0>,
        count_text<&GpuQuery::volume_disk_gb>},
    Key{"providers", add_provider,
        [](const GpuQuery& query) { return join(query.providers, ","); }},
    Key{"spot", set_spot,
        [](const GpuQuery& query) { return std::string(query.spot ? "1" : ""); }}};

/// Reads the words of a query one by one and remembers what was wrong with them.
class Reader {
 public:
  Reader(std::string_view text, std::string_view flag) : text_(text), flag_(flag) {}

  void read() {
    if (trim(text_).empty()) return;
    for (std::size_t start = 0; start <= text_.size();) {
      const std::size_t end = std::min(text_.find(',', start), text_.size());
      word(trim(text_.substr(start, end - start)), start);
      start = end + 1;
    }
  }

  GpuQuery query{};
  std::vector<Fault> faults{};

 private:
  void word(std::string_view word, std::size_t start) {
    const std::size_t at =
        word.empty() ? start : static_cast<std::size_t>(word.data() - text_.data());
    const auto equals = word.find('=');
    if (word.empty()) return fault(at, "a word is missing; KEY=VALUE[,KEY=VALUE]");
    if (equals == std::string_view::npos) {
      if (key_ == &providers()) return value(at, word);
      return fault(at, "'" + std::string(word) + "' is not KEY=VALUE");
    }
    const std::string_view name = trim(word.substr(0, equals));
    key_ = std::ranges::find(keys, name, &Key::name);
    if (key_ == keys.end()) return unknown(at, std::string(name));
    if (std::ranges::find(seen_, key_) != seen_.end()) {
      return fault(at, "'" + std::string(name) + "' is there twice");
    }
    seen_.push_back(key_);
    value(at + equals + 1, word.substr(equals + 1));
  }

  void value(std::size_t at, std::string_view value) {
    const std::string wrong = key_->set(query, trim(value));
    if (wrong.empty()) return;
    fault(at, std::string(key_->name) + " '" + std::string(trim(value)) + "' " + wrong);
  }

  void unknown(std::size_t at, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& key : keys) names.emplace_back(key.name);
    const std::string near = nearest(name, names);
    fault(at,
          "unknown key '" + name + "'; " +
              (near.empty() ? "there are " + join(names, ", ") : "did you mean '" + near + "'?"));
  }

  void fault(std::size_t at, std::string message) {
    faults.push_back({std::string(flag_), 0, at + 1, std::move(message)});
  }

  static const Key& providers() { return *std::ranges::find(keys, "providers", &Key::name); }

  std::string_view text_;
  std::string_view flag_;
  const Key* key_ = nullptr;
  std::vector<const Key*> seen_;
};

}  // namespace

std::optional<CudaVersion> parse_cuda(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() > 3) return std::nullopt;
  std::array<int, 3> numbers{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = parse_part(parts[i]);
    if (!number) return std::nullopt;
    numbers.at(i) = *number;
  }
  return CudaVersion{numbers[0], numbers[1]};
}

std::string cuda_text(const CudaVersion& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

bool GpuQuery::is_cpu() const { return lower(type) == "cpu"; }

std::vector<Fault> query_faults(std::string_view text, std::string_view flag) {
  Reader reader(text, flag);
  reader.read();
  return reader.faults;
}

GpuQuery parse_query(std::string_view text, std::string_view flag) {
  Reader reader(text, flag);
  reader.read();
  if (reader.faults.empty()) return reader.query;
  throw faults_error(reader.faults,
                     counted(static_cast<std::int64_t>(reader.faults.size()), "fault") +
                         " in what to rent, nothing was done");
}

std::string query_text(const GpuQuery& query) {
  std::vector<std::string> words;
  for (const auto& key : keys) {
    const std::string value = key.text(query);
    if (!value.empty()) words.push_back(std::string(key.name) + "=" + value);
  }
  return join(words, ",");
}

}  // namespace workflow::pods
