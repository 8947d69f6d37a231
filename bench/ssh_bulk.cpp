#include <functional>

#include "bench/ssh_tables.h"
#include "bench/table.h"

namespace workflow::bench {
namespace {

/// Bytes that no compression makes fewer.
void make_file(SshTarget& target, const fs::path& file, int megabytes) {
  (void)target.program({"sh", "-c", "exec head -c \"$1\" /dev/urandom > \"$2\"", "sh",
                        std::to_string(megabytes) + "000000", file.string()});
}

/// One way to carry the file, and how many seconds it takes.
struct Carrier {
  std::string shown;
  std::function<double(const std::string& from, const std::string& to)> seconds;
};

double scp(SshTarget& target, const std::string& from, const std::string& to) {
  return target.program({"scp", "-q", "-F", target.settings().string(), from, to});
}

double copy(SshTarget& target, const std::string& from, const std::string& to) {
  return target.ours(Where::near, "auto", {"-q", "cp", from, to});
}

// The paths are our own temporary ones: they need no quotes in the far shell.
std::vector<Carrier> upload(SshTarget& target) {
  return {{"ssh cat",
           [&](const auto& from, const auto& to) {
             return target.program({"ssh", "pod", "cat > " + to}, from);
           }},
          {"scp", [&](const auto& from, const auto& to) { return scp(target, from, "pod:" + to); }},
          {"workflow cp",
           [&](const auto& from, const auto& to) { return copy(target, from, ":" + to); }}};
}

std::vector<Carrier> download(SshTarget& target) {
  return {{"ssh cat",
           [&](const auto& from, const auto& to) {
             const std::string line = "exec ssh pod \"cat $1\" > \"$2\"";
             return target.program({"sh", "-c", line, "sh", from, to});
           }},
          {"scp", [&](const auto& from, const auto& to) { return scp(target, "pod:" + from, to); }},
          {"workflow cp",
           [&](const auto& from, const auto& to) { return copy(target, ":" + from, to); }}};
}

void carry(SshTarget& target, const std::string& title, const std::vector<Carrier>& carriers,
           int rounds, int megabytes) {
  const std::string from = (target.space().dir() / "bulk").string();
  const std::string to = (target.space().dir() / "arrived").string();
  std::vector<std::vector<double>> rates(carriers.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < carriers.size(); ++i) {
      fs::remove(to);
      rates[i].push_back(megabytes / carriers[i].seconds(from, to));
      (void)target.program({"cmp", from, to});
    }
  }
  std::vector<std::vector<std::string>> table{
      {"", "MB/s: median [quartiles]", "workflow against it"}};
  for (std::size_t i = 0; i < carriers.size(); ++i) {
    table.push_back({carriers[i].shown, spread(rates[i], 0),
                     figure(median(rates.back()) / median(rates[i]), 2)});
  }
  print_table(title + " of " + std::to_string(megabytes) + " MB on loopback, " +
                  std::to_string(rounds) + " rounds, bytes compared",
              table);
}

}  // namespace

void bulk_tables(SshTarget& target, int rounds, int megabytes) {
  make_file(target, target.space().dir() / "bulk", megabytes);
  carry(target, "upload", upload(target), rounds, megabytes);
  carry(target, "download", download(target), rounds, megabytes);
}

}  // namespace workflow::bench
