#include "apps/workflow/watch_model.h"

#include <algorithm>
#include <array>

#include "remote/protocol/message.h"

namespace workflow::app {
namespace {

/// What is looked for first stands first.
int rank(const Json& run) {
  const std::string state = text_at(run, "state");
  if (state == "running") return 0;
  if (state == "pending") return number_at(run, "attempt") > 0 ? 2 : 3;
  if (state == "success") return flag_at(run, "skipped") ? 5 : 4;
  return state == "deleted" ? 6 : 1;
}

bool is_bad(const Json& run) { return rank(run) == 1; }

/// Adds what was typed, or takes the last character away.
void edit(std::string& text, const Key& key) {
  constexpr std::size_t longest = 400;
  if (key.kind == Key::Kind::text && text.size() < longest) text += key.text;
  if (key.kind != Key::Kind::backspace || text.empty()) return;
  while (text.size() > 1 && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) {
    text.pop_back();
  }
  text.pop_back();
}

}  // namespace

void WatchModel::take(const Json& event, std::int64_t now_ms) {
  const std::string kind = text_at(event, "event");
  if (kind == "connection") {
    connection_ = text_at(event, "state") == "lost" ? "reconnecting…" : "";
    return;
  }
  heard_ms_ = now_ms;
  connection_.clear();
  if (kind == "progress") {
    (void)sweep_.take(member(event, "data"));
    arrange();
  } else if (kind == "log_of") {
    log_.clear();
    log_of_ = text_at(event, "id");
  } else if (kind == "log" && text_at(event, "id") == log_of_) {
    const std::size_t before = log_.size() + log_.dropped();
    log_.add(protocol::log_bytes(event));
    // Whoever has scrolled back stays where he reads.
    if (page_ == Page::log && back_ > 0) back_ += log_.size() + log_.dropped() - before;
  }
}

const LogLines& WatchModel::log() const {
  static const LogLines none;
  return log_of_ == selected_id() ? log_ : none;
}

void WatchModel::arrange() {
  const auto& runs = sweep_.runs();
  std::array<std::vector<std::size_t>, 7> ranks;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (failed_only_ && !is_bad(runs[i])) continue;
    if (!filter_.empty() && text_at(runs[i], "run_id").find(filter_) == std::string::npos) continue;
    ranks[static_cast<std::size_t>(rank(runs[i]))].push_back(i);
  }
  order_.clear();
  for (const auto& of_rank : ranks) order_.insert(order_.end(), of_rank.begin(), of_rank.end());
}

std::size_t WatchModel::cursor() const {
  if (!selected_) return 0;
  const auto found = std::find_if(order_.begin(), order_.end(), [&](std::size_t i) {
    return number_at(sweep_.runs()[i], "n") == *selected_;
  });
  return found == order_.end() ? 0 : static_cast<std::size_t>(found - order_.begin());
}

const Json* WatchModel::selected() const {
  return order_.empty() ? nullptr : &sweep_.runs()[order_[cursor()]];
}

std::string WatchModel::selected_id() const {
  const Json* run = selected();
  return run == nullptr ? std::string() : text_at(*run, "run_id");
}

void WatchModel::select_at(std::size_t position) {
  if (order_.empty()) return;
  selected_ = number_at(sweep_.runs()[order_[std::min(position, order_.size() - 1)]], "n");
}

void WatchModel::move_cursor(std::ptrdiff_t by) {
  const auto to = static_cast<std::ptrdiff_t>(cursor()) + by;
  select_at(to < 0 ? 0 : static_cast<std::size_t>(to));
}

void WatchModel::read_text(std::string title, std::vector<std::string> lines) {
  text_title_ = std::move(title);
  text_ = std::move(lines);
  page_ = Page::text;
  back_ = text_.size();  // from its beginning
}

