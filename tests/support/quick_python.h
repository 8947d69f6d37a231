#pragma once

#include <string>

#include "tests/support/scratch.h"

namespace workflow::test {

/// A python that makes a virtual environment in no time, for tests that never look inside.
class QuickPython {
 public:
  QuickPython() {
    real_files().write(dir_ / "python3",
                       "#!/bin/sh -e\n"
                       "case \"$*\" in\n"
                       "*'-m venv'*) for d; do :; done; mkdir -p \"$d/bin\"; "
                       "cp \"$0\" \"$d/bin/python\" ;;\n"
                       "*--version*) echo Python 3.11.2 ;;\n"
                       "esac\n",
                       {.mode = 0755, .durable = false});
  }
  /// A line of workflow.env.
  [[nodiscard]] std::string setting() const {
    return "REMOTE_PYTHON_BIN=" + (dir_ / "python3").string() + "\n";
  }

 private:
  Scratch dir_;
};

}  // namespace workflow::test
