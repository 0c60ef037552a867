"""The rules of the house that a machine can check (style rule 22). Each failure prints its remedy."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Who may include whom: leaves first. A folder may include itself and what stands in its row.
DIRECTIONS = {
    "base": [],
    "storage/kv": ["base"],
    "storage/log": ["base", "storage"],
    "storage/payload": ["base", "storage"],
    "storage/text": ["base", "storage"],
    "storage/index": ["base", "storage"],
    "storage/segment": ["base", "storage", "storage/index", "storage/text", "storage/payload"],
    "storage/shard": ["base", "storage", "storage/segment", "storage/index", "storage/text", "storage/payload"],
    "storage/apply": ["base", "storage", "storage/kv", "storage/log", "storage/payload"],
    "cluster/raft": ["base", "storage/kv"],
    "actors": ["base", "actors/*"],  # pch.hpp
    "actors/runtime": ["base"],
    "actors/protocol": ["base", "storage", "storage/*", "actors/runtime"],
    "actors/data": ["base", "storage", "storage/*", "actors/runtime", "actors/protocol"],
    "actors/tenancy": ["base", "storage", "storage/*", "actors/runtime", "actors/protocol", "actors/data"],
    "actors/replication": ["base", "storage", "storage/*", "cluster/raft", "actors/runtime", "actors/protocol"],
    "net/auth": ["base"],
    "net/config": ["base", "net/auth"],
    "net/metrics": ["base"],
    "net/http": ["base", "net/auth", "net/metrics"],
    "net/audit": ["base", "actors/runtime", "net/metrics"],
    "net/bridge": ["base", "storage", "storage/*", "actors/*", "net/auth", "net/http", "net/config"],
    "net/hub": ["base", "actors/runtime", "net/auth", "net/config", "net/http", "net/metrics"],
    "net/usage": ["base", "storage", "storage/*", "actors/*", "net/auth", "net/bridge", "net/config", "net/hub", "net/http", "net/metrics"],
    "net/tenants": ["base", "storage", "storage/*", "actors/*", "net/auth", "net/bridge", "net/hub", "net/usage"],
    "net/identity": ["base", "storage/*", "actors/*", "net/auth", "net/bridge", "net/config", "net/http", "net/hub", "net/metrics"],
    "net/rest": ["base", "storage", "storage/*", "actors/*", "net/audit", "net/auth", "net/bridge", "net/http", "net/config", "net/identity", "net/metrics", "net/tenants", "net/usage"],
    # It recounts in a stopped node's store, and asks HiveHub as the node does.
    "tools/wagglectl": ["base", "net/audit", "net/config", "net/hub", "storage/apply"],
    "tools/mock-hub": ["base"],  # a double has only the base in common with what it tests
    "tools/waggled": ["base", "storage/*", "actors/*", "net/*", "tools/wagglectl"],
}

# One door per library: the only files (prefixes) that may include it.
DOORS = {
    r"simdjson\.h": ["subprojects/base/base/json.hpp"],
    r"cryptopp/": ["subprojects/base/base/checksum.cpp", "subprojects/base/base/crypto.cpp"],
    r"spdlog/": ["subprojects/base/base/log.cpp"],
    r"rocksdb/": ["storage/kv/"],
    r"lz4": ["storage/log/"],
    r"argon2": ["net/identity/password.cpp"],
    r"hwy/": ["storage/index/"],
    r"faiss/": ["storage/index/"],
    r"unicode/": ["storage/text/"],
    r"libstemmer": ["storage/text/"],
    r"raft\.h": ["cluster/raft/"],
    r"caf/": ["actors/"],
    # tools/mock-hub is the other side of the wire: it has doors of its own to HTTP, TLS and YAML.
    r"boost/beast": ["net/http/", "tools/wagglectl/http_client", "tools/mock-hub/server.cpp", "tools/mock-hub/event_sender.cpp"],
    r"boost/json": ["tools/mock-hub/json_access.hpp"],  # answers that are taken apart and spoiled need a model
    r"openssl/|boost/asio/ssl": ["net/http/", "net/audit/audit_key.cpp", "tools/wagglectl/", "tools/mock-hub/server"],
    r"yaml-cpp": ["net/config/", "tools/mock-hub/seed_file.cpp"],
    r"prometheus/": ["net/metrics/"],
    r"CLI/": ["tools/wagglectl/", "tools/waggled/main.cpp", "tools/mock-hub/main.cpp"],
    r"zlib\.h": ["net/http/"],
}

# Identity is minted where a request is authenticated, nowhere else.
MINTS = {"subprojects/base/base/tenant_context.hpp", "net/identity/authenticator.cpp"}

BANNED = {
    r"\b(TODO|FIXME|XXX|HACK)\b": "finish it, or leave it out and say so in the note",
    r"caf/all\.hpp": "include the CAF headers you use: all.hpp takes 1.7 s to parse",
    r"\.request\([^)]*\)\s*\.(then|await)": "use ask_actor or gather: they can't forget the deadline or the error handler",
    r"using namespace std\b": "name what you use",
    r"/(work|farm)/|(?<![\w.])/tmp/": "no path of one machine belongs in the project",
}
BANNED_NAMES = re.compile(r"(^|_)(util|utils|helper|helpers|misc|manager)(_|\.|$)")
LINES_MAX = {".cpp": 500, ".hpp": 250, ".py": 500}


def tracked(*endings):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.split("\n")
    return [f for f in listed if f.endswith(endings) and os.path.exists(os.path.join(ROOT, f))]


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def folder_of(path):
    if path.startswith("subprojects/base/"):
        return "base"
    return os.path.dirname(path)


def includes(path):
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', text_of(path), re.M)


def area_of(folder):
    """The row of DIRECTIONS that rules a folder: its own, or its parent's."""
    while folder and folder not in DIRECTIONS:
        folder = os.path.dirname(folder)
    return folder


