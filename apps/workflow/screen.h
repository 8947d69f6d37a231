#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// A terminal that is taken over for a while: its other screen, keys as they are typed.
namespace workflow::app {

/// One key, or one character that was typed.
struct Key {
  enum class Kind {
    text,
    up,
    down,
    page_up,
    page_down,
    home,
    end,
    enter,
    escape,
    backspace,
    interrupt,
    suspend,
  };
  Kind kind = Kind::text;
  std::string text{};  ///< of `text`: one UTF-8 character

  [[nodiscard]] bool is(std::string_view character) const {
    return kind == Kind::text && text == character;
  }
};

/// Takes the keys off the front of what was read. An escape sequence or a character that is not yet
/// whole stays, unless `all` says that nothing more is coming: a lone escape is then the key.
[[nodiscard]] std::vector<Key> take_keys(std::string& typed, bool all);

struct Size {
  std::size_t rows = 24;
  std::size_t columns = 80;
  [[nodiscard]] bool operator==(const Size&) const = default;
};

class Screen {
 public:
  /// Takes the terminal on stdin and stdout over, where can_take_screen() says that there is one.
  /// It is given back by the destructor, and at any other end of the process by
  /// give_back_terminal().
  explicit Screen(bool color);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  [[nodiscard]] Size size() const;
  /// Shows these lines from the top, what is too wide cut off; only what differs from the last time
  /// is written.
  void show(const std::vector<std::string>& lines);
  /// What was typed since it was last asked; `waited`: nothing came for a while.
  [[nodiscard]] std::vector<Key> keys(bool waited);
  /// An escape sequence has begun, or a lone escape was typed.
  [[nodiscard]] bool half_typed() const { return !typed_.empty(); }
  /// Gives the terminal back until the program is continued (Ctrl-Z).
  void suspend();

 private:
  void enter();

  bool color_;
  std::vector<std::string> shown_;
  Size shown_size_{};
  std::string typed_;
};

/// Whether stdin and stdout are a terminal that can be taken over.
[[nodiscard]] bool can_take_screen();

/// Gives the terminal back if it is taken; a signal handler may call it.
void give_back_terminal();

}  // namespace workflow::app
