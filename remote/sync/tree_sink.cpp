#include "remote/sync/tree_sink.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "remote/sync/below.h"

namespace workflow::sync {
namespace {

Error leads_out(const std::string& path) {
  return Error(Code::refused, "the other side sent the path '" + shown(path) +
                                  "', which leads out of the destination; it was not written");
}

void require_harmless(const std::string& path) {
  if (!path.empty() && !stays_below(path)) throw leads_out(path);
}

/// Its own directory's entry has to be nameable: no slash behind it.
fs::path without_slash(const fs::path& path) {
  std::string text = path.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace

TreeSink::TreeSink(Destination destination) : destination_(std::move(destination)) {
  const bool slash = destination_.path.string().back() == '/';
  destination_.path = without_slash(destination_.path);
  const std::string text = destination_.path.string();
  std::error_code fault;
  into_ = fs::is_directory(destination_.path, fault);
  if (into_ || (!destination_.directory && !slash)) return;
  if (fs::exists(destination_.path, fault)) {
    throw Error(Code::exists, "'" + shown(text) + "' is not a directory");
  }
  if (!fs::create_directories(destination_.path, fault) && fault) {
    throw Error(Code::precondition, "cannot make '" + shown(text) + "': " + fault.message());
  }
  into_ = true;
}

void TreeSink::feed(std::string_view bytes) {
  in_.feed(bytes);
  while (true) {
    if (left_ > 0) {
      const auto some = in_.some(static_cast<std::size_t>(std::min<std::int64_t>(left_, 1 << 20)));
      if (some.empty()) return;
      write_bytes(some);
    } else {
      const auto line = in_.line();
      if (!line) return;
      take(entry_from(*line));
    }
  }
}

void TreeSink::finish() {
  if (!ended_) throw Error(Code::unreachable, "the copy was cut short");
}

void TreeSink::take(const Entry& entry) {
  if (ended_) throw Error(Code::unreachable, "the copy arrived damaged");
  require_harmless(entry.path);
  if (entry.kind == Kind::source) return begin_source(entry);
  if (entry.kind != Kind::end && !writer_)
    throw Error(Code::unreachable, "the copy arrived damaged");
  switch (entry.kind) {
    case Kind::source:
      return;
    case Kind::directory:
      sum_.directories += 1;
      return writer_->make_directory(entry);
    case Kind::file:
      return begin_file(entry);
    case Kind::link:
      writer_->make_link(entry);
      sum_.links += 1;
      return;
    case Kind::end:
      if (writer_) writer_->end_directories();
      ended_ = true;
      return;
  }
}

void TreeSink::begin_source(const Entry& entry) {
  // A source has a name, not a path: the part before a slash could be a link that was just sent.
  if (entry.path.find('/') != std::string::npos) throw leads_out(entry.path);
  if (const auto& asked = destination_.asked) {
    const bool expected = sources_ < asked->size() &&
                          ((*asked)[sources_].empty() || (*asked)[sources_] == entry.path);
    if (!expected) {
      throw Error(Code::refused, "the other side sent '" + shown(entry.path) +
                                     "', which was not asked for; it was not written");
    }
  }
  sources_ += 1;
  if (writer_) writer_->end_directories();
  const bool into_name = into_ && !entry.path.empty();
  writer_.emplace(into_name ? destination_.path / entry.path : destination_.path,
                  TreeWriter::Options{.root_is_there = into_ && !into_name,
                                      .hashed = static_cast<bool>(destination_.on_file),
                                      .unseen = destination_.unseen});
}

void TreeSink::begin_file(const Entry& entry) {
  writer_->begin_file(entry);
  entry_ = entry;
  left_ = entry.size;
  if (left_ == 0) end_file();
}

void TreeSink::write_bytes(std::string_view bytes) {
  left_ -= static_cast<std::int64_t>(bytes.size());
  sum_.bytes += static_cast<std::int64_t>(bytes.size());
  writer_->write(bytes);
  if (left_ == 0) end_file();
}

void TreeSink::end_file() {
  const auto sha256 = writer_->end_file(entry_);
  if (destination_.on_file) destination_.on_file(entry_, *sha256);
  sum_.files += 1;
}

}  // namespace workflow::sync
