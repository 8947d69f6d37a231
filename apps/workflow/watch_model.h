#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/workflow/log_lines.h"
#include "apps/workflow/screen.h"
#include "client/bound_pod.h"
#include "client/watch.h"

namespace workflow::app {

/// What a key asks of the world outside the view.
enum class Wish { none, leave, suspend, why, stop, clone };

/// All that the live view of a sweep shows, and how keys and events change it. Pure: no terminal,
/// no clock, no connection.
class WatchModel {
 public:
  enum class Page { table, log, text, help };
  enum class Typing { nothing, filter, clone, answer };

  /// An event of sweep-follow.
  void take(const Json& event, std::int64_t now_ms);
  [[nodiscard]] Wish press(const Key& key, Size size);

  /// The sweep has ended or stalled; whoever reads a log is not torn out of it.
  void end() { ended_ = true; }
  [[nodiscard]] bool may_close() const { return ended_ && page_ == Page::table; }
  /// A text of lines to read, in place of the table.
  void read_text(std::string title, std::vector<std::string> lines);
  void say(std::string message) { message_ = std::move(message); }
  /// What the pod costs, for the head; nothing where it costs nothing.
  void set_bill(std::optional<client::Bill> bill) { bill_ = bill; }
  const std::optional<client::Bill>& bill() const { return bill_; }

  [[nodiscard]] const client::WatchedSweep& sweep() const { return sweep_; }
  /// The rows that pass the filter, in the order in which they are shown, as positions in runs().
  [[nodiscard]] const std::vector<std::size_t>& order() const { return order_; }
  /// The row at the cursor; nothing while none is shown.
  [[nodiscard]] const Json* selected() const;
  [[nodiscard]] std::string selected_id() const;
  [[nodiscard]] std::size_t cursor() const;
  /// The log of the selected run, as far as it has been told.
  [[nodiscard]] const LogLines& log() const;

  Page page() const { return page_; }
  Typing typing() const { return typing_; }
  const std::string& filter() const { return filter_; }
  /// What is typed of a clone's `key=value` words, and of which run it and a stop are.
  const std::string& typed() const { return typed_; }
  const std::string& about() const { return about_; }
  bool failed_only() const { return failed_only_; }
  bool ended() const { return ended_; }
  const std::string& message() const { return message_; }
  const std::string& connection() const { return connection_; }
  const std::string& text_title() const { return text_title_; }
  const std::vector<std::string>& text() const { return text_; }
  std::int64_t heard_ms() const { return heard_ms_; }
  /// Of the log or text page: lines between its end and the last one shown; 0 follows.
  std::size_t back() const { return back_; }

 private:
  void arrange();
  void move_cursor(std::ptrdiff_t by);
  void select_at(std::size_t position);
  [[nodiscard]] Wish press_in_table(const Key& key, Size size);
  void press_in_filter(const Key& key);
  [[nodiscard]] Wish press_in_question(const Key& key);
  [[nodiscard]] Wish press_in_pager(const Key& key, Size size);

  client::WatchedSweep sweep_;
  std::vector<std::size_t> order_;
  std::optional<std::int64_t> selected_;  ///< by the row's number
  LogLines log_;
  std::string log_of_;
  std::vector<std::string> text_;
  std::string text_title_;
  Page page_ = Page::table;
  Typing typing_ = Typing::nothing;
  std::string filter_;
  std::string typed_;
  std::string about_;
  bool failed_only_ = false;
  bool ended_ = false;
  std::string message_;
  std::string connection_;
  std::optional<client::Bill> bill_;
  std::int64_t heard_ms_ = 0;
  std::size_t back_ = 0;
};

}  // namespace workflow::app
