#include <workflow/remote_job.h>

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "client/job_pods.h"
#include "client/log_source.h"
#include "client/public_error.h"
#include "client/tracked_job.h"
#include "common/fd_io.h"
#include "common/remote_path.h"

// The public face: each part is one of tracked_job.h, with its errors in public words.
namespace workflow {

namespace {

using client::in_public;

void ignore_broken_pipes();

client::Settings load_settings(const std::string& config) {
  ignore_broken_pipes();
  client::SettingsSources sources;
  if (!config.empty()) sources.config_flag = config;
  sources.environment = [](std::string_view key) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(key).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  sources.working_dir = fs::current_path();
  return client::Settings::load(sources);
}

pods::GpuQuery query_of(const GpuQuery& asked) {
  pods::GpuQuery query;
  query.type = asked.type;
  query.count = asked.count;
  query.max_price = asked.max_price;
  query.min_vram_gb = asked.min_vram_gb;
  query.cloud_type = asked.cloud_type;
  const auto cuda = pods::parse_cuda(asked.min_cuda);
  if (!cuda) {
    throw Error(Code::usage, "min_cuda '" + asked.min_cuda + "' is no version", "write 12.4");
  }
  query.min_cuda = *cuda;
  query.container_disk_gb = asked.container_disk_gb;
  query.volume_disk_gb = asked.volume_disk_gb;
  query.providers = asked.providers;
  query.spot = asked.spot;
  return query;
}

client::JobSpec spec_of(const RemoteJob& job) {
  client::JobSpec spec;
  spec.target = job.target.value_or("");
  spec.ssh = job.ssh.value_or("");
  spec.node = job.node_id.value_or("");
  if (job.provision) spec.provision = query_of(*job.provision);
  spec.id = job.id;
  spec.push = job.push;
  spec.workspace = job.workspace;
  for (const auto& step : job.bootstrap) spec.bootstrap.push_back({step.name, step.run});
  spec.command = job.command;
  spec.argv = job.argv;
  spec.working_dir = job.working_dir;
  for (const auto& [name, value] : job.env) {
    std::string entry = name;
    spec.env.push_back(entry.append("=").append(value));
  }
  spec.secrets = job.secrets;
  spec.timeout_secs = job.timeout.count();
  spec.keep_alive = job.keep_alive;
  if (job.max_time) spec.max_secs = job.max_time->count();
  spec.max_cost = job.max_cost;
  spec.image = job.image;
  return spec;
}

/// Of a destructor, so that nothing leaves it.
void tell_not_cleaned_up(const client::TrackedJob& job,
                         const std::function<void(std::string_view)>& remark,
                         const std::exception& fault) noexcept {
  try {
    const std::string end = "\n  end it: workflow job-terminate " + job.id();
    remark("job '" + job.id() + "' was not cleaned up: " + fault.what() + end);
    if (const std::string costs = job.still_costs(); !costs.empty()) remark(costs);
  } catch (...) {
  }
}

void to_stderr(std::string_view text) {
  (void)write_all(STDERR_FILENO, "workflow: " + std::string(text) + "\n");
}

/// A connection that ends is an error of ours to tell, not the end of the user's program.
void ignore_broken_pipes() {
  struct sigaction now {};
  if (::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

}  // namespace

class JobHandle::State {
 public:
  State(const std::string& config, std::function<void(std::string_view)> on_remark)
      : settings(load_settings(config)),
        remark(on_remark ? std::move(on_remark) : to_stderr),
        renter(client::pod_renter(settings, -1)),
        job({.settings = settings,
             .renter = renter.get(),
             .on_event = [this](const Json& event) { hear(event); },
             .on_remark = [this](const std::string& text) { remark(text); }}) {}

  void hear(const Json& event) {
    if (on_bytes && text_at(event, "event") == "log") on_bytes(protocol::log_bytes(event));
  }

  client::Settings settings;
  std::function<void(std::string_view)> remark;
  std::unique_ptr<client::JobRenter> renter;
  std::function<void(std::string_view)> on_bytes{};
  client::TrackedJob job;
  bool keep_alive = false;
};

JobHandle::JobHandle(std::unique_ptr<State> state) : state_(std::move(state)) {}
JobHandle::~JobHandle() = default;
JobHandle::JobHandle(JobHandle&&) noexcept = default;
JobHandle& JobHandle::operator=(JobHandle&&) noexcept = default;

JobHandle RemoteJob::start() const {
  return in_public([&] {
    auto state = std::make_unique<JobHandle::State>(config, on_remark);
    state->keep_alive = keep_alive;
    state->job.start(spec_of(*this));
    return JobHandle(std::move(state));
  });
}

JobContext RemoteJob::run() const { return JobContext(start()); }

JobHandle JobHandle::attach(const std::string& job_id, const std::string& target,
                            const std::string& config) {
  return in_public([&] {
    auto state = std::make_unique<State>(config, nullptr);
    state->job.open(job_id, target);
    state->job.refresh();
    return JobHandle(std::move(state));
  });
}

std::string JobHandle::job_id() const { return state_->job.id(); }
std::string JobHandle::target() const { return state_->job.row().target; }
std::string JobHandle::session_name() const { return text_at(state_->job.job(), "tmux_session"); }
std::string JobHandle::attach_command() const { return text_at(state_->job.job(), "attach"); }
std::string JobHandle::log_file() const { return text_at(state_->job.job(), "stdout_log"); }
std::string JobHandle::state() const { return state_->job.row().state; }

std::optional<std::string> JobHandle::rented_pod() const {
  return in_public([&]() -> std::optional<std::string> {
    const Json data = state_->job.data();
    if (!flag_at(member(data, "pod"), "rented")) return std::nullopt;
    return text_at(member(data, "pod"), "provider") + ":" + text_at(member(data, "pod"), "id");
  });
}

double JobHandle::cost() const {
  return in_public([&] {
    const Json data = state_->job.data();
    const Json& usd = member(member(data, "cost"), "usd");
    return usd.is_number() ? usd.get<double>() : 0.0;
  });
}

LogLines JobHandle::logs() {
  return in_public([&] {
    return LogLines(std::make_unique<LogLines::Source>(
        client::job_settings(state_->settings, state_->job.row().target), state_->job.id()));
  });
}

void JobHandle::logs(const std::function<bool(std::string_view bytes)>& on_bytes) {
  in_public([&] {
    LogLines::Source source(client::job_settings(state_->settings, state_->job.row().target),
                            state_->job.id());
    while (const auto bytes = source.next_bytes()) {
      if (!on_bytes(*bytes)) return;
    }
  });
}

int JobHandle::wait(std::optional<std::chrono::seconds> limit) {
  return in_public([&] {
    const auto secs = limit ? std::optional<std::int64_t>(limit->count()) : std::nullopt;
    state_->job.follow(std::nullopt, secs);
    return client::remote_exit_code(state_->job.job());
  });
}

void JobHandle::download(const std::string& remote, const std::string& local) {
  in_public([&] {
    std::string path = remote_path(remote, "download");
    if (remote.ends_with('/') && path != "/") path += '/';
    (void)state_->job.fetch({std::move(path), local});
  });
}

void JobHandle::terminate() {
  in_public([&] {
    state_->job.cancel();
    if (!state_->job.give_back(client::GiveBack::always)) throw *state_->job.return_fault();
  });
}

JobContext::JobContext(JobHandle handle) : handle_(std::move(handle)) {}

JobContext::JobContext(JobContext&& other) noexcept : handle_(std::move(other.handle_)) {
  other.handle_.reset();
}

JobContext::~JobContext() {
  if (!handle_) return;
  JobHandle::State& state = *handle_->state_;
  if (state.keep_alive) return;
  try {
    if (!state.job.ended()) state.job.cancel();
    (void)state.job.give_back(client::GiveBack::when_fetched);
  } catch (const std::exception& fault) {
    tell_not_cleaned_up(state.job, state.remark, fault);
  }
}

JobHandle JobContext::release() {
  JobHandle handle = std::move(*handle_);
  handle_.reset();
  return handle;
}

}  // namespace workflow
