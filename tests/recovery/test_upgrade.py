"""A data directory of an earlier release opens: what it holds is there, is found, and is counted."""
import pathlib
import subprocess
import sys
import tarfile

import pytest

from node import TENANT, built

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
sys.path.insert(0, str(FIXTURES))

from fill_earlier_node import vector  # noqa: E402

NEAR = {"docs": 8, "wide": 16}


@pytest.fixture
def earlier(make_node):
    node = make_node()
    with tarfile.open(FIXTURES / "data-4299cda.tar.gz") as archive:
        archive.extractall(node.directory)
    assert node.data_dir.is_dir()
    return node


def look(client):
    """All that can be seen of the collections, without versions and times."""
    seen = {}
    for name in ("docs", "wide", "texts"):
        listed = client.ok("GET", f"/collections/{name}/vectors?limit=1000")["vectors"]
        seen[name] = {v["id"]: (v.get("vector"), v.get("payload")) for v in listed}
    return seen


def test_an_earlier_data_directory_opens(earlier):
    client = earlier.start().client()
    listed = {c["name"]: c for c in client.ok("GET", "/collections")["collections"]}
    assert {n: (c["vector_count"], c["owner_id"]) for n, c in listed.items()} == {
        "docs": (200, None), "wide": (100, None), "texts": (2, None)}
    assert listed["docs"]["description"] == "hives & bees" and listed["wide"]["similarity_metric"] == "euclidean"
    for name, dimension in NEAR.items():
        for n in (0, 7, 99):
            # Vectors repeat every 17 points: the nearest ones are those with the same vector.
            hits = client.ok("POST", "/search", {"collection": name, "vector": vector(n, dimension), "limit": 3})["results"]
            assert all(int(str(hit["id"]).lstrip("d")) % 17 == n % 17 for hit in hits) and len(hits) == 3, hits
    hits = client.ok("POST", "/collections/texts/search/text", {"query": "dance of the honeybees", "limit": 1})["results"]
    assert hits[0]["id"] == "t1"
    assert client.get("/collections/docs/vectors/d199").status == 404
    assert len(client.ok("GET", "/collections/docs/snapshots")["snapshots"]) == 1
    before = look(client)
    client.ok("PUT", "/collections/docs/points", {"points": [{"id": "today", "vector": vector(3, 8)}]})
    earlier.kill9()
    client = earlier.start().client()
    assert client.ok("GET", "/collections/docs")["vector_count"] == 201
    client.ok("DELETE", "/collections/docs/vectors/today")
    assert look(client) == before
    client.ok("POST", "/collections/docs/snapshots/" +
              client.ok("GET", "/collections/docs/snapshots")["snapshots"][0]["id"] + "/restore")
    assert client.ok("GET", "/collections/docs")["vector_count"] == 199
    assert earlier.stop() == 0
    told = subprocess.run([built("tools/wagglectl/wagglectl"), "usage", "--data-dir", str(earlier.data_dir)],
                          capture_output=True, text=True)
    assert told.returncode == 0 and TENANT in told.stdout, told
