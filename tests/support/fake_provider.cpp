#include "tests/support/fake_provider.h"

#include "common/files.h"
#include "common/text.h"

namespace workflow::test {

using namespace workflow::pods;

Offer fake_offer(const std::string& provider, const std::string& id, double price_total_hr) {
  Offer offer{.provider = provider,
              .id = id,
              .gpu_type = "NVIDIA A100 80GB PCIe",
              .gpu_count = 1,
              .price_total_hr = price_total_hr};
  offer.cloud_type = "secure";
  return offer;
}

FakeProvider::FakeProvider(std::string name, fs::path account, const Clock& clock)
    : name_(std::move(name)), account_(std::move(account)), clock_(clock) {
  real_files().make_dirs(account_);
}

int FakeProvider::calls(const std::string& call) const {
  const auto found = calls_.find(call);
  return found == calls_.end() ? 0 : found->second;
}

template <class Effect>
auto FakeProvider::call(const std::string& name, Effect effect) -> decltype(effect()) {
  const int nth = ++calls_[name];
  const auto one = faults_.find({name, nth});
  const auto all = always_.find(name);
  const Fault* fault = one != faults_.end()   ? &one->second
                       : all != always_.end() ? &all->second
                                              : nullptr;
  if (fault == nullptr) return effect();
  if (fault->after) (void)effect();
  throw ProviderError(fault->trouble, name_ + " fails at " + name + " " + std::to_string(nth), {},
                      fault->maybe_done);
}

std::vector<Offer> FakeProvider::offers(const GpuQuery&) {
  return call("offers", [&] { return market; });
}

std::string FakeProvider::create(const Offer& offer, const PodRequest& request) {
  if (at_create) at_create(request);
  return call("create", [&] {
    const std::string id =
        put(request.name, offer.price_total_hr, takes_timer ? request.ends_at : std::string());
    return tells_no_id ? std::string() : id;
  });
}

std::string FakeProvider::put(const std::string& name, double price_total_hr,
                              const std::string& ends_at) {
  const std::string id = "id-" + random_hex(4);
  write(id, {{"name", name},
             {"created", clock_.now_ms()},
             {"price", price_total_hr},
             {"ends_at", ends_at}});
  return id;
}

void FakeProvider::change(const std::string& id, const std::string& key, const Json& value) {
  Json pod = record(id);
  pod[key] = value;
  write(id, pod);
}

void FakeProvider::write(const std::string& id, const Json& record) const {
  real_files().write(account_ / id, dump_json(record), {.durable = false, .name_durable = false});
}

Json FakeProvider::record(const std::string& id) const {
  return parse_json(read_file(account_ / id), id);
}

bool FakeProvider::is_seen(const std::string& id) const {
  return fs::exists(account_ / id) &&
         clock_.now_ms() - number_at(record(id), "created") >= seen_after_ms;
}

Pod FakeProvider::read(const std::string& id) const {
  const Json record = this->record(id);
  Pod pod{.provider = name_, .id = id, .name = text_at(record, "name")};
  const bool up = clock_.now_ms() - number_at(record, "created") >= up_after_ms;
  pod.status = up ? PodStatus::running : PodStatus::starting;
  const std::string status = text_at(record, "status");
  for (const auto other : {PodStatus::stopped, PodStatus::failed, PodStatus::ended}) {
    if (status == pods::name(other)) pod.status = other;
  }
  if (up) pod.ssh = SshAddress{.user = "root", .host = "10.0.0.7", .port = 22};
  pod.price_total_hr = record["price"].get<double>();
  pod.ends_at = text_at(record, "ends_at");
  return pod;
}

std::optional<Pod> FakeProvider::describe(const std::string& id) {
  return call("describe", [&] { return is_seen(id) ? std::optional(read(id)) : std::nullopt; });
}

std::vector<Pod> FakeProvider::list() {
  return call("list", [&] {
    std::vector<Pod> all = pods();
    std::erase_if(all, [&](const Pod& pod) { return !is_seen(pod.id); });
    return all;
  });
}

std::vector<Pod> FakeProvider::pods() const {
  std::vector<Pod> all;
  for (const auto& id : real_files().list(account_)) {
    if (id.rfind("id-", 0) == 0) all.push_back(read(id));
  }
  return all;
}

void FakeProvider::terminate(const std::string& id) {
  call("terminate", [&] {
    if (lies-- > 0 || !is_seen(id)) return;
    fs::remove(account_ / id);
  });
}

void FakeProvider::set_end(const std::string& id, const std::string& ends_at) {
  call("set_end", [&] {
    if (sets_timer) change(id, "ends_at", ends_at);
  });
}

}  // namespace workflow::test
