#include "sweep/live_status.h"

#include <sys/stat.h>

#include <algorithm>

#include "sweep/eta.h"
#include "sweep/row_status.h"
#include "sweep/status.h"

namespace workflow::sweep {
namespace {

/// So much of each metrics file is read at a time; a long one is caught up with over some looks.
constexpr std::int64_t curve_bytes_a_look = 4 << 20;

/// Another one when a file has changed.
std::string stamp_of(const fs::path& file) {
  struct stat is {};
  if (::stat(file.c_str(), &is) != 0) return "none";
  return std::to_string(is.st_ino) + " " + std::to_string(is.st_size) + " " +
         std::to_string(is.st_mtim.tv_sec) + "." + std::to_string(is.st_mtim.tv_nsec);
}

bool same(const RowState& a, const RowState& b) {
  return a.state == b.state && a.attempt == b.attempt && a.skipped == b.skipped &&
         a.started_at == b.started_at && a.ended_at == b.ended_at && a.result == b.result &&
         a.config == b.config && a.seed == b.seed && a.health == b.health && a.values == b.values &&
         a.origin == b.origin;
}

}  // namespace

LiveStatus::LiveStatus(const tasks::Site& site, const std::string& campaign, std::size_t curves)
    : site_(site),
      id_(asked_campaign(site, site.keeper().load(), campaign)),
      dir_(site.campaign_dir(id_)),
      notices_(dir_),
      campaign_(read_campaign(site.files(), dir_)),
      curve_points_(curves) {
  look();
}

void LiveStatus::look() {
  notices_.clear();
  reload_if_changed();
  look_at_rows();
  record_ = site_.keeper().load();
  executor_ = executor_json(site_, record_, id_);
  if (curve_points_ > 0) gpus_.look(site_, id_);
}

void LiveStatus::reload_if_changed() {
  std::string stamp = stamp_of(dir_ / "rows.jsonl");
  if (stamp == index_stamp_) return;
  std::vector<RowState> rows = RowIndex(site_.files(), site_.clock(), dir_).load();
  running_.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].state == RunState::running) {
      running_[i] = rows[i];  // compared when it has been looked at
    } else if (i >= rows_.size() || !same(rows[i], rows_[i])) {
      changed_[i] = row_json(rows[i]);
      going_.erase(i);
      curves_.erase(i);
    }
  }
  rows_ = std::move(rows);
  index_stamp_ = std::move(stamp);
}

void LiveStatus::look_at_rows() {
  for (const auto& [i, indexed] : running_) {
    RowState& row = rows_[i] = indexed;
    const Json live = look_at_running(site_, id_, row);
    Json shown = row_json(row, live);
    if (row.state == RunState::running && curve_points_ > 0) shown["curve"] = curve_of(i);
    std::string now = dump_json(shown);
    if (going_[i] == now) continue;
    going_[i] = std::move(now);
    changed_[i] = std::move(shown);
  }
}

Json LiveStatus::curve_of(std::size_t row) {
  const fs::path dir = site_.run_dir(rows_[row].run_id);
  auto found = curves_.find(row);
  if (found == curves_.end()) {
    found = curves_.emplace(row, curve_reader(site_.files(), dir, {.points = curve_points_})).first;
  }
  CurveReader& reader = found->second;
  reader.read(curve_bytes_a_look);
  const Curves& curves = reader.curves();
  const std::string key = loss_like(curves.last());
  if (key.empty()) return nullptr;
  const Json all = curves.json();
  Json values = Json::array();
  for (const auto& point : member(all, key)) values.push_back(point[1]);
  return {{"key", key}, {"values", std::move(values)}};
}

bool LiveStatus::rows_left() const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [](const RowState& row) { return !fsm::is_ended(row.state); });
}

bool LiveStatus::rows_running() const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [](const RowState& row) { return row.state == RunState::running; });
}

Json LiveStatus::head() {
  const auto eta = eta_secs(rows_, site_.clock().now_ms());
  const bool current = record_.campaign == id_;
  return {{"state", current ? Json(fsm::name(record_.state)) : Json()},
          {"reason", current ? Json(record_.reason) : Json()},
          {"counts", count_rows(rows_)},
          {"executor", executor_},
          {"eta_secs", eta ? Json(*eta) : Json()},
          {"gpus", gpus_.json()}};
}

Json LiveStatus::whole() {
  Json out = {{"campaign", campaign_summary(campaign_)}};
  const Json now = head();
  told_head_ = dump_json(now);
  out.update(now);
  Json runs = Json::array();
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const auto changed = changed_.find(i);
    runs.push_back(changed == changed_.end() ? row_json(rows_[i]) : changed->second);
  }
  changed_.clear();
  out["runs"] = std::move(runs);
  out["next"] = nullptr;
  return out;
}

Json LiveStatus::changes() {
  Json out = head();
  std::string now = dump_json(out);
  if (now == told_head_ && changed_.empty()) return nullptr;
  told_head_ = std::move(now);
  Json runs = Json::array();
  for (auto& [i, shown] : changed_) runs.push_back(std::move(shown));
  changed_.clear();
  out["runs"] = std::move(runs);
  return out;
}

}  // namespace workflow::sweep
