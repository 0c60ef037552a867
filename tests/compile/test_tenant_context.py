"""Forgetting or forging an identity is a compile error. All snippets are one source, which costs one run of the compiler;
each must be refused, for the reason given, and the controls must not."""
import json
import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRELUDE = """#include <optional>
#include <caf/actor_system.hpp>
#include <caf/binary_serializer.hpp>
#include "actors/protocol/interfaces.hpp"
using namespace waggle;
"""
SINK = "std::vector<char> out; caf::binary_serializer sink(sys, out); "

# Who has a context may keep it, copy it and send it.
CONTROLS = {
    "copied": "tenant_id f(const tenant_context& who) { auto copy = who; copy = who; return copy.tenant(); }",
    "sent": 'open_collection f(const tenant_context& who) { return {.who = who, .name = "docs"}; }',
    "named in an interface": "struct m { tenant_context who; int n = 0; }; using fine = asks_as_tenant<m, bool>;",
    "text on a stream": "void f(caf::actor_system& sys, std::string text) { " + SINK + "(void)sink(text); }",
    # A stream skips a message that was declared with WAGGLE_MESSAGE, and a connection to another node refuses it.
    "declared, with its message, to have no codec": """
static_assert(caf::is_allowed_unsafe_message_type<open_tenant>::value);
static_assert(!caf::detail::is_inspectable<caf::binary_serializer, open_tenant>::value);
static_assert(!caf::detail::is_inspectable<caf::binary_serializer, tenant_context>::value);""",
}

PRIVATE = r"private within this context"
# what: (snippet, what the compiler says)
REFUSED = {
    "made from an id": ("auto x = tenant_context(tenant_id{});", PRIVATE),
    "made from an id in braces": ("tenant_context x{tenant_id{}};", PRIVATE),
    "converted from an id": ("void f(tenant_context); void g() { f(tenant_id{}); }", r"could not convert"),
    "cast from an id": ("auto f(const tenant_id& id) { return static_cast<tenant_context>(id); }", PRIVATE),
    "made by a derived class": (
        "struct forged : tenant_context { forged() : tenant_context(tenant_id{}) {} };", PRIVATE),
    "made by an inherited constructor": (
        "struct forged : tenant_context { using tenant_context::tenant_context; }; forged x(tenant_id{});", PRIVATE),
    "made in a container": ("std::optional<tenant_context> x(std::in_place, tenant_id{});", r"no matching function"),
    "made by another mint": (
        "struct context_mint { static auto f() { return tenant_context(tenant_id{}); } };", PRIVATE),
    "made by a second definition of the mint": ("namespace waggle { class context_mint {}; }", r"redefinition of"),
    "changed": ("void f(tenant_context& who) { who.tenant_ = tenant_id{}; }", PRIVATE),
    "changed through its accessor": (
        "void f(tenant_context& who) { who.tenant() = tenant_id{}; }", r"discards qualifiers"),

    "default-made": ("tenant_context x;", r"no matching function"),
    "default-made in braces": ("auto x = tenant_context{};", r"no matching function"),
    "default-made in an array": ("tenant_context x[3];", r"no matching function"),
    "default-made in a message": ("write_points x;", r"use of deleted function"),

    "left out of a message": ('auto x = open_collection{.name = "docs"};', r"could not convert|no matching function"),
    "left out of an empty message": ("auto x = list_collections{};", r"could not convert|no matching function"),
    "replaced by an id": ("auto x = open_tenant{tenant_id{}};", r"could not convert"),
    "left out of an interface": (
        "struct m { int n = 0; }; using bad = asks_as_tenant<m, bool>;", r"constraint failure"),
    "replaced by an id in an interface": ("struct m { tenant_id who; }; using bad = asks_as_tenant<m, bool>;",
                                          r"constraint failure"),

    "written to a stream": ("void f(caf::actor_system& sys, tenant_context who) { " + SINK + "(void)sink(who); }",
                            r"no matching function for call to .caf::serializer::apply"),
}


def compiler_of(build):
    """The command that compiles actors/tenancy, without the file and what it makes; and where it runs."""
    commands = json.loads((build / "compile_commands.json").read_text())
    entry = next(c for c in commands if "actors/tenancy/" in c["file"])
    kept, words = [], iter(shlex.split(entry["command"]))
    for word in words:
        if word in ("-o", "-c", "-MF", "-MQ", "-include"):
            next(words)
        elif word not in ("ccache", "-MD", "-Winvalid-pch", "-fpch-preprocess"):
            kept.append(word)
    return kept + ["-fsyntax-only", "-fdiagnostics-color=never", "-x", "c++", "-"], entry["directory"]


@pytest.fixture(scope="module")
def errors():
    """Snippet → what the compiler says about it."""
    snippets = {**CONTROLS, **{what: snippet for what, (snippet, _) in REFUSED.items()}}
    source = PRELUDE
    for n, (what, snippet) in enumerate(snippets.items()):
        whole = snippet if snippet.startswith("namespace") else f"namespace case_{n} {{ {snippet} }}"
        source += f'#line 1 "<{what}>"\n{whole}\n'
    command, folder = compiler_of(pathlib.Path(os.environ.get("WAGGLE_BUILD_DIR", ROOT / "build" / "check")))
    done = subprocess.run(command, cwd=folder, input=source, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "LC_ALL": "C"})
    # An error inside a header follows the line that says which snippet asked for it.
    said, asking = {what: [] for what in snippets}, None
    for line in done.stderr.splitlines():
        if place := re.match(r"<([^>]+)>:\d+", line):
            asking = place[1]
        if "error: " in line:
            assert asking in said, done.stderr
            said[asking].append(line)
    return said


@pytest.mark.parametrize("what", CONTROLS)
def test_who_has_an_identity_may_use_it(errors, what):
    assert errors[what] == []


@pytest.mark.parametrize("what", REFUSED)
def test_an_identity_is_not(errors, what):
    snippet, reason = REFUSED[what]
    assert errors[what], "this compiles: " + snippet
    assert any(re.search(reason, error) for error in errors[what]), "\n".join(errors[what])