Wish WatchModel::press(const Key& key, Size size) {
  message_.clear();
  if (key.kind == Key::Kind::interrupt) return Wish::leave;
  if (key.kind == Key::Kind::suspend) return Wish::suspend;
  if (typing_ == Typing::filter) {
    press_in_filter(key);
    return Wish::none;
  }
  if (typing_ != Typing::nothing) return press_in_question(key);
  return page_ == Page::table ? press_in_table(key, size) : press_in_pager(key, size);
}

Wish WatchModel::press_in_table(const Key& key, Size size) {
  using Kind = Key::Kind;
  const auto page = static_cast<std::ptrdiff_t>(size.rows / 2);
  if (key.kind == Kind::up || key.is("k")) move_cursor(-1);
  if (key.kind == Kind::down || key.is("j")) move_cursor(1);
  if (key.kind == Kind::page_up) move_cursor(-page);
  if (key.kind == Kind::page_down || key.is(" ")) move_cursor(page);
  if (key.kind == Kind::home || key.is("g")) select_at(0);
  if (key.kind == Kind::end || key.is("G")) select_at(order_.size());
  if (key.is("/")) typing_ = Typing::filter;
  if (key.is("?")) page_ = Page::help;
  if (key.is("f")) {
    failed_only_ = !failed_only_;
    arrange();
  }
  if (key.kind == Kind::escape) {
    filter_.clear();
    failed_only_ = false;
    arrange();
  }
  if ((key.kind == Kind::enter || key.is("l")) && selected() != nullptr) {
    page_ = Page::log;
    back_ = 0;
  }
  if (key.is("w") && selected() != nullptr) return Wish::why;
  if ((key.is("s") || key.is("c")) && selected() != nullptr) {
    about_ = selected_id();  // whatever the cursor stands on when the answer is typed
    typed_.clear();
    typing_ = key.is("s") ? Typing::answer : Typing::clone;
  }
  return key.is("q") ? Wish::leave : Wish::none;
}

void WatchModel::press_in_filter(const Key& key) {
  if (key.kind == Key::Kind::enter) typing_ = Typing::nothing;
  edit(filter_, key);
  if (key.kind == Key::Kind::escape) {
    filter_.clear();
    typing_ = Typing::nothing;
  }
  arrange();
}

Wish WatchModel::press_in_question(const Key& key) {
  const bool cloning = typing_ == Typing::clone;
  edit(typed_, key);
  const bool answered = cloning ? key.kind == Key::Kind::enter : key.kind == Key::Kind::text;
  if (!answered && key.kind != Key::Kind::escape) return Wish::none;
  typing_ = Typing::nothing;
  if (!answered) return Wish::none;
  if (cloning) return typed_.empty() ? Wish::none : Wish::clone;
  return key.is("y") ? Wish::stop : Wish::none;
}

Wish WatchModel::press_in_pager(const Key& key, Size size) {
  using Kind = Key::Kind;
  if (key.is("q") || key.kind == Kind::escape || (page_ == Page::help && key.is("?"))) {
    page_ = Page::table;
    return Wish::none;
  }
  if (page_ == Page::help) return Wish::none;
  const std::size_t lines = page_ == Page::log ? log().size() : text_.size();
  const std::size_t shown = size.rows > 2 ? size.rows - 2 : 1;
  const std::size_t most = lines > shown ? lines - shown : 0;
  back_ = std::min(back_, most);
  const auto forward = [&](std::size_t by) { back_ -= std::min(back_, by); };
  if (key.kind == Kind::up || key.is("k")) back_ += 1;
  if (key.kind == Kind::down || key.is("j")) forward(1);
  if (key.kind == Kind::page_up || key.is("b")) back_ += shown;
  if (key.kind == Kind::page_down || key.is(" ")) forward(shown);
  if (key.kind == Kind::home || key.is("g")) back_ = most;
  if (key.kind == Kind::end || key.is("G")) back_ = 0;
  back_ = std::min(back_, most);
  if (key.is("w") && page_ == Page::log) return Wish::why;
  return Wish::none;
}

}  // namespace workflow::app
