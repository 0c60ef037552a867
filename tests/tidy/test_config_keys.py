"""Every setting has a reader: a member of net/config/settings.hpp that nothing outside net/config uses is a key without
effect."""
import os
import re

from test_tidy import ROOT

SOURCES = ("actors", "net", "tools")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return re.sub(r"//.*", "", file.read())


def members(struct_body):
    """Names declared in a struct: `type a = 0, b;`."""
    for declaration in re.findall(r"^  (?:std::)?[\w:<>:]+ ([^;()]+);", struct_body, re.M):
        for part in declaration.split(","):
            yield part.split("=")[0].strip()


def settings():
    """(section, member): ("server", "host"), …; ("", "data_dir")."""
    text = read("net/config/settings.hpp")
    structs = dict(re.findall(r"struct (\w+) \{\n(.*?)^\};", text, re.M | re.S))
    for line in structs["settings"].splitlines():
        kind, name = line.strip().rstrip(";").split(" ")
        if kind in structs:
            yield from ((name, member) for member in members(structs[kind]))
        else:
            yield "", name


def is_used(section, member, sources):
    for text in sources:
        # Directly, or through a name that the section was bound to.
        names = [section, section + '_'] if section else [r"config_?", "settings", "s"]
        names += re.findall(rf"(\w+) = [\w.()]*\b{section}\s*;", text) if section else []
        kind = {"collections": "collection_default_settings", "hub": "hub_settings"}.get(section)
        names += [name + "_?" for name in re.findall(rf"{kind}& (\w+)", text)] if kind else []
        if any(re.search(rf"\b{name}\.{member}\b", text) for name in names):
            return True
    return False


def test_every_setting_is_used():
    sources = [read(os.path.join(folder, name))
               for top in SOURCES for folder, _, names in os.walk(os.path.join(ROOT, top)) for name in names
               if name.endswith((".cpp", ".hpp")) and "net/config" not in folder]
    all_of_them = list(settings())
    assert len(all_of_them) > 30, "the reader of settings.hpp has lost its way"
    unused = [f"{section}.{member}" for section, member in all_of_them if not is_used(section, member, sources)]
    assert not unused, f"keys without effect: {unused}. Use them, or mark them `stored` or `refused` in key_table.cpp"


def test_every_key_in_effect_is_read():
    """A key that is neither `stored` nor `refused` is named by code outside the table."""
    table = read("net/config/key_table.cpp")
    rows = table.split("key_spec{")[1:]
    keys = [re.match(r'\.path = "([\w.]+)"', row)[1] for row in rows if ".effect" not in row]
    assert len(keys) > 30
    readers = read("net/config/config.cpp") + read("net/config/rules.cpp") + read("tools/waggled/providers.cpp")
    unread = [key for key in keys if f'"{key}"' not in readers]
    assert not unread, f"keys that nothing reads: {unread}"
