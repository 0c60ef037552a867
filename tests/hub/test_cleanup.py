"""Cleanup erases a tenant: nothing serves its data, no live file has it, and nobody else loses anything."""
import os
import random
import threading
import time
import uuid

import pytest

from client import Disconnected


def marker(kind):
    return f"{kind}-{uuid.uuid4().hex}"


class Traces:
    """Strings that only this tenant has, in each place where it can leave some."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.collection, self.id, self.payload = marker("name"), marker("id"), marker("payload")
        self.text, self.description, self.snapshot_of = marker("text"), marker("about"), marker("second")

    def leave(self, client, points=300):
        client.ok("POST", "/collections", {"name": self.collection, "dimension": 32, "description": self.description})
        client.ok("POST", "/collections", {"name": self.snapshot_of, "dimension": 2})
        for first in range(0, points, 50):
            client.ok("PUT", f"/collections/{self.collection}/points", {"points": [
                {"id": f"{self.id}-{n}", "vector": [self.random.random() for _ in range(32)],
                 "payload": {"note": f"{self.payload} {n} {self.random.random()}"}} for n in range(first, first + 50)]})
        client.ok("POST", "/insert", {"collection": self.collection, "text": f"{self.text} honey and bees"})
        client.ok("PUT", f"/collections/{self.snapshot_of}/points", {"points": [{"id": f"{self.id}-s", "vector": [1, 2]}]})
        client.ok("POST", f"/collections/{self.snapshot_of}/snapshot")
        client.ok("POST", f"/collections/{self.collection}/force-save")
        client.ok("POST", "/search", {"collection": self.collection, "vector": [1] * 32, "limit": 3})

    def all(self):
        return [self.collection, self.id, self.payload, self.text, self.description, self.snapshot_of]


def found_on_disk(node, texts):
    """Which of the texts are in which live files. The audit log says what was done to collections, by name, for as long as it is
    kept: names are not looked for there."""
    found = set()
    for folder, _, files in os.walk(node.data_dir):
        for name in files:
            path = os.path.join(folder, name)
            try:
                data = open(path, "rb").read()
            except FileNotFoundError:
                continue  # compaction
            for text in texts:
                if text.encode() in data and not ("/audit/" in path and not text.startswith(("id", "payload", "text"))):
                    found.add((text, os.path.relpath(path, node.data_dir)))
    return found


def clean(world, tenant="acme", **more):
    return world.service().post("/hub/tenant/cleanup", {"tenant_id": world.users.get(tenant, tenant), "confirm": True, **more})


def test_nothing_is_left_and_others_keep_theirs(world):
    gone, kept = Traces(1), Traces(2)
    gone.leave(world.client("acme"))
    kept.leave(world.client("birch"))
    world.node.restart()  # some of it in sorted files, some in the write-ahead log
    Traces(3).leave(world.client("acme"), 50)
    again = Traces(4)
    again.leave(world.client("acme"), 50)
    assert {text for text, _ in found_on_disk(world.node, gone.all())} >= {gone.collection, gone.id, gone.payload}
    before = world.service().ok("GET", f"/hub/tenant/{world.users['acme']}/stats")

    told = clean(world)
    assert told.status == 200, told
    answer = told.json()
    assert answer["tenant_id"] == world.users["acme"] and answer["erase_mode"] == "erase" and len(answer["nodes"]) == 1
    assert answer["collections_deleted"] == before["collection_count"] == 6
    assert answer["vectors_deleted"] == before["total_vectors"] and answer["bytes_freed"] == before["storage_bytes"]
    assert found_on_disk(world.node, gone.all() + again.all()) == set()
    assert not (world.node.data_dir / world.users["acme"]).exists()
    log = b"".join(p.read_bytes() for p in (world.node.data_dir / "_node" / "audit").glob("*.jsonl"))
    assert answer["receipt"].encode() in log

    assert {text for text, _ in found_on_disk(world.node, kept.all())} >= {kept.collection, kept.id, kept.payload}
    birch = world.client("birch")
    assert birch.ok("GET", f"/collections/{kept.collection}")["vector_count"] == 301
    found = birch.ok("POST", f"/collections/{kept.collection}/search/text", {"query": kept.text, "limit": 1})
    assert found["results"], "its words are still found"
    for restart in range(2):
        shown = world.service().ok("GET", f"/hub/tenant/{world.users['acme']}/stats")
        assert shown["state"] == "deleted" and shown["total_vectors"] == 0 and shown["storage_bytes"] == 0
        assert world.client("birch").ok("GET", f"/collections/{kept.collection}")["vector_count"] == 301
        world.node.kill9()
        world.node.start()


def test_a_tenant_that_returns_starts_empty(world):
    client = world.client("acme")
    Traces(1).leave(client, 50)
    first = clean(world).json()
    assert client.ok("GET", "/collections")["collections"] == []
    traces = Traces(2)
    traces.leave(client, 50)
    assert client.ok("GET", f"/collections/{traces.collection}")["vector_count"] == 51
    assert world.service().ok("GET", f"/hub/tenant/{world.users['acme']}/stats")["state"] == "active"
    second = clean(world).json()
    assert second["receipt"] != first["receipt"] and second["vectors_deleted"] == 52
    assert found_on_disk(world.node, traces.all()) == set()


def test_what_is_billed_outlives_the_data(world):
    client = world.client("acme")
    Traces(1).leave(client, 50)
    clean(world)
    world.node.stop()  # reports first
    totals = world.hub.control("GET", f"/usage/{world.users['acme']}")["totals"]
    assert totals["vectors_inserted"] == totals["vectors_deleted"] == 52
    assert totals["storage_added"] == totals["storage_freed"] > 0
    assert totals["collections_created"] == totals["collections_deleted"] == 2


def test_what_is_no_cleanup(world):
    service = world.service()
    acme = world.users["acme"]
    assert clean(world).code == "TENANT_NOT_FOUND"  # it never wrote
    Traces(1).leave(world.client("acme"), 50)
    assert service.post("/hub/tenant/cleanup", {"tenant_id": acme}).json()["details"]["field"] == "confirm"
    assert service.post("/hub/tenant/cleanup", {"tenant_id": acme, "confirm": False}).status == 400
    assert service.post("/hub/tenant/cleanup", {"confirm": True}).json()["details"]["field"] == "tenant_id"
    assert clean(world, mode="crypto_shred").json()["details"]["field"] == "mode"
    assert clean(world, mode="burn").json()["details"]["field"] == "mode"
    assert clean(world, "nonsense").code == "INVALID_USER_ID"
    assert clean(world, "0" * 8 + "-0000-0000-0000-" + "0" * 12).code == "INVALID_USER_ID"
    body = {"tenant_id": acme, "confirm": True}
    assert world.client("acme").post("/hub/tenant/cleanup", body).code == "FORBIDDEN"
    assert world.service(acme).post("/hub/tenant/cleanup", body).code == "FORBIDDEN"
    assert world.client("acme").ok("GET", "/collections")["total"] == 2


def test_writers_at_work_neither_block_it_nor_get_in(world):
    """What was admitted before is gone with the rest; what comes later finds an empty tenant."""
    Traces(1).leave(world.client("acme"), 50)
    stop, seen = threading.Event(), set()

    def write(n):
        client = world.client("acme")
        count = 0
        while not stop.is_set():
            count += 1
            made = client.post("/collections", {"name": f"c{n}-{count}", "dimension": 2})
            put = client.request("PUT", f"/collections/c{n}-{count}/points", {"points": [{"id": 1, "vector": [1, 2]}]})
            seen.update({(made.status, made.code), (put.status, put.code)})

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    time.sleep(0.3)
    assert clean(world).status == 200
    stop.set()
    for t in threads:
        t.join()
    assert (404, "TENANT_NOT_FOUND") in seen
    assert {status for status, _ in seen} <= {200, 201, 404}, seen
    # Whatever came back to life after it is whole: counts and listings agree.
    client = world.client("acme")
    stats = world.service().ok("GET", f"/hub/tenant/{world.users['acme']}/stats")
    names = [c["name"] for c in client.ok("GET", "/collections")["collections"]]
    assert sorted(names) == stats["collections"]
    assert clean(world).status == 200
    world.node.stop()


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_crash_in_the_middle_is_gone_on_with(world, delay):
    gone, kept = Traces(1), Traces(2)
    gone.leave(world.client("acme"), 200)
    kept.leave(world.client("birch"), 50)
    outcome = []

    def ask():
        try:
            outcome.append(clean(world))
        except Disconnected:
            pass

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(delay)
    world.node.kill9()
    asking.join()
    world.node.start()
    client, service = world.client("acme"), world.service()
    for _ in range(200):
        shown = service.ok("GET", f"/hub/tenant/{world.users['acme']}/stats")["state"]
        if shown != "deleting":
            break
        assert client.get("/collections").code in ("TENANT_NOT_FOUND", None)
        time.sleep(0.05)
    if outcome:
        assert shown == "deleted"
    if shown == "deleted":
        assert found_on_disk(world.node, gone.all()) == set()
        assert client.ok("GET", "/collections")["total"] == 0
    else:  # it had not begun
        assert client.ok("GET", "/collections")["total"] == 2
    assert world.client("birch").ok("GET", f"/collections/{kept.collection}")["vector_count"] == 51
