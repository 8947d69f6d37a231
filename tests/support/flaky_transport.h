#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "common/error.h"
#include "remote/transport/transport.h"

namespace workflow::test {

/// A transport that notes how often it was opened, may put words before every command, as a login
/// shell does with its banner, and cuts what is sent to its n-th command: the far end sees the end
/// of its input after so many bytes, and we see a lost connection.
class FlakyTransport final : public transport::Transport {
 public:
  struct Told {
    int opened = 0;
    std::string before{};       ///< shell text before every command
    int cut_open = 0;           ///< the open that is cut, counted from 1; 0: none
    std::size_t cut_after = 0;  ///< bytes that still arrive
  };

  FlakyTransport(std::unique_ptr<transport::Transport> inner, std::shared_ptr<Told> told)
      : inner_(std::move(inner)), told_(std::move(told)) {}

  std::unique_ptr<transport::Channel> open(const std::string& command) override {
    ++told_->opened;
    auto channel = inner_->open(told_->before + command);
    if (told_->opened != told_->cut_open) return channel;
    return std::make_unique<CutChannel>(std::move(channel), told_->cut_after);
  }
  [[nodiscard]] std::string target() const override { return inner_->target(); }

 private:
  class CutChannel final : public transport::Channel {
   public:
    CutChannel(std::unique_ptr<transport::Channel> inner, std::size_t left)
        : inner_(std::move(inner)), left_(left) {}
    void write(std::string_view bytes) override {
      inner_->write(bytes.substr(0, std::min(left_, bytes.size())));
      left_ -= std::min(left_, bytes.size());
    }
    void end_input() override {}
    [[nodiscard]] std::size_t unsent() const override { return inner_->unsent(); }
    transport::Chunk read(std::int64_t limit_ms, int /*wake_fd*/) override {
      inner_->end_input();
      // The far end does what it does with half of it; none of its words reach us.
      while (!inner_->read(limit_ms).ended) {
      }
      throw Error(Code::unreachable, "the connection was cut");
    }
    ExitStatus exit() override { return inner_->exit(); }

   private:
    std::unique_ptr<transport::Channel> inner_;
    std::size_t left_;
  };

  std::unique_ptr<transport::Transport> inner_;
  std::shared_ptr<Told> told_;
};

}  // namespace workflow::test
