#include "remote/link/shell_lines.h"

#include <utility>
#include <vector>

#include "common/text.h"
#include "remote/protocol/message.h"
#include "remote/transport/login_shell.h"

namespace workflow::link {
namespace {

// The scripts reach a POSIX shell through a login shell that may be csh or fish: one line, without
// single quotes, `!` and backslashes. An odd shell may repeat them in a complaint, so the words
// that we listen for stand in them with a quote inside. Every value that is put in is ours.

/// The places an agent may lie, best first; a loop over $d that is left open.
constexpr const char* each_place = R"~(
for b in "$HOME" /var/tmp; do
case "$b" in /var/tmp) d="$b/workflow-$(id -u)";; *) d="$b/.cache/workflow";; esac;
)~";

/// Becomes the agent of the machine, or goes on behind it where there is none.
constexpr const char* agent_script = R"~(
m=$(uname -m); case "$m" in @CASES@ *) h=none;; esac;
@EACH_PLACE@ a="$d/agent-$h";
[ -O "$d" ] && [ -O "$a" ] && [ -x "$a" ] && exec "$a" @WORDS@;
done;
)~";

/// A place is good when it is ours alone, has room for the whole, and lets programs run; then the
/// bytes are read, which can be done only once. A cut connection looks like their end, so they are
/// counted. The agent gets its name when it has said hello. Agents of a month ago make room: what
/// still runs keeps its file, and who calls one again brings it again. What is left of a cut upload
/// goes before a word is said, which may end us: nobody listens any more.
constexpr const char* upload_script = R"~(
set -f; umask 077;
ready() {
[ -d "$b" ] || { echo no such directory; return 1; };
mkdir -p "$d" || return 1;
[ -L "$d" ] && { echo a symbolic link; return 1; };
[ -O "$d" ] || { echo belongs to somebody else; return 1; };
chmod 700 "$d" && true >"$t" && chmod 700 "$t" || return 1;
"$t" || { echo no program may run there; return 1; };
command -v head >/dev/null || return 0;
head -c @SIZE@ /dev/zero >"$t";
};
received() {
cat >"$t" || return 1;
[ "$(wc -c <"$t")" -eq @SIZE@ ] || { echo cut short; return 1; };
if command -v sha256sum >/dev/null; then s=$(sha256sum <"$t");
[ "${s%% *}" = @SHA@ ] || { echo damaged on the way; return 1; }; fi;
s=$("$t" call @NONCE@ </dev/null 2>&1);
case "$s" in *"@HELLO@"*) ;; *) echo does not run: $s; return 1;; esac;
mv -f "$t" "$d/agent-@SHA@" || return 1;
find "$d" -type f -name "agent-*" -mtime +30 -exec rm -f {} +;
find "$d" -type f -name ".agent-*" -mtime +1 -exec rm -f {} +; true;
};
@EACH_PLACE@ t="$d/.agent-@NONCE@"; s=0;
r=$(ready 2>&1) || { rm -f "$t"; echo "@REFUSED@$d:" $r; continue; };
r=$(received 2>&1) || s=1; rm -f "$t";
[ $s -eq 0 ] && echo "@UPLOADED@" || echo "@REFUSED@$d:" $r;
exit $s;
done
)~";

using Values = std::vector<std::pair<std::string, std::string>>;

std::string one_line(std::string script, Values values) {
  values.insert(values.begin(), {"@EACH_PLACE@", each_place});
  values.emplace_back("\n", " ");
  for (const auto& [name, value] : values) {
    for (std::size_t at = 0; (at = script.find(name, at)) != std::string::npos;) {
      script.replace(at, name.size(), value);
    }
  }
  return std::string(trim(script));
}

std::string agent_command(const AgentImages& images, const std::string& words) {
  std::string cases;
  for (const auto& image : images) {
    cases += join(names_of(image), "|") + ") h=" + std::string(image.sha256) + ";; ";
  }
  return one_line(agent_script, {{"@CASES@", cases}, {"@WORDS@", words}});
}

}  // namespace

std::string word(const char* what, const std::string& nonce) {
  return std::string("workflow-") + what + " " + nonce + " ";
}

std::string unspoken(std::string words) { return words.insert(1, "\"\""); }

std::string call_command(const AgentImages& images, const std::string& nonce) {
  return agent_command(images, "call " + nonce) + " echo \"" +
         unspoken(protocol::absent_prefix(nonce)) + "$m\"";
}

std::string become_command(const AgentImages& images, const std::string& dir,
                           const std::vector<std::string>& words) {
  std::string encoded = base64(dir);
  for (const auto& word : words) encoded += "," + base64(word);
  return transport::for_any_shell(agent_command(images, "become " + encoded) +
                                  " echo the agent has gone; exit 127");
}

std::string upload_command(const AgentImage& agent, const std::string& nonce) {
  return one_line(upload_script, {{"@SIZE@", std::to_string(agent.bytes.size())},
                                  {"@SHA@", std::string(agent.sha256)},
                                  {"@HELLO@", protocol::hello_prefix(nonce)},
                                  {"@REFUSED@", unspoken(word("refused", nonce))},
                                  {"@UPLOADED@", unspoken(word("uploaded", nonce))},
                                  {"@NONCE@", nonce}});
}

}  // namespace workflow::link
