// A provider that is a program: `workflow-provider-NAME`, one process a question
// (docs/providers.md).
#include "common/subprocess.h"
#include "common/text.h"
#include "remote/pods/factories.h"
#include "remote/pods/own_program.h"
#include "remote/pods/provider_json.h"

namespace workflow::pods {
namespace {

constexpr std::string_view schema = "workflow.provider/1";

class ProgramProvider final : public Provider {
 public:
  ProgramProvider(std::string name, fs::path program, int interrupt_fd)
      : name_(std::move(name)), program_(std::move(program)), interrupt_fd_(interrupt_fd) {}

  [[nodiscard]] std::string name() const override { return name_; }

  [[nodiscard]] Traits traits() const override {
    if (!traits_) {
      const Json data = ask("traits", Json::object(), 20'000);
      traits_ = Traits{.ending = ending_from(text_at(data, "ending")),
                       .is_free = flag_at(data, "is_free"),
                       .only_by_name = flag_at(data, "only_by_name")};
      traits_->unseen_ms = 1'000 * number_at(data, "unseen_secs", traits_->unseen_ms / 1'000);
    }
    return *traits_;
  }

  [[nodiscard]] std::vector<Offer> offers(const GpuQuery& query) override {
    const Json data = ask("offers", {{"query", query_json(query)}}, 60'000);
    std::vector<Offer> found;
    for (const auto& one : list_in(data, "offers")) found.push_back(offer_from(one, name_));
    return found;
  }

  [[nodiscard]] std::string create(const Offer& offer, const PodRequest& request) override {
    const Json data =
        ask("create", {{"offer", whole_offer_json(offer)}, {"request", request_json(request)}},
            600'000);
    const std::string id = text_at(data, "id");
    if (valid_id(id)) return id;
    throw ProviderError(Trouble::provider, spoken("has rented a pod and told no usable id"), {},
                        true);
  }

  [[nodiscard]] std::optional<Pod> describe(const std::string& id) override {
    const Json data = ask("describe", {{"id", id}}, 60'000);
    if (!data.contains("pod")) {
      throw ProviderError(Trouble::provider, spoken("did not answer with a 'pod'"), shape);
    }
    const Json& pod = data["pod"];
    return pod.is_null() ? std::nullopt : std::optional(pod_from(pod, name_));
  }

  [[nodiscard]] std::vector<Pod> list() override {
    const Json data = ask("list", Json::object(), 60'000);
    std::vector<Pod> found;
    for (const auto& one : list_in(data, "pods")) found.push_back(pod_from(one, name_));
    return found;
  }

  void terminate(const std::string& id) override { (void)ask("terminate", {{"id", id}}, 60'000); }

  void set_end(const std::string& id, const std::string& ends_at) override {
    (void)ask("set_end", {{"id", id}, {"ends_at", ends_at}}, 60'000);
  }

 private:
  static constexpr const char* shape = "what it must answer is in docs/providers.md";

  [[nodiscard]] std::string spoken(const std::string& words) const {
    return "'" + program_.filename().string() + "' " + words;
  }

  /// A list that must be there: without it nothing is known, which is not "nothing there".
  [[nodiscard]] const Json& list_in(const Json& data, const char* key) const {
    const Json& list = member(data, key);
    if (list.is_array()) return list;
    throw ProviderError(Trouble::provider,
                        spoken("did not answer with a list '" + std::string(key) + "'"), shape);
  }

  [[nodiscard]] Json ask(const std::string& op, Json question, std::int64_t limit_ms) const {
    question["schema"] = schema;
    question["op"] = op;
    const Captured done = capture({.argv = {program_.string()},
                                   .input = dump_json(question) + "\n",
                                   .limit_ms = limit_ms,
                                   .interrupt_fd = interrupt_fd_});
    if (done.interrupted) {
      throw Error(Code::detached, "interrupted while '" + name_ + "' was asked for '" + op + "'");
    }
    return answer(op, done);
  }

  /// `data`, or its error. A program that did not end well is not believed.
  [[nodiscard]] Json answer(const std::string& op, const Captured& done) const {
    const bool renting = op == "create";
    const Json said = json_fault(done.out).empty() ? parse_json(done.out, "answer") : Json();
    const Json& error = member(said, "error");
    if (said.is_object() && !flag_at(said, "ok") && error.is_object()) {
      throw ProviderError(trouble_from(text_at(error, "category")),
                          spoken("says: " + text_at(error, "message", "no reason")),
                          last_words(done), flag_at(error, "maybe_done"));
    }
    if (!done.started) throw ProviderError(Trouble::provider, done.err);
    if (done.timed_out) {
      throw ProviderError(Trouble::network, spoken("did not answer '" + op + "' in time"),
                          last_words(done), renting);
    }
    if (!done.status.ok()) {
      throw ProviderError(Trouble::provider, spoken("ended with " + how(done.status)),
                          last_words(done), renting);
    }
    if (said.is_object() && flag_at(said, "ok")) return member(said, "data");
    throw ProviderError(Trouble::provider, spoken("did not answer '" + op + "' with its JSON"),
                        last_words(done), renting);
  }

  static std::string how(const ExitStatus& status) {
    return status.code ? "exit code " + std::to_string(*status.code)
                       : "signal " + signal_name(status.signal.value_or(0));
  }

  /// The end of its stderr, for people.
  static std::string last_words(const Captured& done) {
    const std::string_view words = trim(done.err);
    return std::string(words.substr(words.size() > 2'000 ? words.size() - 2'000 : 0));
  }

  std::string name_;
  fs::path program_;
  int interrupt_fd_;
  mutable std::optional<Traits> traits_;
};

}  // namespace

std::unique_ptr<Provider> program_provider(const std::string& name,
                                           const ProviderContext& context) {
  if (!valid_id(name)) return nullptr;
  const fs::path program = find_executable("workflow-provider-" + name);
  if (program.empty()) return nullptr;
  return std::make_unique<ProgramProvider>(name, program, context.interrupt_fd);
}

}  // namespace workflow::pods
