"""Compares a JSON answer with what a case file expects. The matchers are listed in README.md."""
import math
import re

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"
_matcher = re.compile(r"<(.+?)>(?: -> (\w+))?", re.S)


def is_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def is_integer(v):
    return isinstance(v, int) and not isinstance(v, bool)


def is_uuid(v, version=None):
    found = isinstance(v, str) and re.fullmatch(UUID, v)
    return bool(found) and version in (None, found.group(1))


SIMPLE = {
    "any": lambda v: True,
    "number": lambda v: is_number(v) and math.isfinite(v),
    "integer": is_integer,
    "count": lambda v: is_integer(v) and v >= 0,
    "positive": lambda v: is_number(v) and v > 0,
    "not negative": lambda v: is_number(v) and v >= 0,
    "string": lambda v: isinstance(v, str),
    "text": lambda v: isinstance(v, str) and v != "",
    "bool": lambda v: isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "uuid": is_uuid,
    "uuid4": lambda v: is_uuid(v, "4"),
    "uuid7": lambda v: is_uuid(v, "7"),
    "time": lambda v: isinstance(v, str) and re.fullmatch(TIME, v) is not None,
}


def matches_word(word, value):
    if word in SIMPLE:
        return SIMPLE[word](value)
    if word.startswith("~"):
        return is_number(value) and math.isclose(value, float(word[1:]), rel_tol=2e-6, abs_tol=1e-6)
    if word.startswith("floats "):
        return isinstance(value, list) and len(value) == int(word[7:]) and all(map(SIMPLE["number"], value))
    if word.startswith("re:"):
        return isinstance(value, str) and re.fullmatch(word[3:], value, re.S) is not None
    if word.startswith("one of "):
        return value in word[7:].split("|")
    raise ValueError(f"unknown matcher <{word}>")


def compare(expected, value, captured, where="body"):
    """Differences, as sentences; captures go into `captured`."""
    if isinstance(expected, str) and (found := _matcher.fullmatch(expected)):
        if not matches_word(found.group(1), value):
            return [f"{where} is {short(value)}, not {expected}"]
        if found.group(2):
            captured[found.group(2)] = value
        return []
    if isinstance(expected, dict):
        return compare_object(expected, value, captured, where)
    if isinstance(expected, list):
        return compare_array(expected, value, captured, where)
    same_kind = isinstance(expected, bool) == isinstance(value, bool)
    return [] if same_kind and expected == value else [f"{where} is {short(value)}, not {short(expected)}"]


def compare_object(expected, value, captured, where):
    if not isinstance(value, dict):
        return [f"{where} is {short(value)}, not an object"]
    wrong = []
    for key, item in expected.items():
        if key == "<only>":
            extra = value.keys() - expected.keys()
            wrong += [f"{where} has unexpected members {sorted(extra)}"] if extra else []
        elif item == "<absent>":
            wrong += [f"{where}.{key} must not be there: {short(value[key])}"] if key in value else []
        elif key not in value:
            wrong.append(f"{where}.{key} is missing")
        else:
            wrong += compare(item, value[key], captured, f"{where}.{key}")
    return wrong


def compare_array(expected, value, captured, where):
    if not isinstance(value, list):
        return [f"{where} is {short(value)}, not an array"]
    if expected[:1] == ["<each>"]:
        return sum((compare(expected[1], item, captured, f"{where}[{i}]") for i, item in enumerate(value)), [])
    if expected[:1] == ["<unordered>"]:
        left = list(value)
        for item in expected[1:]:
            found = next((v for v in left if not compare(item, v, {}, where)), left)
            if found is left:
                return [f"{where}: no element is {short(item)}: {short(value)}"]
            compare(item, found, captured, where)
            left.remove(found)
        return [f"{where} has more elements: {short(left)}"] if left else []
    if expected[-1:] == ["<...>"]:
        expected = expected[:-1]
        value = value[:len(expected)]
    if len(expected) != len(value):
        return [f"{where} has {len(value)} elements, not {len(expected)}: {short(value)}"]
    return sum((compare(e, v, captured, f"{where}[{i}]") for i, (e, v) in enumerate(zip(expected, value))), [])


def short(value):
    text = repr(value)
    return text if len(text) <= 400 else text[:400] + "…"
