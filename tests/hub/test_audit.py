"""The audit log: one record per request, nothing in it that is nobody's business, and no way to change it unseen."""
import json
import socket
import subprocess
import time

import pytest

from cluster_world import INBOUND_SECRET, World
from faultfs import FaultDisk
from node import built

# What a request's record always has (contract auth.md §13).
FIELDS = {"seq", "ts", "node_id", "event", "function", "class", "action", "actor", "tenant_id", "target", "protocol",
          "method", "route", "status", "result", "client_ip", "user_agent", "correlation_id", "duration_ms", "prev_hash",
          "hash"}
POINTS = {"points": [{"id": "p1", "vector": [0.8125437, 0.1875563], "payload": {"word": "payload-secret"}}]}


def audit_dir(node):
    return node.data_dir / "_node" / "audit"


def lines(node):
    return [line for path in sorted(audit_dir(node).glob("audit-*.jsonl")) for line in path.read_text().splitlines()]


def requests(node):
    return [record for record in map(json.loads, lines(node)) if not record["event"].startswith("chain.")]


def record_of(node, correlation_id):
    """The one record of a request; records of reads may take a second."""
    deadline = time.monotonic() + 5
    while True:
        found = [record for record in requests(node) if record["correlation_id"] == correlation_id]
        if found or time.monotonic() > deadline:
            assert len(found) == 1, (correlation_id, found)
            return found[0]
        time.sleep(0.02)


def ask(client, name, method, path, body=None, **headers):
    return client.request(method, path, body, headers={"X-Correlation-ID": name, **headers})


