#include "tasks/steps/torch.h"

#include <cstdio>
#include <cstdlib>

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr std::string_view mark = "workflow-torch ";

// A python's own words about torch as one line of JSON; whatever torch prints comes before it.
constexpr const char* question = R"(
import json, sys
out = {}
try:
    import importlib.util
    spec = importlib.util.find_spec('torch')
    if spec is not None:
        out['file'] = spec.origin or str(list(spec.submodule_search_locations or [''])[0])
        try:
            from importlib.metadata import version
            out['distribution'] = version('torch')
        except Exception:
            pass
        if sys.argv[1] == 'import':
            import torch
            out['version'] = str(torch.__version__)
            out['cuda'] = bool(torch.cuda.is_available())
            out['gpus'] = int(torch.cuda.device_count())
except BaseException as fault:
    out['fault'] = type(fault).__name__ + ': ' + str(fault)
print('\nworkflow-torch ' + json.dumps(out), flush=True)
)";

/// Bytes of a path as a URL has them: pip splits its variables at spaces.
std::string file_url(const fs::path& path) {
  std::string url = "file://";
  for (const char c : path.string()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') ||
                       std::string("/._-~").find(c) != std::string::npos;
    char escaped[4] = {c, '\0'};
    if (!plain) std::snprintf(escaped, sizeof escaped, "%%%02X", byte);
    url += escaped;
  }
  return url;
}

bool lies_in(const fs::path& path, const fs::path& dir) {
  return path.string().rfind(dir.string() + "/", 0) == 0;
}

constexpr const char* needs_image =
    "use an image with torch and CUDA, set REMOTE_PYTHON_BIN to the python that has it, or "
    "REQUIRE_GPU_TORCH=0";

/// What keeps a torch from being used on a GPU; empty for nothing.
std::string fault_of(const Torch& torch) {
  if (!torch.there()) return torch.fault.empty() ? "there is no torch" : torch.fault;
  if (!torch.fault.empty()) return "torch " + torch.shown() + " cannot be imported: " + torch.fault;
  if (!torch.cuda) return "torch " + torch.shown() + " sees no CUDA";
  return {};
}

}  // namespace

std::string Torch::shown() const {
  if (!version.empty()) return version;
  return distribution.empty() ? "of unknown version" : distribution;
}

Torch ask_torch(const Step& step, const std::string& python, Import import) {
  const Captured answer = step.probe(
      {python, "-c", question, import == Import::yes ? "import" : "find"}, step.task_dir());
  Torch torch;
  const auto at = answer.out.rfind(mark);
  if (at == std::string::npos) {
    if (answer.timed_out) torch.fault = "no answer for two minutes";
    if (answer.status.signal) torch.fault = "python ended by " + signal_name(*answer.status.signal);
    return torch;
  }
  const std::string line = answer.out.substr(at + mark.size());
  const Json json = parse_json(line.substr(0, line.find('\n')), "what python said of torch");
  torch.version = text_at(json, "version");
  torch.distribution = text_at(json, "distribution");
  torch.file = text_at(json, "file");
  torch.cuda = flag_at(json, "cuda");
  torch.gpus = number_at(json, "gpus");
  torch.fault = text_at(json, "fault");
  return torch;
}

Torch image_torch(const Step& step) {
  const std::string python = step.site().text("REMOTE_PYTHON_BIN");
  const bool required = step.site().flag("REQUIRE_GPU_TORCH");
  Torch torch = ask_torch(step, python, required ? Import::yes : Import::no);
  if (torch.there()) step.say("the image's torch: " + torch.shown() + " in " + torch.file.string());
  const std::string fault = fault_of(torch);
  if (!required || fault.empty()) return torch;
  throw Error(Code::precondition, python + " has no torch that works on a GPU: " + fault,
              needs_image);
}

void check_torch(const Step& step, const fs::path& venv, const Torch& image) {
  const bool required = step.site().flag("REQUIRE_GPU_TORCH");
  const Torch now =
      ask_torch(step, (venv / "bin/python").string(), required ? Import::yes : Import::no);
  if (now.there()) {
    step.say("torch " + now.shown() + " in " + now.file.string() +
             (required ? ", " + std::to_string(now.gpus) + " GPUs" : ""));
  }
  const bool shadowed = image.there() && lies_in(now.file, venv) && !lies_in(image.file, venv);
  const std::string replaced = "the install put torch " + now.shown() + " into '" + venv.string() +
                               "', in front of the image's torch " + image.shown();
  const std::string undo =
      "leave torch out of what CHECKOUT_INSTALL_CMD installs, and set VENV_RECREATE=1 once; or, to "
      "keep the new one, REQUIRE_GPU_TORCH=0";
  if (shadowed && required) throw Error(Code::precondition, replaced, undo);
  if (shadowed) return step.warn(replaced);
  if (const std::string fault = fault_of(now); required && !fault.empty()) {
    throw Error(Code::precondition,
                "torch with a GPU does not work in the virtual environment: " + fault,
                image.there() && !now.there()
                    ? "the image has one, which this environment does not see: set VENV_RECREATE=1 "
                      "once"
                    : needs_image);
  }
}

std::string pip_constraint(const Step& step, const Torch& image) {
  if (image.distribution.empty()) return {};
  const fs::path file = step.task_dir() / "constraints.txt";
  step.site().files().write(file, "torch==" + image.distribution + "\n");
  const char* own = std::getenv("PIP_CONSTRAINT");
  return "PIP_CONSTRAINT=" + (own == nullptr || *own == '\0' ? "" : std::string(own) + " ") +
         file_url(file);
}

}  // namespace workflow::tasks
