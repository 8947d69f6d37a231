#include <stdexcept>

#include "bench/ssh_tables.h"
#include "bench/table.h"
#include "common/text.h"

namespace workflow::bench {
namespace {

/// Bytes that no compression makes fewer.
void make_file(SshTarget& target, const fs::path& file, int megabytes) {
  (void)target.program({"sh", "-c", "exec head -c \"$1\" /dev/urandom > \"$2\"", "sh",
                        std::to_string(megabytes) + "000000", file.string()});
}

/// One way to carry the file: its words, and where they read their stdin from.
struct Carrier {
  std::string shown;
  std::function<double(const fs::path& from, const fs::path& to)> seconds;
};

std::vector<std::string> with_settings(const SshTarget& target, const std::string& program,
                                       const std::vector<std::string>& words) {
  std::vector<std::string> argv{"/usr/bin/" + program};
  for (const auto& word : target.settings()) argv.push_back(word);
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

// The paths are our own temporary ones: they need no quotes in the far shell.
std::vector<Carrier> upload(SshTarget& target) {
  return {
      {"ssh cat",
       [&](const fs::path& from, const fs::path& to) {
         const std::string line = "cat > " + to.string();
         return target.program(with_settings(target, "ssh", {"pod", line}), from);
       }},
      {"scp",
       [&](const fs::path& from, const fs::path& to) {
         const std::string there = "pod:" + to.string();
         return target.program(with_settings(target, "scp", {"-q", from.string(), there}));
       }},
      {"workflow cp", [&](const fs::path& from, const fs::path& to) {
         return target.ours(Where::near, "auto", {"-q", "cp", from.string(), ":" + to.string()});
       }}};
}

std::vector<Carrier> download(SshTarget& target) {
  return {
      {"ssh cat",
       [&](const fs::path& from, const fs::path& to) {
         auto argv = with_settings(target, "ssh", {"pod", "cat " + from.string()});
         argv.insert(argv.begin(),
                     {"sh", "-c", "to=$1; shift; exec \"$@\" > \"$to\"", "sh", to.string()});
         return target.program(argv);
       }},
      {"scp",
       [&](const fs::path& from, const fs::path& to) {
         const std::string there = "pod:" + from.string();
         return target.program(with_settings(target, "scp", {"-q", there, to.string()}));
       }},
      {"workflow cp", [&](const fs::path& from, const fs::path& to) {
         return target.ours(Where::near, "auto", {"-q", "cp", ":" + from.string(), to.string()});
       }}};
}

void carry(SshTarget& target, const std::string& title, const std::vector<Carrier>& carriers,
           int rounds, int megabytes) {
  const fs::path from = target.space().dir() / "bulk";
  const fs::path to = target.space().dir() / "arrived";
  std::vector<std::vector<double>> rates(carriers.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < carriers.size(); ++i) {
      fs::remove(to);
      rates[i].push_back(megabytes / carriers[i].seconds(from, to));
      (void)target.program({"cmp", from.string(), to.string()});
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
