"""GET /auth/audit: a tenant reads its own records and learns nothing of others; operators read all; every answer is bounded."""
import json
import subprocess
import time
import uuid

import pytest

from node import built
from test_audit import ask, audit_dir, lines, record_of


def names(answer):
    return [entry["correlation_id"] for entry in answer["entries"]]


def all_pages(client, query="", limit=7):
    """Every entry, page by page; and how many pages that took."""
    entries, cursor = [], ""
    for pages in range(1, 1000):
        page = client.ok("GET", f"/auth/audit?limit={limit}{query}{cursor}")
        assert len(page["entries"]) == page["total"] <= limit
        entries += page["entries"]
        if "next_cursor" not in page:
            return entries, pages
        cursor = "&cursor=" + page["next_cursor"]
    raise AssertionError("pages without end")


@pytest.fixture
def busy(world):
    """Two tenants that did something, an operator that acted for one, and a stranger that was refused."""
    acme, birch = world.client("acme"), world.client("birch")
    for n in range(10):
        assert ask(acme, f"a{n}", "POST", "/collections", {"name": f"a{n}", "dimension": 2}).status == 200
        assert ask(birch, f"b{n}", "POST", "/collections", {"name": f"b{n}", "dimension": 2},
                   **{"User-Agent": "birch/1.0"}).status == 200
    operator = world.client(world.hub.key(world.users["birch"], "ADMIN", key="hh_admin_" + "o" * 40, scope="operator"))
    assert ask(operator, "for-acme", "DELETE", f"/collections/a0?user_id={world.users['acme']}",
               **{"User-Agent": "operators-own/1.0"}).status == 200
    assert ask(world.node.client(), "stranger", "GET", "/collections").status == 401
    for name in ("for-acme", "stranger"):
        record_of(world.node, name)
    return world, operator


def test_a_tenant_reads_its_own_records_and_no_others(busy):
    world, operator = busy
    told = world.client("acme").ok("GET", "/auth/audit")
    assert names(told) == ["for-acme", *(f"a{n}" for n in reversed(range(10)))]
    own = told["entries"][-1]
    record = record_of(world.node, "a0")
    for member in ("action", "target", "function", "actor", "status", "result", "client_ip", "correlation_id", "tenant_id"):
        assert own[member] == record[member], member
    assert own["at"] == record["ts"] and own["action"] == "manage" and own["target"] == "a0"
    # Neither how many records others have, nor where the chain stands.
    assert not {"seq", "hash", "prev_hash", "node_id"} & set(own)
    text = json.dumps(told)
    foreign = world.hub.control("GET", "/keys")["keys"]
    for key in foreign:
        if key["user_id"] != world.users["acme"]:
            assert key["id"] not in text
    for secret in (world.users["birch"], "birch/1.0", "hh_admin", "operators-own", "stranger", "chain."):
        assert secret not in text, secret
    acted = told["entries"][0]
    assert acted["on_behalf_of"] == world.users["acme"] and acted["actor"] == {"kind": "hub_key", "id": "", "key_prefix": ""}
    assert "client_ip" not in acted and "user_agent" not in acted
    assert "birch" not in text and world.users["acme"] not in json.dumps(world.client("birch").ok("GET", "/auth/audit"))


