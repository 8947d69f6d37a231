#include "sweep/patient_index.h"

#include "common/error.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t wait_for_room_ms = 15 * 60'000;
constexpr std::int64_t try_again_ms = 1'000;
constexpr std::size_t room_for_a_start = 64 * 1024;

}  // namespace

void PatientIndex::append(const RowState& row, bool durable) {
  patiently([&] { index_.append(row, durable); });
}

void PatientIndex::define(const RowState& row) {
  patiently([&] { index_.define(row); });
}

void PatientIndex::patiently(const std::function<void()>& write) {
  const std::int64_t until = clock_.steady_ms() + wait_for_room_ms;
  for (bool told = false;; told = true) {
    try {
      return write();
    } catch (const Error& fault) {
      if (clock_.steady_ms() >= until) throw;
      if (!told) say_(std::string("waits for room: ") + fault.what());
      if (wait_(try_again_ms)) throw;
    }
  }
}

bool PatientIndex::room() const {
  const fs::path probe = dir_ / ".room";
  try {
    files_.write(probe, std::string(room_for_a_start, ' '), {.durable = false});
  } catch (const Error&) {
    return false;
  }
  std::error_code ignored;
  fs::remove(probe, ignored);
  return true;
}

}  // namespace workflow::sweep
