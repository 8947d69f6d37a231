#include "tasks/dead_man_call.h"

#include <algorithm>
#include <cstdlib>

#include "common/curl_config.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mask.h"
#include "common/subprocess.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t curl_limit_ms = 60'000;  // its own limit is 50 s
constexpr const char* places[] = {"/proc/1/environ", "/etc/rp_environment", "/etc/environment"};

enum class Form { rest, graphql };

/// One way to ask. `%` in `path` stands for the pod's id.
struct Way {
  Form form;
  const char* base;
  const char* path;
};

struct PodProvider {
  const char* name;
  const char* id_variable;
  const char* key_variable;
  std::vector<Way> ways;
};

const std::vector<PodProvider>& pod_providers() {
  static const std::vector<PodProvider> all{
      {"runpod",
       "RUNPOD_POD_ID",
       "RUNPOD_API_KEY",
       {{Form::rest, "https://rest.runpod.io/v1", "/pods/%"},
        {Form::graphql, "https://api.runpod.io", "/graphql"}}},
      {"vast",
       "CONTAINER_ID",
       "CONTAINER_API_KEY",
       {{Form::rest, "https://console.vast.ai/api/v0", "/instances/%/"}}}};
  return all;
}

const PodProvider* find_provider(const std::string& name) {
  for (const auto& provider : pod_providers()) {
    if (provider.name == name) return &provider;
  }
  return nullptr;
}

std::string our_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string find_variable(const char* name) {
  for (const char* place : places) {
    try {
      const auto bytes = real_files().read(place);
      if (!bytes) continue;
      if (auto value = variable_in(*bytes, name); !value.empty()) return value;
    } catch (const Error&) {
      // Not ours to read.
    }
  }
  return our_variable(name);
}

std::string url_of(const Way& way, const std::string& id) {
  const std::string instead = our_variable("WF_DEAD_MAN_URL");
  std::string path = way.path;
  if (const auto at = path.find('%'); at != std::string::npos) path.replace(at, 1, id);
  return (instead.empty() ? way.base : instead) + path;
}

std::string config(const Way& way, const PodKey& pod) {
  std::string out = "silent\nshow-error\ngloboff\n" + curl_line("proto", "=http,https");
  out += curl_line("url", url_of(way, pod.id));
  out += curl_line("header", "Authorization: Bearer " + pod.key);
  if (way.form == Form::rest) {
    out += curl_line("request", "DELETE");
  } else {
    const Json body = {{"query", "mutation ($id: String!) { podTerminate(input: {podId: $id}) }"},
                       {"variables", {{"id", pod.id}}}};
    out += curl_line("header", "Content-Type: application/json");
    out += curl_line("data-raw", dump_json(body));
  }
  out += curl_line("connect-timeout", "20") + curl_line("max-time", "50");
  return out + curl_line("write-out", "\\n%{http_code}");
}

/// GraphQL tells its failures under 200, and Vast some of its own.
bool says_no(const std::string& body) {
  if (!json_fault(body).empty()) return false;
  const Json answer = parse_json(body, "the provider's answer");
  return answer.is_object() &&
         (!member(answer, "errors").is_null() || !flag_at(answer, "success", true));
}

EndAnswer ask(const Way& way, const PodKey& pod) {
  CaptureSpec spec;
  spec.argv = {"curl", "-q", "--config", "-"};
  spec.input = config(way, pod);
  spec.limit_ms = curl_limit_ms;
  const Captured said = capture(spec);
  const std::size_t cut = std::min(said.out.rfind('\n'), said.out.size());
  const std::string body(trim(said.out.substr(0, cut)));
  const std::int64_t status = parse_integer(trim(said.out.substr(cut))).value_or(0);
  if (said.timed_out || status == 0) {
    return {false, said.timed_out ? "no answer within a minute" : std::string(trim(said.err))};
  }
  const bool gone = status == 404 || body.find("no such instance") != std::string::npos;
  const std::string code = "HTTP " + std::to_string(status);
  if (gone || (status >= 200 && status < 300 && !says_no(body))) return {true, code};
  return {false,
          code + (body.empty() ? "" : ": " + body.substr(0, whole_utf8(body.substr(0, 200))))};
}

}  // namespace

std::string variable_in(const std::string& bytes, const std::string& name) {
  const char between = bytes.find('\0') == std::string::npos ? '\n' : '\0';
  std::string found;
  for (const auto& entry : split(bytes, between)) {
    std::string_view line = between == '\n' ? trim(entry) : std::string_view(entry);
    if (between == '\n' && line.rfind("export ", 0) == 0) line = trim(line.substr(7));
    if (line.rfind(name + "=", 0) != 0) continue;
    line = line.substr(name.size() + 1);
    const bool quoted =
        line.size() > 1 && (line[0] == '"' || line[0] == '\'') && line.back() == line.front();
    found = quoted && between == '\n' ? line.substr(1, line.size() - 2) : line;
  }
  return found;
}

PodKey find_pod_key(const std::string& provider) {
  const PodProvider* row = find_provider(provider);
  if (row == nullptr) return {"", "", "'" + provider + "' leaves no key of its own in a pod"};
  PodKey pod{find_variable(row->id_variable), find_variable(row->key_variable)};
  const char* lacks = pod.id.empty() ? row->id_variable : nullptr;
  if (pod.key.empty()) lacks = row->key_variable;
  if (lacks != nullptr) {
    pod.missing =
        std::string("no ") + lacks + " is in the pod's environment, as far as we may read it";
  } else if (!valid_id(pod.id)) {
    pod.missing = std::string(row->id_variable) + " is no id";
  }
  return pod;
}

EndAnswer ask_for_end(const std::string& provider, const PodKey& pod) {
  const PodProvider* row = find_provider(provider);
  if (row == nullptr) bug("a dead-man's timer for a provider without a key");
  EndAnswer answer;
  for (const auto& way : row->ways) {
    answer = ask(way, pod);
    if (answer.accepted) break;
  }
  Json words = answer.words;
  Mask({pod.key}).apply(words);
  return {answer.accepted, words.get<std::string>()};
}

}  // namespace workflow::tasks
