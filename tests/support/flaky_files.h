#pragma once

#include "common/error.h"
#include "common/files.h"

namespace workflow::test {

/// The real disk without its flushes, on which the n-th call fails: before it had an effect, or
/// after. Unarmed it never fails.
class FlakyFiles final : public Files {
 public:
  enum class When { before, after };

  /// The `nth` call from now on fails; 1 is the next one.
  void fail(int nth, When when) {
    left_ = nth;
    when_ = when;
  }
  void heal() { left_ = 0; }
  /// Whether the call that was to fail has come.
  [[nodiscard]] bool has_failed() const { return left_ < 0; }

  std::optional<std::string> read(const fs::path& path) override {
    return step([&] { return real_files().read(path); });
  }
  void write(const fs::path& path, std::string_view bytes, WriteMode mode) override {
    mode.durable = false;
    step([&] { real_files().write(path, bytes, mode); });
  }
  void append(const fs::path& path, std::string_view bytes, WriteMode mode) override {
    mode.durable = false;
    step([&] { real_files().append(path, bytes, mode); });
  }
  void make_dirs(const fs::path& path) override {
    step([&] { real_files().make_dirs(path); });
  }
  void rename(const fs::path& from, const fs::path& to) override {
    step([&] { real_files().rename(from, to); });
  }
  std::vector<std::string> list(const fs::path& dir) override {
    return step([&] { return real_files().list(dir); });
  }

 private:
  struct Trip {
    FlakyFiles& files;
    bool due;
    void now(When when) const {
      if (!due || files.when_ != when) return;
      files.left_ = -1;
      throw Error(Code::precondition, "the disk fails here");
    }
  };

  template <class Call>
  auto step(Call call) -> decltype(call()) {
    const Trip trip{*this, left_ > 0 && --left_ == 0};
    trip.now(When::before);
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      trip.now(When::after);
    } else {
      auto answer = call();
      trip.now(When::after);
      return answer;
    }
  }

  int left_ = 0;
  When when_ = When::before;
};

}  // namespace workflow::test
