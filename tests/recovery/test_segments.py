"""Sealed segment files are copies: damage is found when they are opened, told in the log, and repaired from the points.

Every kind of damage gets a collection of its own, so that one start meets them all.
"""
import random
import shutil

import pytest

from node import TENANT
from segment_damage import every_damage, sections
from vectors import ids_of, insert, nearest, small_vector
from waiting import seal

DIMENSION = 8
SMALL_ROWS = 160
GRAPH_ROWS = 4200  # smaller segments have no graph
REJECTED = "segment file does not hold; its points are read again"


class Shelf:
    """Collections whose content is known, each in one segment file."""

    def __init__(self, node):
        self.node = node
        self.random = random.Random(11)
        self.points = {}  # collection → id → vector
        self.files = {}   # collection → segment file
        self.answers = {}

    def add(self, name, rows, metric="euclidean"):
        client = self.node.client()
        client.ok("POST", "/collections", {"name": name, "dimension": DIMENSION, "metric": metric})
        points = {f"{name}-{i}": small_vector(self.random, DIMENSION) for i in range(rows)}
        insert(client, name, points, payload=lambda id: {"content": f"honey {id.replace('-', 'x')}", "id": id})
        # Tombstones over the file, some of them from before it was written.
        self.delete(client, name, points, 3)
        seal(client, name)
        self.delete(client, name, points, 5)
        self.points[name] = points
        number = f"{len(self.files) + 1:016x}"  # directories are named by the order of creation
        found = sorted((self.node.data_dir / TENANT / number / "0").glob("*.segment"))
        assert len(found) == 1, (name, found)
        self.files[name] = found[0]

    def delete(self, client, name, points, count):
        for id in self.random.sample(sorted(points), count):
            assert client.delete(f"/collections/{name}/vectors/{id}").status == 200
            del points[id]

    def remember(self):
        client = self.node.client()
        self.answers = {name: self.ask(client, name) for name in self.points}

    def ask(self, client, name):
        """What a collection answers to everything that its segment serves; checked against the truth where we know it."""
        points, picker = self.points[name], random.Random(name)
        query, some = small_vector(picker, DIMENSION), picker.choice(sorted(points))
        exact = client.ok("POST", f"/collections/{name}/search",
                          {"vector": query, "limit": 20, "params": {"exact": True}})
        everything = client.ok("POST", f"/collections/{name}/search",
                               {"vector": query, "limit": 1000, "params": {"exact": True}, "include_vectors": False})
        words = client.ok("POST", f"/collections/{name}/search/text", {"query": some.replace("-", "x"), "limit": 3})
        filtered = client.ok("POST", f"/collections/{name}/search",
                             {"vector": query, "limit": 5, "filter": {"must": [{"key": "id", "match": {"value": some}}]}})
        info = client.ok("GET", f"/collections/{name}")
        assert info["vector_count"] == len(points), name
        if info["similarity_metric"] == "euclidean":
            assert ids_of(exact) == nearest(points, query, 20), name
        assert len(everything["results"]) == min(len(points), 1000), name
        assert {r["id"] for r in everything["results"]} <= set(points), name
        assert ids_of(words) == [some], name
        assert ids_of(filtered) == [some] and filtered["results"][0]["vector"] == points[some], name
        return exact["results"], everything["results"], words["results"], filtered["results"]

    def check(self):
        """Every collection answers as it did when its file was whole; asking wakes them all."""
        client = self.node.client()
        for name in self.points:
            assert self.ask(client, name) == self.answers[name], name

    def seal_again(self):
        client = self.node.client()
        for name in self.points:
            seal(client, name)

    def rejected(self):
        return {e["file"]: e for e in self.node.log_events() if e.get("message") == REJECTED}


@pytest.fixture
def shelf(node):
    return Shelf(node)


def restart_and_expect(shelf, damaged):
    """`damaged`: collection → what was done to it."""
    shelf.node.start()
    shelf.check()
    told = shelf.rejected()
    silent = {damage for name, damage in damaged.items() if shelf.files[name].name not in told}
    assert not silent, f"went unnoticed: {silent}"
    collections = {e["collection"] for e in told.values()}
    assert len(told) == len(collections) and all(e["level"] == "warn" and e["why"] for e in told.values())
    healthy = {shelf.files[n].parent.parent.name for n in shelf.points if n not in damaged}
    assert not healthy & collections, "a sound file was rejected"
    # Rebuilt: the next start finds nothing to complain about.
    shelf.seal_again()
    assert shelf.node.stop() == 0
    shelf.node.start()
    shelf.check()
    assert not shelf.rejected()


def test_every_part_of_a_file(shelf):
    shelf.add("sound", SMALL_ROWS)
    ways = every_damage(shelf.files["sound"])
    assert {"vectors", "payload_bytes", "seqs", "id_bytes", "text"} <= set(sections(shelf.files["sound"].read_bytes()))
    damaged = {f"c{number}": way for number, way in enumerate(ways)}
    for name in damaged:
        shelf.add(name, SMALL_ROWS)
    for name in ("foreign", "swapped"):
        shelf.add(name, SMALL_ROWS)
    shelf.add("cosine", SMALL_ROWS, metric="cosine")
    shelf.remember()
    shelf.node.kill9()

    for name, way in damaged.items():
        # File names and sizes differ a little between collections, so the ways are made for this very file.
        every_damage(shelf.files[name]).get(way, ways[way])(shelf.files[name])
    shutil.copy(shelf.files["sound"], shelf.files["foreign"])
    shutil.copy(shelf.files["cosine"], shelf.files["swapped"])
    norms, _ = sections(shelf.files["cosine"].read_bytes())["inverse_norms"]
    image = bytearray(shelf.files["cosine"].read_bytes())
    image[norms] ^= 1
    shelf.files["cosine"].write_bytes(image)
    damaged.update(foreign="a file of another collection", swapped="a file of another metric", cosine="flip norms")
    restart_and_expect(shelf, damaged)


def test_graph(shelf):
    damages = ["graph_header first", "graph_level0 middle", "graph_upper_offsets last", "graph_upper first"]
    for number in range(len(damages)):
        shelf.add(f"g{number}", GRAPH_ROWS)
    shelf.remember()
    assert shelf.node.stop() == 0
    damaged = {}
    for number, way in enumerate(damages):
        name = f"g{number}"
        every_damage(shelf.files[name])[f"flip {way}"](shelf.files[name])
        damaged[name] = way
    restart_and_expect(shelf, damaged)


def test_a_lost_directory(shelf):
    """All files of a tenant at once: a restore that forgot them, or a disk of its own that is not mounted."""
    for number in range(3):
        shelf.add(f"d{number}", SMALL_ROWS)
    shelf.remember()
    assert shelf.node.stop() == 0
    shutil.rmtree(shelf.node.data_dir / TENANT)
    restart_and_expect(shelf, {name: "all files lost" for name in shelf.points})


def test_a_file_that_goes_while_the_node_runs(shelf):
    """Searches go on over the mapped file; the next start reads the points."""
    shelf.add("open", SMALL_ROWS)
    shelf.remember()
    shelf.files["open"].unlink()
    shelf.check()
    shelf.node.kill9()
    restart_and_expect(shelf, {"open": "deleted while open"})
