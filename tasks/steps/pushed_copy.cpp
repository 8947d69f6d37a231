#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <set>

#include "common/error.h"
#include "common/text.h"
#include "tasks/steps/snapshot.h"
#include "tasks/steps/working_copy.h"

namespace workflow::tasks {
namespace {

/// The working copy as a snapshot of the tree that was pushed. Files beside the shipped ones are
/// the user's and stay.
class PushedCopy final : public WorkingCopy {
 public:
  explicit PushedCopy(const Step& step)
      : step_(step),
        site_(step.site()),
        repo_(site_.repo()),
        store_(site_),
        pushed_(member(site_.args(), "push")),
        tree_(text_at(pushed_, "tree")) {}

  void check() override {
    if (tree_.empty()) bug("a checkout of a pushed tree without its name");
    for (const char* key : {"CHECKOUT_BRANCH", "CHECKOUT_PR"}) {
      if (site_.text(key).empty()) continue;
      step_.warn(std::string(key) + " has no meaning with CHECKOUT_SOURCE=push");
    }
    require_expected();
    if (fs::exists(repo_ / ".git")) {
      throw Error(Code::exists, "'" + repo_.string() + "' is a clone of a git repository",
                  "move it away, or set OPS_REMOTE_REPO: a pushed tree does not go over it");
    }
    wanted_ = store_.list(tree_);
    before_ = read_list(of_now());
    moving_ = read_list(of_next());
    look_at_changes();
  }

  void update() override {
    if (!thrown_away_.empty()) {
      step_.warn("CHECKOUT_FORCE_CLEAN: changes thrown away: " + thrown_away_);
    }
    site_.files().make_dirs(repo_ / ".workflow");
    site_.files().write(repo_ / ".workflow" / ".gitignore", "*\n", {.durable = false});
    site_.files().write(of_next(), tree_text(wanted_));
    for (const TreeList& old : {before_.value_or(TreeList{}), moving_.value_or(TreeList{})}) {
      for (const auto& file : old) {
        if (find_file(wanted_, file.path) == nullptr) remove(file.path);
      }
    }
    std::size_t written = 0;
    for (const auto& file : wanted_) {
      const auto at = there_.find(file.path);
      if (at != there_.end() && at->second == file) continue;
      write(file);
      written += 1;
    }
    site_.files().rename(of_next(), of_now());
    step_.say(std::to_string(written) + " of " + std::to_string(wanted_.size()) +
              " files written, the others were as they should be");
  }

  [[nodiscard]] Json claims() const override {
    return {{"repo", of_now().string()},
            {"git_sha", text_at(pushed_, "git_sha")},
            {"ref", "push"},
            {"tree", tree_},
            {"head", member(pushed_, "head")},
            {"dirty", flag_at(pushed_, "dirty")}};
  }
  [[nodiscard]] std::string shown() const override {
    const std::string head = text_at(pushed_, "head").substr(0, 7);
    const std::string of =
        head.empty() ? "" : " (" + head + (flag_at(pushed_, "dirty") ? " with changes)" : ")");
    return "pushed tree " + tree_.substr(0, 12) + of;
  }

 private:
  /// The list of what was shipped, and while the copy is being moved the one it is moved to.
  [[nodiscard]] fs::path of_now() const { return repo_ / ".workflow" / "pushed.jsonl"; }
  [[nodiscard]] fs::path of_next() const { return repo_ / ".workflow" / "pushing.jsonl"; }

  [[nodiscard]] std::optional<TreeList> read_list(const fs::path& path) const {
    const auto text = site_.files().read(path);
    return text ? std::optional(tree_from(*text)) : std::nullopt;
  }

  void require_expected() const {
    const std::string expected = lower(site_.text("EXPECT_GIT_SHA"));
    if (expected.empty()) return;
    const std::string head = text_at(pushed_, "head");
    const bool dirty = flag_at(pushed_, "dirty");
    if (head.rfind(expected, 0) == 0 && !dirty) return;
    std::string is = "of no git repository";
    if (!head.empty()) is = "at " + head.substr(0, 12) + (dirty ? " with changes" : "");
    throw Error(Code::precondition,
                "the pushed tree is " + is + ", but EXPECT_GIT_SHA is " + expected +
                    "; nothing was changed",
                "commit your changes, or unset EXPECT_GIT_SHA");
  }