def test_what_a_tenant_does_not_see_it_can_not_ask_for(busy):
    world, operator = busy
    acme = world.client("acme")
    hidden = next(k["id"] for k in world.hub.control("GET", "/keys")["keys"] if k.get("scope") == "operator")
    assert acme.ok("GET", f"/auth/audit?actor={hidden}")["total"] == 0
    assert operator.ok("GET", f"/auth/audit?actor={hidden}&tenant_id={world.users['acme']}")["total"] == 1
    absent, theirs = (acme.get(f"/auth/audit?tenant_id={id}") for id in (uuid.uuid4(), world.users["birch"]))
    assert absent.status == theirs.status == 404 and absent.code == theirs.code == "TENANT_NOT_FOUND"
    assert acme.ok("GET", f"/auth/audit?action=manage&tenant_id={world.users['acme']}")["total"] == 11
    # Another reader's cursor is what nonsense is.
    cursors = {who: client.ok("GET", "/auth/audit?limit=1")["next_cursor"]
               for who, client in (("birch", world.client("birch")), ("operator", operator))}
    for cursor in (*cursors.values(), "nonsense", ""):
        answer = acme.get(f"/auth/audit?cursor={cursor}")
        assert answer.status == 400 and answer.json()["details"]["field"] == "cursor"
    assert len(cursors["birch"]) == len(acme.ok("GET", "/auth/audit?limit=1")["next_cursor"])


def test_who_may_read(world):
    for permission in ("READ_WRITE", "READ_ONLY", "MCP"):
        assert world.client(world.hub.key(world.users["acme"], permission)).get("/auth/audit").code == "FORBIDDEN"
    some = world.hub.key(world.users["acme"], "ADMIN", functions=["search"])
    assert world.client(some).get("/auth/audit").code == "FUNCTION_NOT_ALLOWED"
    reader = world.hub.key(world.users["acme"], "ADMIN", functions=["audit.read"])
    assert world.client(reader).get("/auth/audit").status == 200
    assert world.node.client().get("/auth/audit").code == "AUTH_MISSING_KEY"


def test_an_operator_reads_all_with_filters(busy):
    world, operator = busy
    shown = names(operator.ok("GET", "/auth/audit?limit=1000"))
    assert {"for-acme", "stranger", "a3", "b3"} <= set(shown)
    assert shown.index("b3") < shown.index("a3")
    birch = operator.ok("GET", f"/auth/audit?tenant_id={world.users['birch']}")
    assert names(birch) == [f"b{n}" for n in reversed(range(10))]
    assert birch["entries"][0]["seq"] > 0 and birch["entries"][0]["hash"] in "".join(lines(world.node))
    assert names(operator.ok("GET", "/auth/audit?action=delete_collection")) == ["for-acme"]
    assert set(names(operator.ok("GET", "/auth/audit?action=manage"))) == set(shown) - {
        n for n in shown if n not in {"for-acme", *(f"{t}{i}" for t in "ab" for i in range(10))}}
    assert "stranger" in names(operator.ok("GET", "/auth/audit?actor=anonymous"))
    key = world.keys["birch"]["id"]
    assert len(names(operator.ok("GET", f"/auth/audit?actor={key}"))) == 10
    at = {entry["correlation_id"]: entry["at"] for entry in birch["entries"]}
    between = operator.ok("GET", f"/auth/audit?tenant_id={world.users['birch']}&from={at['b3']}&to={at['b6']}")
    assert set(names(between)) == {n for n in at if at["b3"] <= at[n] < at["b6"]} >= {"b3"}
    assert names(operator.ok("GET", f"/auth/audit?since={at['b3']}&until={at['b6']}&tenant_id={world.users['birch']}")) == names(between)
    today, later = at["b0"][:10], "2999-01-01"
    assert operator.ok("GET", f"/auth/audit?from={today}")["total"] > 20
    assert operator.ok("GET", f"/auth/audit?from={later}")["total"] == operator.ok("GET", f"/auth/audit?to={today}")["total"] == 0
    for wrong in ("from=yesterday", "to=2026-01-01T00:00:00", "from=2026-01-01&since=2026-01-02", "limit=0", "limit=x"):
        assert operator.get(f"/auth/audit?{wrong}").code == "VALIDATION_ERROR", wrong
    assert operator.get("/auth/audit?tenant_id=x").code == "INVALID_USER_ID"
    # As the tenant that it acts for, an operator sees what the tenant sees.
    acting = operator.ok("GET", f"/auth/audit?user_id={world.users['acme']}")
    assert "for-acme" in names(acting) and "b1" not in names(acting) and "seq" not in acting["entries"][0]


