#!/usr/bin/env python3
"""Makes docs/errors.md: every failure that the sources can say, as it was provoked by a test.

    document.py SOURCE_DIR BUILD_DIR     compares; with WORKFLOW_UPDATE_GOLDEN=1 writes

Fails where a message was provoked by no test and is not in tests/errors/unprovoked.txt.
"""
import json
import os
import re
import sys
from collections import defaultdict
from pathlib import Path

from sites import all_sites

CODES = {"work_failed": 1, "usage": 2, "illegal_state": 3, "unreachable": 4, "busy": 5,
         "not_found": 6, "precondition": 7, "exists": 8, "refused": 9, "provider": 10, "wait_timeout": 124,
         "detached": 130, "": 0}
HEAD = """# Errors

Every message that a command can end with, with what to do about it. Words in capitals stand for
names and values, `[this|that]` for one of both. Made from the sources and from the tests that
provoke each of them; `WORKFLOW_UPDATE_GOLDEN=1 ctest --test-dir build -R errors_doc` writes it anew
after all tests have run. A message of exit code 2 that begins with `FILE:LINE:COLUMN` is one of
several that are told at once. Exit code 70 is a bug in workflow and not listed.
"""


def pattern(template):
    """A template as a regular expression that matches what was said, also behind a context."""
    # A line or column that is none is left out.
    text = template.removeprefix("{FILE}:{LINE}:{COLUMN}: ")
    text = re.sub(r"\[[^\]|]*\|[^\]]*\]", "{ONE_OF}", text)
    return re.compile("(?:.*: )?" + ".*".join(map(re.escape, re.split(r"\{[^}]*\}", text))), re.S)


def weight(template):
    return len(re.sub(r"\{[^}]*\}|\[[^\]|]*\|[^\]]*\]", "", template).strip(": '"))


def provoked(build):
    """(exit code or None, command, text) of each message, with all its lines and by line."""
    said = set()
    for file in sorted(Path(build, "provoked").glob("*.jsonl")):
        for line in file.read_text().splitlines():
            told = json.loads(line)
            words = re.sub("\033\\[[0-9;]*[A-Za-z]", "", told["words"])  # as a terminal got it
            named = (w for w in told.get("command", [])[1:] if re.fullmatch(r"[a-z]+(-[a-z]+)*", w))
            command = next(named, "")
            if "command" in told:
                blocks = re.findall(r"^workflow: ((?:(?!^  |^workflow: ).*\n?)*)", words, re.M)
            else:
                blocks = [words]
            for block in blocks:
                for text in [block.strip("\n")] + block.splitlines():
                    said.add((told["code"], command, text))
    return said


def find_provocations(sites, said):
    """Which commands said each site's message."""
    commands = defaultdict(set)
    for code, command, text in said:
        commands[text].add((code, command))
    found = defaultdict(set)
    for site in sites:
        expression, wanted = pattern(site.message), CODES[site.code]
        for text in filter(expression.fullmatch, commands):
            found[site.where].update(command for code, command in commands[text]
                                     if code is None or wanted in (0, code) or code > 124)
    return {where: by for where, by in found.items() if by}


def shown(text):
    text = re.sub(r"\{([^}]*)\}", r"\1", text).replace("\n", "; ").replace("|", "\\|")
    return text


def document(sites, found, old):
    rows = defaultdict(dict)
    for site in sites:
        row = rows[CODES[site.code]].setdefault(site.message, [set(), set()])
        row[0].update([shown(site.hint)] if site.hint else [])
        row[1].update(found.get(site.where, ()))
    text = HEAD
    for code in sorted(rows):
        name = next(word for word, number in CODES.items() if number == code)
        text += f"\n## {code} {name}\n\n| message | what to do | said by |\n|---|---|---|\n"
        for message in sorted(rows[code], key=lambda m: re.sub(r"\W", "", m).lower()):
            hints, commands = rows[code][message]
            line = f"| `{shown(message)}` | {' / '.join(sorted(hints))} | "
            before = re.search(re.escape(line) + r"`?([\w-]*)", old)
            said_by = before[1] if before and before[1] in commands else min(commands, default="")
            text += line + (f"`{said_by}`" if said_by else "") + " |\n"
    return text


def read_reasons(file):
    """`PATH: part of the message: reason`, one a line."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(" :: ")) for line in lines]


def main(source, build):
    sites = [site for site in all_sites(source) if site.code != "bug" and weight(site.message) >= 4]
    found = find_provocations(sites, provoked(build))
    reasons = read_reasons(Path(source, "tests/errors/unprovoked.txt"))
    used, excused, faults = set(), set(), []
    for site in sites:
        fitting = (r for r in reasons if site.where.startswith(r[0] + ":") and r[1] in site.message)
        excuse = next(fitting, None)
        used.add(excuse)
        if excuse:
            excused.add(site.where)
        if site.where not in found and not excuse:
            faults.append(f"{site.where}: no test provoked \"{shown(site.message)}\"")
    faults += [f"unprovoked.txt: no such message any more: {r[0]} :: {r[1]}"
               for r in reasons if r not in used]
    if faults:
        print("\n".join(faults), "\nRun all tests first (ctest). Then provoke what is missing in a"
              " test, or list it in tests/errors/unprovoked.txt with a reason: FILE :: PART OF IT :: REASON")
    target = Path(source, "docs/errors.md")
    old = target.read_text() if target.exists() else ""
    # What only a race brings about is said by nobody, whether this time it came or not.
    told = {where: by for where, by in found.items() if where not in excused}
    new = document([s for s in sites if s.code], told, old)
    if new != old and os.environ.get("WORKFLOW_UPDATE_GOLDEN"):
        target.write_text(new)
    elif new != old:
        changed = sorted(set(old.splitlines()) ^ set(new.splitlines()))
        faults += ["docs/errors.md is out of date"]
        print("docs/errors.md is out of date in:\n  " + "\n  ".join(changed[:20]) +
              "\nwrite it: WORKFLOW_UPDATE_GOLDEN=1 ctest --test-dir build -R errors_doc")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
