"""Every kind of filter condition, on every route that takes a filter. The conditions stand in filters.table."""
import json
import pathlib
import re

import pytest

from node import Node

HERE = pathlib.Path(__file__).resolve().parent
LINES = (HERE / "filters.table").read_text("utf-8").splitlines()
POINTS = {found.group(1): json.loads(found.group(2))
          for line in LINES if (found := re.fullmatch(r"#   (\w+)\s+(\{.*\})", line))}
FILTERS = []
for line in LINES:
    if line and not line.startswith("#"):
        head, wanted = line.rsplit(" |", 1)
        name, condition = head.split(" | ", 1)
        FILTERS.append(pytest.param(json.loads(condition), wanted.split(), id=name))
VECTOR = [1.0, 0.0]


def upsert(client, name):
    points = [{"id": id, "vector": [1.0, n / 8], "payload": payload} for n, (id, payload) in enumerate(POINTS.items())]
    client.ok("PUT", f"/collections/{name}/points", {"points": points})


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Collections `one` and `three` (shards) in memory, `sealed` in a file; all with the points of the table."""
    with Node(tmp_path_factory.mktemp("filters")).start() as node:
        client = node.client()
        for name, shards in (("one", 1), ("three", 3), ("sealed", 1)):
            client.ok("POST", "/collections", {"name": name, "dimension": 2, "sharding": {"shard_count": shards}})
            upsert(client, name)
        client.ok("POST", "/collections/sealed/force-save")
        yield client


def ids(answer):
    return sorted(result["id"] for result in answer["results"])


def test_the_table_has_points():
    assert len(POINTS) == 8 and len(FILTERS) > 60


@pytest.mark.parametrize("collection", ["one", "three", "sealed"])
@pytest.mark.parametrize("condition, wanted", FILTERS)
def test_search(client, collection, condition, wanted):
    body = {"vector": VECTOR, "limit": 100, "filter": condition}
    assert ids(client.ok("POST", f"/collections/{collection}/search", body)) == sorted(wanted)
    exact = {**body, "params": {"exact": True}, "limit": 2}
    assert len(client.ok("POST", "/search", {**exact, "collection": collection})["results"]) == min(2, len(wanted))


@pytest.mark.parametrize("condition, wanted", FILTERS)
def test_other_searches(client, condition, wanted):
    wanted = sorted(wanted)
    explained = client.ok("POST", "/collections/one/explain", {"vector": VECTOR, "k": 100, "filter": condition})
    assert ids(explained) == wanted
    batch = client.ok("POST", "/batch_search", {"collection": "one", "queries": [
        {"vector": VECTOR, "limit": 100, "filter": condition}]})
    assert ids(batch["results"][0]) == wanted
    hybrid = client.ok("POST", "/collections/one/hybrid_search", {
        "query": "nothing", "vector": VECTOR, "dense_k": 100, "limit": 100, "filter": condition})
    assert ids(hybrid) == wanted
    by_words = client.ok("POST", "/collections/one/search/text", {"query": "brown", "limit": 100, "filter": condition})
    assert set(ids(by_words)) <= set(wanted)


@pytest.mark.parametrize("condition, wanted", FILTERS)
def test_writes(client, condition, wanted):
    """bulk_update_metadata and delete_by_filter touch exactly what matches, also over shards."""
    client.ok("POST", "/collections", {"name": "scratch", "dimension": 2, "sharding": {"shard_count": 2}})
    try:
        upsert(client, "scratch")
        patched = client.ok("POST", "/collections/scratch/vectors/bulk_update_metadata",
                            {"filter": condition, "patch": {"seen": "yes"}})
        assert (patched["scanned"], patched["matched"], patched["updated"]) == (len(POINTS), len(wanted), len(wanted))
        seen = client.ok("POST", "/collections/scratch/search", {
            "vector": VECTOR, "limit": 100, "filter": {"must": [{"key": "seen", "match": {"value": "yes"}}]}})
        assert ids(seen) == sorted(wanted)
        gone = client.ok("POST", "/collections/scratch/vectors/delete_by_filter", {"filter": condition})
        assert (gone["scanned"], gone["matched"], gone["deleted"]) == (len(POINTS), len(wanted), len(wanted))
        left = client.ok("GET", "/collections/scratch/vectors?limit=100")["vectors"]
        assert sorted(p["id"] for p in left) == sorted(POINTS.keys() - set(wanted))
    finally:
        client.ok("DELETE", "/collections/scratch")
