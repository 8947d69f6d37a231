#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <string>

namespace workflow {

/// A job's output line by line while it runs, to be gone through once. A line is everything up to a
/// newline, which is not part of it; what stands behind the last newline comes when the job has
/// ended. Bytes are as the job wrote them, save that bytes which are no UTF-8 become U+FFFD. Over
/// lost connections it goes on where it was. Going away in the middle leaves the job alone.
class LogLines {
 public:
  class Source;

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string*;
    using reference = const std::string&;

    Iterator() = default;
    explicit Iterator(Source* source);
    [[nodiscard]] reference operator*() const { return line_; }
    [[nodiscard]] pointer operator->() const { return &line_; }
    /// Waits for the next line. JobError when the log cannot be read on.
    Iterator& operator++();
    void operator++(int) { ++*this; }
    [[nodiscard]] bool operator==(const Iterator& other) const { return source_ == other.source_; }

   private:
    Source* source_ = nullptr;  ///< null: the end
    std::string line_{};
  };

  explicit LogLines(std::unique_ptr<Source> source);
  ~LogLines();
  LogLines(LogLines&&) noexcept;
  LogLines& operator=(LogLines&&) noexcept;

  /// Waits for the first line.
  [[nodiscard]] Iterator begin();
  [[nodiscard]] Iterator end() const { return {}; }

 private:
  std::unique_ptr<Source> source_;
};

}  // namespace workflow
