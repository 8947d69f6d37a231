"""Reads every place of the sources that can fail: its exit code, message and remedy as templates."""
import re
from dataclasses import dataclass
from pathlib import Path

ROOMS = ("common", "fsm", "tasks", "sweep", "remote", "client", "apps")
SITE = re.compile(r"\b(Error(?: error)?[({]|return \{)(?=\s*(?:Code::|error\.code|fault\.code))"
                  r"|\b(throw_errno|fault)\(|\b(outcome\.message) = ")
# Expressions that a reader would not understand by their name.
SPELLED = {
    "fsm::refusal_text(refusal)": "'{COMMAND}' is not legal in {STATE}; it is in {STATES}",
    "fsm::refusal_hint(refusal)": "{path: the commands that lead there}",
    "endpoint.where()": "{HOST}", "endpoint_.where()": "{HOST}", "transport.target()": "{HOST}",
    "errno_text(error)": "{WHY}", "remedy(error, path)": "{what to do about the disk}",
    "remedy(error.value(), path)": "{what to do about the disk}", "fault.message()": "{WHY}", "error.message()": "{WHY}",
    "session_->last_error()": "{WHY}", "fault.what()": "{WHY}", "deciding_line(log)": "{WHY}",
}
for owner in ("child.failure", "started.failure"):
    SPELLED[owner + "->words()"] = "cannot {STEP}: {WHY}"
PLAIN = {"std", "string", "string_view", "to_string", "join", "trim", "text_at", "fsm", "name", "data",
         "number_at", "member", "json", "front", "filename", "human_duration", "shown", "substr", "lower",
         "quoted", "size", "utc_text", "with", "shell_quote", "in_one_line", "reply", "text", "args",
         "what", "value_or", "back", "c_str", "bytes", "parts", "begin", "first"}


@dataclass
class Site:
    where: str     # file:line
    code: str      # the word of Code::, or "" where it is another's
    message: str   # with {HOLES}
    hint: str


def split_args(text, at):
    """The arguments of the bracket that opens at `at`, and where it closes."""
    depth, args, start, quote, i = 0, [], at + 1, "", at
    while True:
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif c == quote:
                quote = ""
        elif c == '"' or (c == "'" and not text[i - 1].isdigit()):
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        if not quote and (depth == 0 or (depth == 1 and c == ",")):
            args.append(text[start:i].strip())
            start = i + 1
            if depth == 0:
                return args, i
        i += 1


def cut(expression, mark):
    """Splits at a mark that stands outside brackets and quotes."""
    marked = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', lambda m: "\0" * len(m[0]), expression)
    parts, depth, start = [], 0, 0
    for i, c in enumerate(marked):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and marked.startswith(mark, i):
            parts.append(expression[start:i].strip())
            start = i + len(mark)
    return parts + [expression[start:].strip()]


def hole(expression):
    literal = re.search(r'"([\w.-]+)"', expression)
    if literal and "/" in expression:
        return "{DIR}/" + literal[1]
    if literal and re.search(r"text_at|number_at|text\(", expression):
        return "{" + literal[1].upper() + "}"
    words = [w for w in re.findall(r"[A-Za-z_]\w*", expression) if w not in PLAIN]
    return "{" + (words[-1].strip("_").upper() if words else "TEXT") + "}"


def template(expression, above=""):
    """A C++ expression of text as a template; `above` is the source before it, for its variables."""
    expression = " ".join(expression.split())
    if expression in SPELLED:
        return SPELLED[expression]
    question = cut(expression, " ? ")
    if len(question) > 1:
        yes, *no = cut(" ? ".join(question[1:]), " : ")
        return "[" + template(yes, above) + "|" + template(" : ".join(no), above) + "]"
    parts = cut(expression, " + ")
    if len(parts) > 1:
        return "".join(template(part, above) for part in parts)
    whole = re.fullmatch(r"(?:std::string)?\((.*)\)", expression)
    if whole and len(cut(expression, " ")) == 1:
        return template(whole[1], above)
    literals = r'(?:"(?:\\.|[^"\\])*"\s*)+'
    if re.fullmatch(literals, expression):
        text = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', expression))
        return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), text)
    if re.fullmatch(r'R"\((.*)\)"', expression):
        return expression[3:-2]
    if re.fullmatch(r"quoted\(.*\)", expression):
        return "'" + hole(expression) + "'"
    if re.fullmatch(r"\w+_?", expression):
        found = re.findall(r"std::string " + expression + r" =((?:[^;\"]|\"(?:\\.|[^\"\\])*\")*);", above)
        if found:
            return template(found[-1], above.rpartition("std::string " + expression)[0])
    return hole(expression)


def sites_of(path, text):
    for match in SITE.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if "//" in text[line_start:match.start()]:
            continue
        what = match[2] or match[3] or "Error"
        above = text[max(0, match.start() - 2500):match.start()]
        code, hint = "usage", ""
        if what == "outcome.message":
            message = text[match.end():].split(";\n")[0]
            codes = re.findall(r"outcome\.code = (.*?);", above, re.S)
            named = re.findall(r"Code::(\w+)", codes[-1]) if codes else ["work_failed"]
            code = named[-1] if named else ""
            after = text[match.end():match.end() + 400].split("outcome.hint = ")
            hint = after[1].split(";\n")[0] if len(after) > 1 and after[0].count(";") == 1 else ""
        else:
            args, _ = split_args(text, match.end() - 1)
            if what == "fault":
                if len(args) < 2 or re.search(r"\b(std::string|const) ?&? ?\w+$", args[-1]):
                    continue
                message = args[-1]
            elif what == "throw_errno":
                if args[0].startswith("std::string_view"):
                    continue
                codes = re.findall(r"Code::(\w+)", "".join(args[1:])) or ["precondition"]
                code = codes[0] if len(codes) == 1 else ""
                message = args[0] + ' + ": " + errno_text(error)'
            else:
                code = args[0][6:] if args[0].startswith("Code::") else ""
                message, hint = args[1], args[2] if len(args) > 2 else ""
        line = text.count("\n", 0, match.start()) + 1
        told = template(message, above)
        if what == "fault":
            told = "{FILE}:{LINE}:{COLUMN}: " + told
        yield Site(f"{path}:{line}", code, told, template(hint, above) if hint not in ("", "{}") else "")


def all_sites(root):
    for room in ROOMS:
        for path in sorted(Path(root, room).rglob("*.cpp")):
            yield from sites_of(path.relative_to(root), path.read_text())