  static bool is_listed(const std::optional<TreeList>& list, const TreeFile& file) {
    const TreeFile* known = list ? find_file(*list, file.path) : nullptr;
    return known != nullptr && *known == file;
  }

  /// Whether what is at a path is what some push put there, or would.
  [[nodiscard]] bool is_ours(const std::string& path, const std::optional<TreeFile>& there) const {
    if (there) {
      const TreeFile* wanted = find_file(wanted_, path);
      return (wanted != nullptr && *wanted == *there) || is_listed(before_, *there) ||
             is_listed(moving_, *there);
    }
    const bool shipped = before_ && find_file(*before_, path) != nullptr;
    return !shipped || (moving_ && find_file(*moving_, path) == nullptr);
  }

  void look_at_changes() {
    std::set<std::string> paths;
    for (const auto* list : {&before_, &moving_}) {
      for (const auto& file : list->value_or(TreeList{})) paths.insert(file.path);
    }
    for (const auto& file : wanted_) paths.insert(file.path);
    std::vector<std::string> changed;
    for (const auto& path : paths) {
      const auto there = look_at_file(repo_, path);
      if (there) there_[path] = *there;
      if (!is_ours(path, there)) changed.push_back(path);
    }
    if (changed.empty()) return;
    for (const auto& path : changed) step_.say("changed: " + path);
    thrown_away_ = "'" + changed.front() + "'" + (changed.size() > 1 ? ", …" : "");
    if (site_.flag("CHECKOUT_FORCE_CLEAN")) return;
    throw Error(
        Code::refused,
        "the working copy on the target has changes that a push would undo: " + thrown_away_,
        "take them over here first (workflow cp), or throw them away with "
        "CHECKOUT_FORCE_CLEAN=1");
  }

  void remove(const std::string& path) const {
    require_no_symlink(repo_, (repo_ / path).parent_path());
    std::error_code fault;
    fs::remove(repo_ / path, fault);
    if (fault) {
      throw Error(Code::precondition,
                  "cannot remove '" + (repo_ / path).string() + "': " + fault.message());
    }
    for (fs::path dir = fs::path(path).parent_path(); !dir.empty(); dir = dir.parent_path()) {
      if (::rmdir((repo_ / dir).c_str()) != 0) break;  // something else is in it
    }
  }

  void write(const TreeFile& file) const {
    const fs::path to = repo_ / file.path;
    const fs::path half = to.parent_path() / (".workflow-push-" + random_hex(4));
    require_no_symlink(repo_, to.parent_path());
    site_.files().make_dirs(to.parent_path());
    const fs::path from = store_.files(tree_) / file.path;
    if (file.link) {
      fs::create_symlink(file.target, half);
    } else {
      fs::copy_file(from, half);
      ::chmod(half.c_str(), file.program ? 0755 : 0644);
      if (const auto is = look_at_file(half.parent_path(), half.filename().string());
          !is || is->sha256 != file.sha256) {
        fs::remove(half);
        throw Error(Code::precondition, "'" + from.string() + "' is not as it was pushed",
                    "remove the snapshot '" + store_.files(tree_).parent_path().string() +
                        "' on the target and push again");
      }
    }
    if (::rename(half.c_str(), to.c_str()) == 0) return;
    const int fault = errno;
    fs::remove(half);
    throw Error(Code::exists, "cannot write '" + to.string() + "': " + errno_text(fault),
                "what is there in its place is not the push's; move it away");
  }

  const Step& step_;
  const Site& site_;
  fs::path repo_;
  SnapshotStore store_;
  Json pushed_;
  std::string tree_;
  TreeList wanted_;
  std::optional<TreeList> before_;  ///< what the last push put there; nothing: there was none
  std::optional<TreeList> moving_;  ///< of a push that was killed in the middle
  std::map<std::string, TreeFile> there_;
  std::string thrown_away_;  ///< with CHECKOUT_FORCE_CLEAN; for people
};

}  // namespace

std::unique_ptr<WorkingCopy> pushed_copy(const Step& step) {
  return std::make_unique<PushedCopy>(step);
}

}  // namespace workflow::tasks
