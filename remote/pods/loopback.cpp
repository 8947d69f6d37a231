// A pod is an sshd of its own on this machine: real in everything but the machine.
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "common/clock.h"
#include "common/spawn.h"
#include "common/text.h"
#include "remote/pods/factories.h"
#include "remote/pods/loopback_pod.h"
#include "remote/pods/own_program.h"
#include "tasks/gpus.h"

namespace workflow::pods {
namespace {

constexpr std::int64_t start_limit_ms = 30'000;

std::string user_name() {
  const passwd* user = ::getpwuid(::geteuid());
  if (user != nullptr) return user->pw_name;
  throw Error(Code::precondition, "this user has no name that sshd would know",
              "add the user id to /etc/passwd");
}

/// Starts the pod's init, detached; its id is in the record before it runs.
void start_init(LoopbackPod& pod) {
  const UniqueFd log(::open(pod.log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) throw_errno("cannot write '" + pod.log().string() + "'");
  // Secrets of whoever rents stay out of a process that outlives him.
  std::vector<std::string> environment;
  for (const char* name : {"PATH", "HOME", "LANG", "TMPDIR", "XDG_STATE_HOME",
                           "WORKFLOW_LOOPBACK_POD", "ASAN_OPTIONS", "LD_LIBRARY_PATH"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) environment.push_back(std::string(name) + "=" + value);
  }
  const auto record = [&](pid_t pid) {
    pod.init = tasks::reference(pid);
    pod.place = tasks::here();
    write_loopback_pod(pod);
  };
  const Spawned init = spawn({.argv = {own_program().string(), "loopback-init", pod.id},
                              .env = environment,
                              .workdir = "/",
                              .out = log.get(),
                              .err = log.get(),
                              .new_session = true,
                              .detach = true,
                              .before_exec = record});
  if (init.failure) throw Error(Code::precondition, init.failure->words());
}

std::string last_line(const std::string& log) {
  const auto lines = split(trim(log), '\n');
  return lines.empty() ? std::string() : lines.back();
}

class Loopback final : public Provider {
 public:
  [[nodiscard]] std::string name() const override { return "loopback"; }

  [[nodiscard]] Traits traits() const override {
    return {.ending = Ending::by_provider, .is_free = true, .only_by_name = true, .unseen_ms = 0};
  }

  [[nodiscard]] std::vector<Offer> offers(const GpuQuery&) override {
    require_linux();
    Offer cpu;
    cpu.provider = name();
    cpu.id = "cpu";
    cpu.region = "this machine";
    std::vector<Offer> found{cpu};
    const auto inventory = tasks::gpu_inventory();
    if (!inventory.unknown.empty() || inventory.gpus.empty()) return found;
    Offer gpus = cpu;
    gpus.id = "gpu";
    gpus.gpu_type = inventory.gpus.front().name;
    gpus.gpu_count = static_cast<std::int64_t>(inventory.gpus.size());
    if (const auto mib = inventory.gpus.front().memory_mib; mib > 0) gpus.vram_gb = mib / 1000;
    found.push_back(gpus);
    return found;
  }

  [[nodiscard]] std::string create(const Offer&, const PodRequest& request) override {
    require_linux();
    LoopbackPod pod;
    pod.id = random_hex(4);
    pod.name = request.name;
    pod.ends_at = request.ends_at;
    pod.created_at = utc_text(system_clock().now_ms());
    fs::create_directories(loopback_entries());
    if (!fs::create_directory(pod.entry())) bug("a random id came twice");
    fs::permissions(pod.entry(), fs::perms::owner_all);
    try {
      make_loopback_files(pod, request.public_key);
      start_init(pod);
      await_port(pod);
    } catch (const Error& fault) {
      abandon(pod);
      throw ProviderError(Trouble::provider, std::string("no loopback pod: ") + fault.what(),
                          fault.hint());
    }
    return pod.id;
  }

  [[nodiscard]] std::optional<Pod> describe(const std::string& id) override {
    require_linux();
    const auto pod = read_loopback_pod(id);
    return pod ? seen(*pod) : std::nullopt;
  }

  [[nodiscard]] std::vector<Pod> list() override {
    require_linux();
    std::vector<Pod> pods;
    for (const auto& id : real_files().list(loopback_entries())) {
      try {
        if (auto pod = describe(id)) {
          pods.push_back(std::move(*pod));
        } else {
          forget_unfinished(id);
        }
      } catch (const Error& unreadable) {  // one such record hides no other
        pods.push_back(
            {.provider = name(), .id = id, .name = {}, .status_text = unreadable.what()});
      }
    }
    return pods;
  }

  void terminate(const std::string& id) override {
    require_linux();
    auto pod = change_loopback_pod(id, [](LoopbackPod& changed) { changed.ending = true; });
    if (!pod) return;
    const auto liveness = tasks::judge(pod->init, pod->place);
    if (liveness == tasks::Liveness::unknown) {
      throw ProviderError(Trouble::rejected,
                          "pod '" + id + "' is on host '" + pod->place.host + "'", "end it there");
    }
    const bool told = liveness == tasks::Liveness::alive && tasks::send_signal(pod->init, SIGTERM);
    if (!told) start_init(*pod);  // it finds that the pod is ending, and ends what is left
  }

  void set_end(const std::string& id, const std::string& ends_at) override {
    require_linux();
    const auto pod =
        change_loopback_pod(id, [&](LoopbackPod& changed) { changed.ends_at = ends_at; });
    if (pod && tasks::send_signal(pod->init, SIGHUP)) return;
    throw ProviderError(Trouble::rejected, "there is no loopback pod '" + id + "' any more");
  }

 private:
  static void require_linux() {
#ifndef __linux__
    throw Error(Code::precondition, "a loopback pod needs Linux: it ends what it started by /proc",
                "rent from another provider, or use --target local");
#endif
  }

  /// Until its sshd listens, or its init has ended without one.
  static void await_port(const LoopbackPod& pod) {
    const std::int64_t deadline = system_clock().steady_ms() + start_limit_ms;
    for (auto now = std::optional(pod); now; now = read_loopback_pod(pod.id)) {
      if (now->port != 0) return;
      const bool gone = tasks::judge(now->init, now->place) == tasks::Liveness::gone;
      if (gone || system_clock().steady_ms() > deadline) break;
      ::poll(nullptr, 0, 10);
    }
    const std::string said = last_line(read_file(pod.log()));
    throw Error(Code::precondition, said.empty() ? "its sshd does not answer" : said,
                "sshd is needed: apt-get install openssh-server");
  }

  static void abandon(const LoopbackPod& pod) {
    if (tasks::send_signal(pod.init, SIGTERM)) return;  // it removes what there is
    (void)remove_loopback_files(pod);
  }

  /// The pod as it is now; nothing when nothing of it lives any more: then its files go, too.
  [[nodiscard]] static std::optional<Pod> seen(const LoopbackPod& record) {
    Pod pod;
    pod.provider = "loopback";
    pod.id = record.id;
    pod.name = record.name;
    pod.price_total_hr = 0;
    pod.created_at = record.created_at;
    pod.ends_at = record.ends_at;
    if (record.port != 0) pod.ssh = SshAddress{user_name(), "127.0.0.1", record.port};
    switch (tasks::judge(record.init, record.place)) {
      case tasks::Liveness::alive:
        pod.status = record.port == 0 ? PodStatus::starting : PodStatus::running;
        if (record.ending) pod.status = PodStatus::ending;
        pod.status_text = pods::name(pod.status);
        return pod;
      case tasks::Liveness::unknown:
        pod.status_text = "on host '" + record.place.host + "'";
        pod.ssh.reset();
        return pod;
      case tasks::Liveness::gone:
        break;
    }
    const auto left = inhabitants(record).size();
    if (left == 0) {
      (void)remove_loopback_files(record);
      return std::nullopt;
    }
    pod.status = PodStatus::failed;
    pod.status_text = "its init is gone, " + counted(static_cast<std::int64_t>(left), "process") +
                      " of it still there";
    pod.ssh.reset();
    pod.no_ssh_reason = pod.status_text;
    return pod;
  }
};

}  // namespace

std::unique_ptr<Provider> loopback_provider(const ProviderContext&) {
  return std::make_unique<Loopback>();
}

}  // namespace workflow::pods
