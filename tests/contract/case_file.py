"""Reads the case files (*.http). Their form is described in README.md."""
import re
from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    line: int
    method: str
    path: str
    headers: list = field(default_factory=list)
    directives: list = field(default_factory=list)
    body: str = ""
    status: int = 0
    code: str = ""
    checks: list = field(default_factory=list)            # (word, argument)
    expected_headers: list = field(default_factory=list)
    expected: str = ""


def read_case_file(path):
    """(settings of the node, cases)"""
    settings, cases, block, at, name = {}, [], [], 0, None

    def finish():
        if name is not None:
            cases.append(parse_case(path, name, at, block))

    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("=== "):
            finish()
            name, at, block = line[4:].strip(), number, []
        elif name is None:
            if line.startswith("@node "):
                key, _, value = line[6:].partition("=")
                settings[key.strip()] = value.strip()
            elif line.strip() and not line.startswith("#"):
                raise ValueError(f"{path.name}:{number}: {line!r} before the first case")
        else:
            block.append(line)
    finish()
    return settings, cases


def parse_case(path, name, at, lines):
    lines = [line for line in lines if not line.startswith("# ")]
    split = next((i for i, line in enumerate(lines) if line.startswith(">>> ")), None)
    if split is None:
        raise ValueError(f"{path.name}:{at}: case {name!r} expects nothing")
    asked, answered = lines[:split], lines[split:]
    while asked and not asked[0].strip():
        asked.pop(0)
    method, target = asked[0].split(" ", 1)
    case = Case(name, at, method, target.strip())
    head, body = before_blank(asked[1:])
    for line in head:
        if line.startswith("@"):
            case.directives.append(line[1:].strip())
        else:
            key, _, value = line.partition(":")
            case.headers.append((key.strip(), value.strip()))
    case.body = "\n".join(body).strip("\n")
    status = answered[0][4:].split()
    case.status, case.code = int(status[0]), status[1] if len(status) > 1 else ""
    head, body = before_blank(answered[1:])
    for line in head:
        if line.startswith("!"):
            word, _, argument = line[1:].partition(" ")
            case.checks.append((word, argument))
        elif line.strip().startswith(("{", "[")):
            raise ValueError(f"{path.name}:{at}: an empty line is missing before the expected body")
        else:
            key, _, value = line.partition(":")
            case.expected_headers.append((key.strip(), value.strip()))
    case.expected = "\n".join(body).strip()
    return case


def before_blank(lines):
    for i, line in enumerate(lines):
        if not line.strip():
            return lines[:i], lines[i + 1:]
    return lines, []


_call = re.compile(r"\{\{(\w+)((?: .*?)?)\}\}")


def fill_in(text, variables):
    """{{name}} is a captured value; {{repeat x 3}}, {{nest 3}}, {{floats 3 0.5}} write long things shortly."""

    def value(found):
        name, words = found.group(1), found.group(2).split()
        if name == "repeat":
            return words[0].replace("\\s", " ") * int(words[1])
        if name == "nest":
            return "[" * int(words[0]) + "".join(words[1:]) + "]" * int(words[0])
        if name == "floats":
            return ",".join([words[1]] * int(words[0]))
        if name == "items":
            return ",".join(" ".join(words[1:]).replace("%", str(i)) for i in range(int(words[0])))
        if name not in variables:
            raise KeyError(f"nothing captured as {name!r}")
        return str(variables[name])

    return _call.sub(value, text)
