#include "apps/workflow/hand.h"

namespace workflow::app {

const Family& hand_family() {
  static const Family family{
      "by hand",
      {{"exec",
        "run a command on the target; it ends with the connection",
        {},
        {{"--cmd", "TEXT", "what bash runs"},
         {"--workdir", "DIR", "where it runs; by itself in the working copy, if there is one"},
         {"--env", "K=V", "a variable for it", {}, true},
         {"--exit-code", "WHOSE", "remote: the command's own code, or 128+signal"}},
        exec,
        Dry::says,
        true,
        "workflow exec -- nvidia-smi"},
       {"cp",
        "copy files and directories to the target or from it",
        {{"path", "the sources and, last, where to; ':PATH' is on the target", true, true}},
        {},
        copy,
        Dry::says,
        false,
        "workflow cp data.tar config/ :data"},
       {"ssh", "a shell on the target", {}, {}, ssh, Dry::says, true, "workflow ssh"},
       {"forward",
        "the target's TCP ports on this machine, until Ctrl-C",
        {{"port", "PORT, LOCAL:PORT or LOCAL:HOST:PORT", true, true}},
        {},
        forward,
        Dry::says,
        false,
        "workflow forward 6006"}}};
  return family;
}

}  // namespace workflow::app