def allowed(area, target):
    for entry in DIRECTIONS[area] + [area]:
        if entry.endswith("/*") and target.startswith(entry[:-1]):
            return True
        if target == entry or (entry == area and target.startswith(area + "/")):
            return True
    return False


def product_sources():
    return [f for f in tracked(".cpp", ".hpp") if not f.startswith("tests/") and not f.startswith("tools/bench/")]


def complain(problems):
    assert not problems, "\n" + "\n".join(problems)


def test_include_directions():
    problems = []
    for path in product_sources():
        area = area_of(folder_of(path))
        if folder_of(path) == "storage":
            area = "storage/log" if not area else area
        if not area:
            problems.append(f"{path}: its folder has no row in DIRECTIONS; say what it may include")
            continue
        for inc in includes(path):
            target = os.path.dirname(inc)
            if target and not allowed(area, area_of(target) or target):
                problems.append(f"{path}: {area} must not include {inc}; base <- storage, cluster <- actors <- net <- tools")
    complain(problems)


def test_no_cycles_between_folders():
    edges = {}
    for path in product_sources():
        source = area_of(folder_of(path)) or folder_of(path)
        for inc in includes(path):
            target = area_of(os.path.dirname(inc)) or os.path.dirname(inc)
            if target and target != source:
                edges.setdefault(source, set()).add(target)
    done, problems = set(), []

    def visit(node, trail):
        if node in trail:
            problems.append("folders include each other: " + " -> ".join(trail[trail.index(node):] + [node]))
            return
        if node in done:
            return
        for target in sorted(edges.get(node, ())):
            visit(target, trail + [node])
        done.add(node)

    for node in sorted(edges):
        visit(node, [])
    complain(problems)


def test_one_door_per_library():
    problems = []
    for path in product_sources():
        found = re.findall(r"^\s*#\s*include\s+[<\"]([^>\"]+)[>\"]", text_of(path), re.M)
        for pattern, doors in DOORS.items():
            for inc in found:
                if re.match(pattern, inc) and not any(path.startswith(d) for d in doors):
                    problems.append(f"{path}: {inc} is included elsewhere than at its door ({', '.join(doors)})")
    complain(problems)


def test_identity_is_minted_in_few_places():
    problems = [f"{path}: names context_mint; only an authenticator mints an identity"
                for path in product_sources() if "context_mint" in text_of(path) and path not in MINTS]
    complain(problems)


def test_file_sizes():
    problems = []
    for path in tracked(*LINES_MAX):
        most = LINES_MAX[os.path.splitext(path)[1]]
        lines = text_of(path).count("\n")
        if lines > most:
            problems.append(f"{path}: {lines} lines, at most {most}: which two things live in this room?")
    complain(problems)


def test_banned_spellings():
    problems = []
    for path in tracked(".cpp", ".hpp", ".py", ".md", ".sh", ".build", ".yml") + ["waggle"]:
        if path == "tests/tidy/test_tidy.py":
            continue
        for number, line in enumerate(text_of(path).split("\n"), 1):
            for pattern, remedy in BANNED.items():
                if re.search(pattern, line):
                    problems.append(f"{path}:{number}: {line.strip()[:80]!r}: {remedy}")
    complain(problems)


def test_names():
    problems = [f"{path}: say what it is instead of util, helper, misc or manager"
                for path in tracked(".cpp", ".hpp", ".py") if BANNED_NAMES.search(os.path.basename(path))]
    complain(problems)


def test_every_folder_explains_itself():
    folders = {os.path.dirname(f) for f in product_sources()} | {"tests"}
    folders = {("subprojects/base" if f.startswith("subprojects/base") else f) for f in folders}
    folders = {area_of(f) or f for f in folders if f != "storage" and f != "base"} | {"storage", "subprojects/base"}
    problems = [f"{f}: write a README.md of one screen: what, flow, invariants"
                for f in sorted(folders) if not os.path.exists(os.path.join(ROOT, f, "README.md"))]
    complain(problems)


def test_headers_open_with_what_they_are():
    problems = []
    for path in product_sources():
        if not path.endswith(".hpp") or path.endswith("/pch.hpp"):  # compiled as a main file: no #pragma once
            continue
        lines = text_of(path).split("\n")
        if lines[0] != "#pragma once" or not lines[1].startswith("//"):
            problems.append(f"{path}: begin with #pragma once and a comment: what it is, who owns it, which thread")
    complain(problems)


def test_links_in_documents_hold():
    problems = []
    for path in tracked(".md"):
        for target in re.findall(r"\]\(([^)#:\s]+)[)#]", text_of(path)):
            if not os.path.exists(os.path.join(ROOT, os.path.dirname(path), target)):
                problems.append(f"{path}: links to {target}, which isn't there")
    complain(problems)