def converse(node, sent):
    """These bytes on a connection of their own, and what comes back."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=20) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def verify(*arguments):
    """Exit code and answer of `wagglectl audit verify`."""
    done = subprocess.run([str(built("tools/wagglectl/wagglectl")), "audit", "verify", "--output", "json",
                           *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_one_record_per_request(world):
    acme, node = world.client("acme"), world.node
    assert ask(acme, "create", "POST", "/collections", {"name": "docs", "dimension": 2}).status == 200
    # What changes something is on disk before its answer.
    assert [r["correlation_id"] for r in requests(node)][-1] == "create"
    assert ask(acme, "upsert", "PUT", "/collections/docs/points", POINTS).status == 200
    assert ask(acme, "search", "POST", "/search", {"collection": "docs", "vector": [1, 0]},
               **{"User-Agent": "bee/1.0 é\t"}).status == 200
    assert ask(acme, "absent", "GET", "/collections/nothing").status == 404
    assert ask(acme, "unknown", "GET", "/no/such/path?vector=1").status == 404
    assert ask(acme, "delete", "DELETE", "/collections/docs/vectors/p1").status == 200
    names = ["create", "upsert", "search", "absent", "unknown", "delete"]
    records = {name: record_of(node, name) for name in names}
    for record in records.values():
        assert FIELDS <= set(record)
        assert record["actor"] == {"kind": "hub_key", "id": world.keys["acme"]["id"],
                                   "key_prefix": world.keys["acme"]["key"][:8]}
        assert record["tenant_id"] == world.users["acme"] and record["protocol"] == "rest"
        assert record["event"] == "AUTH_SUCCESS" and record["client_ip"] == "127.0.0.1"
        assert "on_behalf_of" not in record and 0 <= record["duration_ms"] < 60000
    shown = {name: tuple(r[f] for f in ("method", "route", "function", "class", "action", "target", "status", "result"))
             for name, r in records.items()}
    assert shown == {
        "create": ("POST", "/collections", "create_collection", "C", "manage", "docs", 200, "ok"),
        "upsert": ("PUT", "/collections/{name}/points", "insert_vectors", "W", "write", "docs", 200, "ok"),
        "search": ("POST", "/search", "search", "R", "read", "docs", 200, "ok"),
        "absent": ("GET", "/collections/{name}", "get_collection_info", "R", "read", "nothing", 404, "error"),
        "unknown": ("GET", "", "", "", "", "", 404, "error"),
        "delete": ("DELETE", "/collections/{name}/vectors/{id}", "delete_vector", "D", "delete", "docs", 200, "ok")}
    assert records["absent"]["reason"] == "COLLECTION_NOT_FOUND" and "reason" not in records["search"]
    assert records["search"]["user_agent"].startswith("bee/1.0 ?")
    assert verify("--dir", audit_dir(node))[0] == 0


def test_denials_are_recorded(world):
    node = world.node
    reader = world.client(world.hub.key(world.users["acme"], "READ_ONLY"))
    assert ask(reader, "forbidden", "POST", "/collections", {"name": "x", "dimension": 2}).status == 403
    assert ask(node.client(), "anonymous", "GET", "/collections").status == 401
    wrong = "hh_live_" + "w" * 40
    assert ask(world.client({"key": wrong}), "wrong", "GET", "/health").status == 401
    assert ask(node.client(), "short", "GET", "/stats", **{"X-API-Key": "hunter2hunter2"}).status == 401
    assert ask(world.service(secret="nobody's"), "service", "GET", "/stats").status == 401
    shown = {name: [record_of(node, name)[f] for f in ("event", "result", "status", "reason")]
             for name in ("forbidden", "anonymous", "wrong", "short", "service")}
    assert shown == {"forbidden": ["AUTH_SUCCESS", "denied", 403, "FORBIDDEN"],
                     "anonymous": ["AUTH_FAILURE", "denied", 401, "AUTH_MISSING_KEY"],
                     "wrong": ["AUTH_FAILURE", "denied", 401, "AUTH_INVALID_KEY"],
                     "short": ["AUTH_FAILURE", "denied", 401, "AUTH_INVALID_FORMAT"],
                     "service": ["AUTH_FAILURE", "denied", 401, "AUTH_SERVICE_REJECTED"]}
    assert record_of(node, "wrong")["actor"] == {"kind": "anonymous", "id": "", "key_prefix": "hh_live_"}
    assert record_of(node, "short")["actor"]["key_prefix"] == ""  # it may be a password
    assert record_of(node, "forbidden")["tenant_id"] == world.users["acme"]


def test_acting_for_a_user_is_recorded(world):
    """Whichever way the tenant is named; and not of a tenant that acts for itself."""
    acme, node = world.users["acme"], world.node
    operator = {"key": world.hub.key(acme, "ADMIN", key="hh_admin_" + "o" * 40, scope="operator")["key"]}
    ways = {"service, header": (world.service(acme), ""),
            "service, parameter": (world.service(), f"?user_id={acme}"),
            "key, header": (world.client(operator, **{"x-hivehub-user-id": acme}), ""),
            "key, parameter": (world.client(operator), f"?user_id={acme}")}
    for n, (way, (client, query)) in enumerate(ways.items()):
        assert ask(client, f"way{n}", "GET", "/collections" + query).status == 200, way
        record = record_of(node, f"way{n}")
        assert record["on_behalf_of"] == record["tenant_id"] == acme, way
        assert record["actor"]["kind"] == ("service" if "service" in way else "hub_key")
    assert ask(world.client("acme", **{"x-hivehub-user-id": acme}), "own", "GET", f"/collections?user_id={acme}").status == 200
    assert "on_behalf_of" not in record_of(node, "own")
    assert ask(world.service(), "nobody", "GET", "/cluster/health").status == 200
    record = record_of(node, "nobody")
    assert record["tenant_id"] == "" and "on_behalf_of" not in record
    assert ask(world.service(), "about", "GET", f"/hub/tenant/{acme}/stats").status in (200, 404)
    assert record_of(node, "about")["target"] == acme


def test_no_secret_and_no_content_in_the_files(world):
    acme, node = world.client("acme"), world.node
    wrong = "hh_live_" + "z" * 40
    ask(acme, "c1", "POST", "/collections", {"name": "docs", "dimension": 2})
    ask(acme, "c2", "PUT", "/collections/docs/points", POINTS)
    ask(acme, "c3", "POST", "/insert", {"collection": "docs", "id": "t", "text": "text-secret"})
    ask(acme, "c4", "POST", "/collections/docs/search/text?note=query-secret", {"query": "text-secret", "limit": 1})
    ask(acme, "c5", "POST", "/search", {"collection": "docs", "vector": [0.8125437, 0.1875563], "filter": "filter-secret"})
    ask(world.service(world.users["acme"]), "c6", "GET", "/collections")
    ask(world.client({"key": wrong}), "c7", "GET", "/collections/docs")
    for n in range(1, 8):
        record_of(node, f"c{n}")
    text = "\n".join(lines(node))
    for secret in (world.keys["acme"]["key"], wrong, INBOUND_SECRET, "payload-secret", "text-secret", "query-secret",
                   "filter-secret", "8125437", "1875563"):
        assert secret[:12] not in text, secret
    for path in audit_dir(node).iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_the_chain_goes_on_after_kill_and_restart(world):
    node = world.node
    for life in range(3):
        client = world.client("acme")
        for i in range(20):
            name = f"{life}-{i}"
            assert ask(client, name, "POST", "/collections", {"name": f"c{name}", "dimension": 2}).status == 200
        node.kill9() if life < 2 else node.stop()
        code, verdict = verify("--dir", audit_dir(node))
        assert code == 0, verdict
        # Every one that was answered.
        assert {f"{life}-{i}" for i in range(20)} <= {r["correlation_id"] for r in requests(node)}
        node.start()
    # A crash in the middle of a line.
    node.kill9()
    newest = sorted(audit_dir(node).iterdir())[-1]
    with open(newest, "ab") as file:
        file.write(b'{"action":"re')
    assert verify("--dir", audit_dir(node))[0] == 1
    node.start()
    ask(world.client("acme"), "afterwards", "POST", "/collections", {"name": "afterwards", "dimension": 2})
    assert verify("--dir", audit_dir(node))[0] == 0
    assert '"count":13,"event":"chain.cut"' in newest.read_text()


def changed(text, line, change):
    parts = text.splitlines(keepends=True)
    change(parts, line - 1)
    return "".join(parts)


TAMPERING = {"altered": lambda parts, i: parts.__setitem__(i, parts[i].replace('"status":200', '"status":403')),
             "missing": lambda parts, i: parts.pop(i),
             "inserted": lambda parts, i: parts.insert(i, parts[2]),
             "reordered": lambda parts, i: parts.insert(i + 2, parts.pop(i))}


def test_tampering_is_found(world):
    client, node = world.client("acme"), world.node
    for i in range(10):
        assert ask(client, f"r{i}", "POST", "/collections", {"name": f"c{i}", "dimension": 2}).status == 200
    node.stop()
    file, = audit_dir(node).iterdir()
    good = file.read_text()
    code, verdict = verify("--dir", audit_dir(node))
    assert code == 0 and verdict["records"] == verdict["seq"] > 10 and verdict["fault"] is None
    for kind, change in TAMPERING.items():
        file.write_text(changed(good, 6, change))
        for where in (("--dir", audit_dir(node)), ("--file", file)):
            code, found = verify(*where)
            assert code == 1, (kind, found)
            fault = found["fault"]
            assert (fault["kind"], fault["file"], fault["line"]) == (kind, file.name, 6), fault
            assert fault["seq"] == {"altered": 6, "missing": 6, "inserted": 3, "reordered": 7}[kind]
    # A cut tail: only who knows its end can tell.
    file.write_text("".join(good.splitlines(keepends=True)[:-2]))
    assert verify("--dir", audit_dir(node))[0] == 0
    assert verify("--dir", audit_dir(node), "--anchor", verdict["head"])[0] == 1
    file.write_text(good)
    assert verify("--dir", audit_dir(node), "--anchor", verdict["head"])[0] == 0
    assert verify("--dir", node.data_dir / "nothing")[0] == 2
    assert verify("--file", audit_dir(node))[0] == 2


@pytest.mark.parametrize("policy", ["block", "degrade"])
@pytest.mark.parametrize("fault", ["enospc", "eio-fsync"])
def test_a_log_that_cannot_be_written(hub, make_node, tmp_path, policy, fault):
    disk = FaultDisk(tmp_path / "disk")
    directory = disk.data_dir / "_node" / "audit"
    directory.mkdir(parents=True)
    node = make_node(directory=tmp_path / "disk", settings=hub.settings(**{"audit.on_failure": policy}),
                     environment={**hub.environment, **disk.environment, "FAULTFS_DIR": str(directory)})
    world = World(hub, node.start())
    client = world.client("acme")
    assert ask(client, "before", "POST", "/collections", {"name": "before", "dimension": 2}).status == 200
    disk.set(fault)
    answers = [ask(client, f"during{i}", "POST", "/collections", {"name": f"c{i}", "dimension": 2}) for i in range(3)]
    if policy == "block":
        assert [answer.code for answer in answers] == ["AUDIT_UNAVAILABLE"] * 3
        # The first found out by trying; the others were not even begun.
        assert client.get("/collections/c1").status == client.get("/collections/c2").status == 404
    else:
        assert [answer.status for answer in answers] == [200] * 3
    assert client.get("/collections/before").status == 200  # reads go on
    disk.set("off")
    deadline = time.monotonic() + 20
    while ask(client, "again", "POST", "/collections", {"name": "again", "dimension": 2}).status == 503:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # Nothing that was done, or refused, went missing.
    for name in ("before", "during0", "during1", "during2"):
        record_of(node, name)
    assert verify("--dir", directory)[0] == 0


def test_standalone_writes_nothing(make_node):
    node = make_node().start()
    node.client().ok("POST", "/collections", {"name": "docs", "dimension": 2})
    node.stop()
    assert not audit_dir(node).exists()


def test_figures(start_world):
    world = start_world()
    assert ask(world.client("acme"), "one", "POST", "/collections", {"name": "one", "dimension": 2}).status == 200
    operator = world.node.client(headers={"x-hivehub-service": INBOUND_SECRET})
    figures = dict(line.rsplit(" ", 1) for line in operator.get("/metrics").text.splitlines() if line[0] != "#")
    assert float(figures["waggle_audit_chain_seq"]) >= 2 and float(figures["waggle_audit_write_failures_total"]) == 0
    assert float(figures['waggle_audit_records_total{event="AUTH_SUCCESS"}']) >= 1


def test_what_the_server_refuses_by_itself_is_recorded_too(world):
    """One record for each, although nobody was asked who it is; however many there are, each is as small as any."""
    node = world.node
    refused = {"400": b"GET / HTTP/1.1\r\nX-Correlation-ID: 400\r\n\r\n",
               "431": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: 431\r\nX: " + b"x" * 20000 + b"\r\n\r\n",
               "413": b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: 413\r\nContent-Length: 9999999999\r\n\r\n",
               "host": b"GET / HTTP/1.1\r\nHost: a b\r\nX-Correlation-ID: host\r\n\r\n",
               "target": b"GET /%zz HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: target\r\n\r\n",
               "origin": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: origin\r\nOrigin: https://evil\r\n\r\n"}
    for sent in refused.values():
        converse(node, sent)
    shown = {name: [record_of(node, name)[f] for f in ("event", "status", "result", "reason", "method", "route", "client_ip")]
             for name in refused}
    common = ["", "127.0.0.1"]
    assert shown == {"400": ["REQUEST_REFUSED", 400, "error", "BAD_REQUEST", "GET", *common],
                     "431": ["REQUEST_REFUSED", 431, "error", "HEADERS_TOO_LARGE", "GET", *common],
                     "413": ["REQUEST_REFUSED", 413, "error", "PAYLOAD_TOO_LARGE", "POST", *common],
                     "host": ["REQUEST_REFUSED", 400, "error", "BAD_REQUEST", "GET", *common],
                     "target": ["REQUEST_REFUSED", 400, "error", "BAD_REQUEST", "GET", *common],
                     "origin": ["REQUEST_REFUSED", 403, "denied", "ORIGIN_DENIED", "GET", *common]}
    before = len(requests(node))
    for n in range(100):
        converse(node, b"GET / HTTP/1.1\r\nUser-Agent: " + b"u" * 9000 + b"\r\nX: \x01\r\n\r\n")
    deadline = time.monotonic() + 5
    while len(requests(node)) < before + 100 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.6)
    assert len(requests(node)) == before + 100
    assert max(map(len, lines(node))) < 1500


def test_a_body_that_breaks_off_is_recorded_with_its_sender(world):
    key = world.keys["acme"]["key"].encode()
    converse(world.node, b"POST /collections HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + key +
             b"\r\nX-Correlation-ID: broken\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    record = record_of(world.node, "broken")
    assert (record["event"], record["status"], record["tenant_id"]) == ("AUTH_SUCCESS", 400, world.users["acme"])
