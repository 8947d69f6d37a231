#include "common/error.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/json.h"

namespace workflow {
namespace {

struct NamedCode {
  Code code;
  std::string_view name;
};

constexpr std::array<NamedCode, 14> code_names{{
    {Code::ok, "ok"},
    {Code::work_failed, "work_failed"},
    {Code::usage, "usage"},
    {Code::illegal_state, "illegal_state"},
    {Code::unreachable, "unreachable"},
    {Code::busy, "busy"},
    {Code::not_found, "not_found"},
    {Code::precondition, "precondition"},
    {Code::exists, "exists"},
    {Code::refused, "refused"},
    {Code::provider, "provider"},
    {Code::bug, "bug"},
    {Code::wait_timeout, "wait_timeout"},
    {Code::detached, "detached"},
}};

}  // namespace

std::string_view code_name(Code code) {
  for (const auto& row : code_names) {
    if (row.code == code) return row.name;
  }
  return "bug";
}

Code code_from_name(std::string_view name) {
  for (const auto& row : code_names) {
    if (row.name == name) return row.code;
  }
  return Code::bug;
}

std::string Fault::text() const {
  std::string out = file;
  if (line != 0) out += ":" + std::to_string(line);
  if (column != 0) out += ":" + std::to_string(column);
  return out.empty() ? message : out + ": " + message;
}

Error::Error(Code code, std::string what, std::string hint, std::string details)
    : code_(code), what_(std::move(what)), hint_(std::move(hint)), details_(std::move(details)) {}

Error faults_error(const std::vector<Fault>& faults, std::string summary) {
  Json list = Json::array();
  std::string text;
  for (const auto& fault : faults) {
    list.push_back({{"file", fault.file},
                    {"line", fault.line},
                    {"column", fault.column},
                    {"message", fault.message}});
    text += fault.text() + "\n";
  }
  return Error(Code::usage, text + summary, {}, dump_json({{"faults", list}}));
}

void bug(std::string_view what, std::source_location where) {
  throw Error(Code::bug,
              "bug: " + std::string(what) + " (" + where.file_name() + ":" +
                  std::to_string(where.line()) + ")",
              "please report this line");
}

std::string errno_text(int error) { return std::strerror(error); }

void throw_errno(std::string_view what, Code code) {
  const int error = errno;
  throw Error(code, std::string(what) + ": " + errno_text(error));
}

}  // namespace workflow
