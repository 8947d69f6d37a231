#include "tasks/nvidia_smi.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "common/error.h"
#include "common/subprocess.h"
#include "common/text.h"

namespace workflow::tasks::nvidia_smi {
namespace {

constexpr int no_driver = 9;
constexpr std::int64_t mib_per_gib = 1024;

std::vector<std::string> fields(std::string_view line, std::size_t most) {
  std::vector<std::string> out;
  while (out.size() + 1 < most) {
    const auto comma = line.find(',');
    if (comma == std::string_view::npos) break;
    out.emplace_back(trim(line.substr(0, comma)));
    line.remove_prefix(comma + 1);
  }
  out.emplace_back(trim(line));
  return out;
}

/// `ERR!`, `[Unknown Error]`, `[GPU is lost]` … stand where a value should.
bool is_error(const std::string& field) {
  return field.find("ERR!") != std::string::npos || field.find("Error") != std::string::npos ||
         field.find("lost") != std::string::npos;
}

/// A line about a GPU that does not answer; the others stand beside it.
bool is_fault(const std::string& line) {
  return line.find("Unable to determine the device handle") != std::string::npos ||
         line.find("GPU is lost") != std::string::npos || line.find("ERR!") != std::string::npos;
}

/// The UUID in `… (UUID: GPU-5d5b…)`.
std::string uuid_in(const std::string& line) {
  constexpr std::string_view mark = "(UUID: ";
  const auto begin = line.rfind(mark);
  if (begin == std::string::npos) return {};
  const auto end = line.find(')', begin);
  if (end == std::string::npos) return {};
  return line.substr(begin + mark.size(), end - begin - mark.size());
}

/// `GPU 0: NVIDIA H200 (UUID: GPU-…)`
std::optional<Gpu> read_gpu(const std::string& line) {
  const auto colon = line.find(':');
  if (line.rfind("GPU ", 0) != 0 || colon == std::string::npos) return std::nullopt;
  const auto index = parse_integer(line.substr(4, colon - 4));
  if (!index) return std::nullopt;
  Gpu gpu{uuid_in(line), static_cast<int>(*index)};
  gpu.name = trim(line.substr(colon + 1, line.rfind('(') - colon - 1));
  if (gpu.id.empty()) gpu.id = std::to_string(*index);
  return gpu;
}

/// `  MIG 1g.5gb      Device  0: (UUID: MIG-…)`
std::optional<Gpu> read_part(const std::string& line, const Gpu& whole) {
  const auto words = split_words(trim(line)).value_or(std::vector<std::string>{});
  const std::string uuid = uuid_in(line);
  if (words.size() < 2 || words[0] != "MIG" || uuid.empty()) return std::nullopt;
  Gpu part{uuid, whole.index, whole.name + " MIG " + words[1], 0, whole.id};
  if (const auto dot = words[1].find('.'); dot != std::string::npos) {
    const auto size = words[1].substr(dot + 1);
    part.memory_mib = parse_integer(size.substr(0, size.find("gb"))).value_or(0) * mib_per_gib;
  }
  return part;
}

std::string last_words(const Captured& said) {
  const std::string text(trim(said.out.empty() ? said.err : said.out));
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

Answer ask(const std::vector<std::string>& words, std::int64_t limit_ms) {
  CaptureSpec spec;
  spec.argv = {"nvidia-smi"};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.limit_ms = limit_ms;
  const Captured said = capture(spec);
  if (!said.started) {
    if (said.err.find(errno_text(ENOENT)) != std::string::npos) return {.absent = true};
    return {.unknown = "nvidia-smi: " + said.err};
  }
  if (said.timed_out) {
    return {.unknown = "nvidia-smi has not answered for " + std::to_string(limit_ms / 1000) + " s"};
  }
  const bool none = said.out.find("No devices were found") != std::string::npos;
  if (none || said.status.code == no_driver) return {.absent = true};
  const bool told = said.out.find("GPU-") != std::string::npos;  // of the others, beside a fault
  if (said.ok() || told) return {.text = said.out + "\n" + said.err};
  return {.unknown = "nvidia-smi failed: " + last_words(said)};
}

GpuInventory read_listing(const std::string& text) {
  GpuInventory found;
  std::optional<Gpu> whole;
  bool divided = false;
  const auto keep_whole = [&] {
    if (whole && !divided) found.gpus.push_back(*whole);
    whole.reset();
    divided = false;
  };
  for (const auto& line : split(text, '\n')) {
    if (is_fault(line)) {
      found.left_out.emplace_back(trim(line));
    } else if (const auto gpu = read_gpu(line)) {
      keep_whole();
      whole = gpu;
    } else if (const auto part = whole ? read_part(line, *whole) : std::nullopt) {
      divided = true;
      found.gpus.push_back(*part);
    }
  }
  keep_whole();
  return found;
}

void read_memory(const std::string& text, GpuInventory& inventory) {
  for (const auto& line : split(text, '\n')) {
    const auto field = fields(line, 4);
    if (field.size() < 4) continue;
    const auto is_this = [&](const Gpu& gpu) {
      return gpu.id == field[1] || gpu.parent == field[1] || std::to_string(gpu.index) == field[0];
    };
    if (std::any_of(field.begin(), field.end(), is_error)) {
      std::erase_if(inventory.gpus, is_this);
      inventory.left_out.push_back("GPU " + field[0] + " (" + field[1] + "): " + field[3]);
      continue;
    }
    for (Gpu& gpu : inventory.gpus) {
      // `[N/A]` is what a GPU says that shares the host's memory.
      if (is_this(gpu) && gpu.parent.empty()) {
        gpu.memory_mib = parse_integer(field[3]).value_or(0);
      }
    }
  }
}

std::vector<GpuProcess> read_processes(const std::string& text) {
  std::vector<GpuProcess> found;
  for (const auto& line : split(text, '\n')) {
    const auto field = fields(line, 4);
    const auto pid = field.size() < 4 ? std::nullopt : parse_integer(field[1]);
    if (!pid) continue;
    found.push_back(
        {static_cast<pid_t>(*pid), field[0], parse_integer(field[2]).value_or(0), field[3]});
  }
  return found;
}

std::map<std::string, std::int64_t> read_numbers(const std::string& text) {
  std::map<std::string, std::int64_t> found;
  for (const auto& line : split(text, '\n')) {
    const auto field = fields(line, 2);
    const auto number = field.size() < 2 ? std::nullopt : parse_integer(field[1]);
    if (number) found[field[0]] = *number;
  }
  return found;
}

std::string cuda_version(const std::string& text) {
  for (const std::string_view label : {"CUDA Version:", "CUDA UMD Version:"}) {
    const auto at = text.find(label);
    if (at == std::string::npos) continue;
    const std::string_view rest = trim(std::string_view(text).substr(at + label.size()));
    return std::string(rest.substr(0, rest.find_first_not_of("0123456789.")));
  }
  return {};
}

}  // namespace workflow::tasks::nvidia_smi
