#include "sweep/kernel_word.h"

#include <algorithm>
#include <cctype>

#include "common/text.h"

namespace workflow::sweep {
namespace {

using Kind = KernelWord::Kind;

constexpr auto npos = std::string_view::npos;
constexpr std::size_t longest_text = 240;

std::int64_t digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  return at == npos ? 0 : parse_integer(text.substr(at, end - at)).value_or(0);
}

std::int64_t number_after(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  return at == npos ? 0 : digits_at(text, at + mark.size());
}

KernelWord said(Kind kind, std::string_view text, std::int64_t pid) {
  text = text.substr(0, whole_utf8(text.substr(0, longest_text)));
  return {.kind = kind, .text = "kernel: " + std::string(text), .pid = pid};
}

/// `Out of memory: Killed process 4711 (python) total-vm:…`, with `Memory cgroup` before it or not;
/// kernels before 5.1 announced it with `Kill process`.
std::optional<KernelWord> oom(std::string_view text) {
  const std::string words = lower(text);
  if (words.find("out of memory: kill") == npos) return std::nullopt;
  const auto process = words.find(" process ");
  if (process == npos) return std::nullopt;
  const auto name_ends = text.find(')', process);
  return said(Kind::oom, text.substr(0, name_ends == npos ? npos : name_ends + 1),
              digits_at(text, process + std::string_view(" process ").size()));
}

/// `NVRM: Xid (PCI:0000:3b:00): 79, pid=4711, name=python, GPU has fallen off the bus.`; pid and
/// name are missing in old drivers, and '<unknown>' where nobody had the GPU.
std::optional<KernelWord> xid(std::string_view text) {
  if (text.find("NVRM: Xid (") == npos) return std::nullopt;
  return said(Kind::xid, text, number_after(text, "pid="));
}

/// `python[4711]: segfault at 0 ip …`, `traps: python[4711] general protection fault ip:…`
std::optional<KernelWord> crash(std::string_view text) {
  constexpr std::string_view marks[] = {"]: segfault at ", "] general protection fault ",
                                        "] trap invalid opcode ", "] trap divide error "};
  for (const auto mark : marks) {
    const auto at = text.find(mark);
    const auto open = at == npos ? npos : text.rfind('[', at);
    if (open != npos) return said(Kind::crash, text, digits_at(text, open + 1));
  }
  return std::nullopt;
}

}  // namespace

std::optional<KernelRecord> kernel_record(std::string_view line) {
  const auto end = line.find(';');
  if (line.empty() || line.front() == ' ' || end == npos) return std::nullopt;
  const auto fields = split(line.substr(0, end), ',');
  if (fields.size() < 3) return std::nullopt;
  const auto sequence = parse_integer(fields[1]);
  const auto at = parse_integer(fields[2]);
  if (!sequence || !at) return std::nullopt;
  return KernelRecord{*sequence, *at, line.substr(end + 1)};
}

std::optional<KernelWord> kernel_word(std::string_view text) {
  if (auto word = oom(text)) return word;
  if (auto word = xid(text)) return word;
  return crash(text);
}

}  // namespace workflow::sweep
