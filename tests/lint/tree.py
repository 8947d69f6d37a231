"""What the lints share: which files there are, and C++ text without comments and literals."""
import os
import re
import subprocess
import sys

CXX = (".h", ".hpp", ".cpp", ".cc")


def root_from_arguments():
    """The tree to check: the first argument, or the one this file stands in."""
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    return os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else here)


def files(root):
    """Paths relative to root of all that git knows or would add; without git, of all there is."""
    if os.path.exists(os.path.join(root, ".git")):
        done = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            return sorted(p for p in set(done.stdout.splitlines())
                          if os.path.isfile(os.path.join(root, p)))
    found = []
    for folder, below, names in os.walk(root):
        below[:] = [d for d in below if not d.startswith((".", "build")) and d != "demo"]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


NOT_CODE = re.compile(r"""
    //[^\n]* | /\*.*?\*/                                       # comments
  | R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"               # raw strings
  | "(?:[^"\\\n]|\\.)*"                                        # strings
  | (?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'                        # characters, not 1'000
""", re.VERBOSE | re.DOTALL)


def code_only(text):
    """The text with comments and literals blanked; lines keep their numbers."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def finish(faults):
    """Prints the faults, one a line, and ends the lint."""
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)