def test_pages_join_to_the_whole_while_others_write(busy):
    world, operator = busy
    acme, birch = world.client("acme"), world.client("birch")
    first = acme.ok("GET", "/auth/audit?limit=4")
    for n in range(50):
        birch.get("/collections")
    time.sleep(1)
    rest = acme.ok("GET", f"/auth/audit?limit=1000&cursor={first['next_cursor']}")
    assert names(first) + names(rest) == ["for-acme", *(f"a{n}" for n in reversed(range(10)))]
    entries, pages = all_pages(operator, limit=7)
    on_disk = [r["seq"] for r in map(json.loads, lines(world.node)) if "actor" in r]
    seqs = [entry["seq"] for entry in entries]
    assert seqs == sorted(seqs, reverse=True) and pages > 3 and set(seqs) <= set(on_disk) and len(seqs) > 60


def grown(world, others):
    """The stopped node's file, made long by records of others behind what it has; a chain is no concern here."""
    world.node.stop()
    file, = audit_dir(world.node).iterdir()
    whole = file.read_text().splitlines(keepends=True)
    mine = next(line for line in whole if '"correlation_id":"mine"' in line)
    other = mine.replace(world.users["acme"], str(uuid.uuid4())).replace('"mine"', '"theirs"')
    old = file.with_name("audit-2020-01-01.jsonl")
    with open(old, "w") as out:
        out.write(mine)
        out.writelines(other for _ in range(others))
    return old


def test_few_records_among_a_million_of_others(start_world):
    """No answer looks at more than a bound; the cursor leads to what is far back."""
    world = start_world(**{"audit.retain_days": "0"})
    assert ask(world.client("acme"), "mine", "POST", "/collections", {"name": "c", "dimension": 2}).status == 200
    old = grown(world, 150_000)
    world.node.start()
    size = old.stat().st_size
    acme = world.client("acme")
    found, cursor, asked, longest = [], "", 0, 0.0
    while True:
        began = time.monotonic()
        page = acme.ok("GET", f"/auth/audit?action=manage{cursor}")
        longest, asked = max(longest, time.monotonic() - began), asked + 1
        found += names(page)
        if "next_cursor" not in page:
            break
        cursor = "&cursor=" + page["next_cursor"]
    assert found == ["mine", "mine"]
    assert asked >= size // (33 << 20) and asked > 2, (asked, size)
    assert longest < 5
    resident = int(next(line.split()[1] for line in open(f"/proc/{world.node.process.pid}/status") if "VmHWM" in line))
    assert resident < 600 * 1024, "the files are not held in memory"


def tail(node, key, *arguments, output="json"):
    done = subprocess.run([str(built("tools/wagglectl/wagglectl")), "--endpoint", f"http://127.0.0.1:{node.port}",
                           "--output", output, "audit", *arguments], capture_output=True, text=True, timeout=60,
                          env={"WAGGLE_TOKEN": key})
    return done.returncode, done.stdout


def test_the_command_line(busy):
    world, operator = busy
    key = world.keys["acme"]["key"]
    code, text = tail(world.node, key, "tail", "--limit", "3", "--action", "manage")
    assert code == 0 and [json.loads(line)["correlation_id"] for line in text.splitlines()] == ["a8", "a9", "for-acme"]
    code, text = tail(world.node, key, "list", "--action", "delete_collection", output="table")
    assert code == 0 and len(text.splitlines()) == 2 and "delete_collection" in text
    assert tail(world.node, key, "tail", "--tenant", world.users["birch"])[0] == 5
    assert tail(world.node, "hh_live_" + "0" * 32, "tail")[0] == 4


def test_a_node_without_an_audit_log_has_no_such_route(make_node):
    assert make_node().start().client().get("/auth/audit").code == "ROUTE_NOT_FOUND"
