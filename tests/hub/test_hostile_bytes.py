"""What a client sends can neither forge a line of a log nor make the node large or slow."""
import json
import subprocess
import time
import zlib

import pytest

from client import Disconnected
from node import built

FORGED = '{"ts":"2026-01-01T00:00:00.000Z","level":"error","component":"forged","event":"TENANT_ERASED","message":"forged"}'


def lines_of_logs(node):
    yield from node.log_path.read_bytes().splitlines()
    for path in (node.data_dir / "_node" / "audit").glob("*.jsonl"):
        yield from path.read_bytes().splitlines()


def test_no_line_of_a_log_is_a_clients(world):
    client, key = world.client("acme"), world.keys["acme"]["key"]
    world.service().ok("GET", "/health")
    texts = ["\r\n" + FORGED, "\n" + FORGED + "\n", "\u2028" + FORGED, "\x1b[2J" + FORGED, "\x00" + FORGED, '","event":"forged"}']
    for text in texts:
        escaped = "".join(f"%{b:02x}" for b in text.encode())
        for path in (f"/collections/{escaped}", f"/{escaped}", f"/collections?x={escaped}", f"/hub/tenant/{escaped}/stats",
                     f"/auth/audit?actor={escaped}", f"/collections/docs/vectors/{escaped}"):
            client.get(path)
        client.post("/collections", {"name": text, "dimension": 2})
        client.post("/search", {"collection": text, "vector": [1]})
        client.post("/insert", {"collection": "docs", "text": text, "id": text})
        world.service().post("/hub/events", {"events": [{"id": "x", "type": text}]})
        visible = "".join(c if " " <= c <= "~" else "?" for c in text)
        for name in ("User-Agent", "X-Correlation-ID", "X-Waggle-Request-Id", "X-Forwarded-For", "Origin", "x-hivehub-user-id"):
            client.request("GET", "/collections", headers={name: visible})
        world.node.client(headers={"Authorization": "Bearer " + visible}).get("/collections")
    world.node.stop()
    seen = 0
    for line in lines_of_logs(world.node):
        told = json.loads(line)  # each is one whole object
        assert told.get("component") != "forged" and told.get("message") != "forged" and told.get("event") != "forged", line
        assert told.get("event") != "TENANT_ERASED"
        assert not any(byte < 0x20 for byte in line), line
        assert key.encode() not in line
        seen += 1
    assert seen > 50
    done = subprocess.run([str(built("tools/wagglectl/wagglectl")), "audit", "verify", "--dir",
                           str(world.node.data_dir / "_node" / "audit")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def rss_mib(node):
    text = open(f"/proc/{node.process.pid}/status").read()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


DEPTH = 200_000
BOMBS = {
    "arrays": b"[" * DEPTH + b"]" * DEPTH,
    "open arrays": b"[" * DEPTH,
    "objects": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "a payload": b'{"points":[{"id":1,"vector":[1,2],"payload":' + b'{"a":' * DEPTH + b"1" + b"}" * DEPTH + b"}]}",
    "a filter": b'{"vector":[1,2],"filter":' + b'{"must":[' * 5000 + b"{}" + b"]}" * 5000 + b"}",
    "members": b'{"name":"docs","dimension":2,' + b",".join(b'"k%d":{}' % n for n in range(300_000)) + b"}",
    "one member": b'{"name":"docs",' + b",".join(b'"dimension":2' for _ in range(300_000)) + b"}",
    "numbers": b'{"vector":[' + b",".join([b"1e999999999"] * 100_000) + b"]}",
    "digits": b'{"vector":[' + b"9" * 1_000_000 + b"]}",
    "escapes": b'{"name":"' + b"\\u0000" * 300_000 + b'","dimension":2}',
    "surrogates": b'{"name":"' + b"\\ud800" * 300_000 + b'","dimension":2}',
    "spaces": b" " * 5_000_000 + b"{}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bodies_that_are_bombs(world, name):
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    client.ok("PUT", "/collections/docs/points", {"points": [{"id": 1, "vector": [1, 2]}]})
    before, began = rss_mib(world.node), time.monotonic()
    for method, path in (("POST", "/collections"), ("PUT", "/collections/docs/points"), ("POST", "/collections/docs/search"),
                         ("POST", "/collections/docs/vectors/delete_by_filter"), ("POST", "/batch_search"), ("POST", "/insert")):
        try:
            answer = world.client("acme").request(method, path, BOMBS[name], headers={"Content-Type": "application/json"})
        except Disconnected:
            continue  # refused by its head, and the rest not read
        assert 400 <= answer.status < 500, (path, answer)
        assert len(answer.body) < 4000, "an error does not repeat what was sent"
    assert time.monotonic() - began < 30
    assert rss_mib(world.node) < before + 300
    assert client.ok("GET", "/collections/docs")["vector_count"] == 1


def test_packed_bodies_meet_the_same_limit(world):
    bomb = zlib.compress(b" " * 200_000_000)
    before = rss_mib(world.node)
    for encoding in ("gzip", "deflate", "br", "gzip, gzip"):
        answer = world.client("acme").request("POST", "/collections", bomb, headers={"Content-Encoding": encoding,
                                                                                    "Content-Type": "application/json"})
        assert answer.status in (400, 413, 415), answer
    assert rss_mib(world.node) < before + 150  # the limit of a body is 50 MiB
