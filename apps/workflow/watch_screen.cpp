#include <poll.h>
#include <unistd.h>

#include "apps/workflow/watch.h"
#include "apps/workflow/watch_lines.h"
#include "apps/workflow/watch_stream.h"
#include "apps/workflow/why.h"
#include "apps/workflow/why_next.h"
#include "client/operations.h"
#include "common/clock.h"
#include "common/text.h"

namespace workflow::app {
namespace {

constexpr std::int64_t curve_points = 48;
constexpr int tick_ms = 1000;  // ages are told by the second
constexpr int escape_ms = 50;  // a lone escape is one when nothing follows it

class LiveView {
 public:
  explicit LiveView(Context& context)
      : context_(context),
        stream_(context.settings(),
                [this](client::Session& session, const client::OnEvent& on_event) {
                  return client::sweep_watch(
                      session, {.curve_points = curve_points, .wishes = &wishes_}, on_event);
                }),
        screen_(context.out().colors()) {
    model_.set_bill(client::bill_of(context.settings()));
  }

  /// The last document of the sweep; nothing when the view was left.
  std::optional<Json> run() {
    std::optional<Json> result;
    while (true) {
      for (const Json& event : stream_.take()) model_.take(event, system_clock().steady_ms());
      if (!result && (result = stream_.result())) model_.end();
      if (model_.may_close()) return result;
      take_aside();
      follow_selected();
      screen_.show(watch_lines(model_, screen_.size(), now()));
      if (!wait() || !press_keys()) return std::nullopt;
    }
  }

 private:
  static Now now() { return {system_clock().now_ms(), system_clock().steady_ms()}; }

  /// The log that is told is that of the run at the cursor.
  void follow_selected() {
    std::string id = model_.selected_id();
    if (id == followed_) return;
    followed_ = std::move(id);
    wishes_.log_of(followed_);
  }

  /// False when the program is told to end.
  bool wait() {
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0},
                    {context_.interrupt_fd(), POLLIN, 0},
                    {stream_.fd(), POLLIN, 0},
                    {aside_ ? aside_->fd() : -1, POLLIN, 0}};
    waited_ = ::poll(fds, 4, half_typed_ ? escape_ms : tick_ms) == 0;
    return fds[1].revents == 0 && (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
  }

  /// False when the view is left.
  bool press_keys() {
    for (const Key& key : screen_.keys(waited_)) {
      switch (model_.press(key, screen_.size())) {
        case Wish::none:
          break;
        case Wish::leave:
          return false;
        case Wish::suspend:
          screen_.suspend();
          break;
        case Wish::why:
          ask_why(model_.selected_id());
          break;
        case Wish::stop:
          operate({.command = fsm::Event::run_stop, .run_id = model_.about()});
          break;
        case Wish::clone:
          clone();
          break;
      }
    }
    half_typed_ = screen_.half_typed();
    return true;
  }

  void ask_why(const std::string& id) {
    model_.say("asking why " + id + " …");
    aside_.emplace(context_.settings(), [id](client::Session& session, const client::OnEvent&) {
      return client::run_show(session, id);
    });
  }

  void clone() {
    const auto words = split_words(model_.typed());
    if (!words) return model_.say("a quote is never closed in: " + model_.typed());
    operate({.command = fsm::Event::run_clone, .run_id = model_.about(), .set = *words});
  }

  void operate(const client::OperationRequest& request) {
    model_.say(std::string(fsm::name(request.command)) + " of " + request.run_id +
               " is asked for …");
    aside_.emplace(context_.settings(),
                   [request](client::Session& session, const client::OnEvent& on_event) {
                     return client::operate(session, request, on_event);
                   });
  }

  void take_aside() {
    if (!aside_) return;
    try {
      const auto result = aside_->result();
      (void)aside_->take();
      if (!result) return;
      tell(*result);
    } catch (const Error& fault) {
      model_.say(context_.masked(fault).what());
    }
    aside_.reset();
  }

  /// What became of an operation, or the story of a run.
  void tell(const Json& result) {
    if (!result.contains("kind")) return show_story(result);
    const std::string reason = text_at(result, "reason");
    const std::string made = text_at(member(result, "result"), "run_id");
    model_.say(text_at(result, "kind") + " of " + text_at(result, "run_id") + ": " +
               text_at(result, "state") + (made.empty() ? "" : ", " + made) +
               (reason.empty() ? "" : ", " + reason));
  }

  void show_story(const Json& result) {
    model_.say("");
    std::vector<std::string> lines;
    for (const auto& line : why_lines(result)) {
      for (auto& part : wrapped(line, screen_.size().columns, 12)) lines.push_back(std::move(part));
    }
    for (const auto& next : next_commands(result)) lines.push_back(next);
    model_.read_text("why " + text_at(result, "run_id"), std::move(lines));
  }

  Context& context_;
  client::WatchWishes wishes_;
  WatchModel model_;
  WatchStream stream_;
  std::optional<WatchStream> aside_;
  Screen screen_;  // last: it goes first, so that nothing is waited for with the terminal taken
  std::string followed_;
  bool waited_ = false;
  bool half_typed_ = false;
};

}  // namespace

std::optional<Json> watch_on_screen(Context& context) { return LiveView(context).run(); }

}  // namespace workflow::app
