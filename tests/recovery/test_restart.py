"""After a restart, clean or by kill -9, a node shows the same: data, searches, snapshots, request ids, files."""
import random

import pytest

from vectors import insert, small_vector
from waiting import seal
from world import read_all

DIMENSION = 16
GRAPH_ROWS = 4500
WORDS = "hive comb wax queen drone nectar pollen meadow clover linden heather smoke frame brood swarm scout".split()
FILTERS = [
    {"must": [{"key": "g", "match": {"value": 1}}]},
    {"must": [{"key": "n", "range": {"gte": 100, "lt": 900}}], "must_not": [{"key": "g", "match": {"any": [0, 2]}}]},
    {"should": [{"key": "content", "match": {"text": "queen"}}, {"has_id": ["p7", "p8"]}]},
    {"must": [{"key": "tags", "values_count": {"gte": 2}}]},
]


class Requests:
    """Writes with request ids, and what they were answered."""

    def __init__(self):
        self.sent = []

    def send(self, client, method, path, body):
        headers = {"X-Waggle-Request-Id": f"restart-{len(self.sent)}"}
        answer = client.request(method, path, body, headers)
        assert answer.status == 200, answer
        self.sent.append((method, path, body, headers, meaning(answer.json())))

    def repeat(self, client):
        for method, path, body, headers, before in self.sent:
            answer = client.request(method, path, body, headers)
            assert answer.status == 200, answer
            assert meaning(answer.json()) == before, f"{method} {path} is not remembered"


def meaning(answer):
    """An answer without what differs from call to call."""
    return {k: v for k, v in answer.items() if k not in ("time", "took_ms", "duration_ms")}


def payload(number):
    generator = random.Random(number)
    return {"t": 0, "n": number, "g": number % 4, "tags": WORDS[:number % 4],
            "content": " ".join(generator.choices(WORDS, k=6)), "ü": {"deep": [number, None, 1.5, "é"]}}


def fill(client, requests):
    generator = random.Random(3)
    for name, shards, metric in (("big", 1, "euclidean"), ("split", 3, "cosine"), ("kept", 1, "dot")):
        requests.send(client, "POST", "/collections", {"name": name, "dimension": DIMENSION, "metric": metric,
                                                       "sharding": {"shard_count": shards}})
    insert(client, "big", {f"p{i}": small_vector(generator, DIMENSION) for i in range(GRAPH_ROWS)},
           payload=lambda id: payload(int(id[1:])))
    for name in ("split", "kept"):
        insert(client, name, {f"p{i}": small_vector(generator, DIMENSION) for i in range(600)},
               payload=lambda id: payload(int(id[1:])))
    for name in ("big", "split"):
        seal(client, name)
    # Over the sealed files: deletes, updates, rows that are in no file yet, and an insert whose ids the node chose.
    for name in ("big", "split", "kept"):
        requests.send(client, "POST", "/batch_delete", {"collection": name, "ids": [f"p{i}" for i in range(10, 60)]})
        requests.send(client, "PUT", f"/collections/{name}/vectors/p7", {"payload": payload(70)})
        fresh = [{"id": f"q{i}", "vector": small_vector(generator, DIMENSION), "payload": payload(i)} for i in range(40)]
        requests.send(client, "PUT", f"/collections/{name}/points", {"points": fresh})
    requests.send(client, "POST", "/collections/big/vectors",
                  {"vectors": [{"vector": small_vector(generator, DIMENSION), "payload": payload(5)}]})
    requests.send(client, "POST", "/collections/kept/snapshot", None)
    client.ok("POST", "/collections/kept/vectors/delete_by_filter", {"filter": FILTERS[0]})
    for name in ("old", "gone"):
        client.ok("POST", "/collections", {"name": name, "dimension": DIMENSION})
    insert(client, "old", {f"p{i}": small_vector(generator, DIMENSION) for i in range(60)},
           payload=lambda id: payload(int(id[1:])))
    client.ok("POST", "/collections/old/rename", {"new_name": "renamed"})
    client.ok("DELETE", "/collections/gone")


def picture(client):
    """Everything a client can see of the data."""
    seen = read_all(client)
    shown = {"collections": {name: (s.id, s.count, s.snapshots, s.ids, s.versions, s.raw) for name, s in seen.items()}}
    for name in seen:
        info = client.ok("GET", f"/collections/{name}")
        shown[name, "info"] = {k: info[k] for k in ("collection_id", "vector_count", "document_count", "dimension",
                                                    "metric", "created_at", "updated_at", "hnsw")}
        generator = random.Random(9)
        for number in range(4):
            query = {"vector": small_vector(generator, DIMENSION), "limit": 30, "params": {"exact": True}}
            shown[name, "search", number] = client.ok("POST", f"/collections/{name}/search", query)["results"]
            query["filter"] = FILTERS[number]
            found = client.ok("POST", f"/collections/{name}/search", {**query, "limit": 1000})["results"]
            shown[name, "filter", number] = found
            text = {"query": " ".join(generator.sample(WORDS, 2)), "limit": 30}
            shown[name, "text", number] = client.ok("POST", f"/collections/{name}/search/text", text)["results"]
        assert shown[name, "filter", 2] and shown[name, "filter", 3] and shown[name, "text", 0], f"{name} shows nothing"
    return shown


def files(node):
    """Path, inode, size and time of each segment file: a file that was built again differs."""
    return {str(p): (p.stat().st_ino, p.stat().st_size, p.stat().st_mtime_ns) for p in node.segment_files()}



def differences(before, after):
    return [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_same_after_a_restart(node, end):
    requests = Requests()
    client = node.client()
    fill(client, requests)
    before, sealed = picture(client), files(node)
    assert len(sealed) >= 4, sealed  # one of `big`, three of `split`

    for _ in range(2):
        if end == "stop":
            assert node.stop() == 0
        else:
            node.kill9()
        assert files(node) == sealed
        node.start()
        client = node.client()
        after = picture(client)
        assert not differences(before, after)
        requests.repeat(client)
        assert not differences(before, picture(client)), "repeating acknowledged requests changed something"
        assert files(node) == sealed, "segments were built again"
        assert not [e for e in node.log_events() if e.get("level") in ("warn", "error")], node.log_tail()

    # The snapshot is as good as it was: restoring brings back what the filter deleted.
    group = {"filter": FILTERS[0], "vector": [1.0] * DIMENSION, "limit": 1000, "params": {"exact": True}}
    assert not client.ok("POST", "/collections/kept/search", group)["results"]
    snapshot, = client.ok("GET", "/collections/kept/snapshots")["snapshots"]
    client.ok("POST", f"/collections/kept/snapshots/{snapshot['id']}/restore")
    found = client.ok("POST", "/collections/kept/search", group)["results"]
    assert len(found) > 100 and all(r["payload"]["g"] == 1 for r in found)
