"""What must be in a collection whose disk fails, and what may be; how a node may refuse."""
import random

from node import NodeFailed
from vectors import ids_of, small_vector

DIMENSION = 32


REFUSALS = {507: "STORAGE_FULL", 503: "NOT_READY"}  # 503: the write may have happened, the answer says so


def expect_refused(answer):
    assert answer.status in REFUSALS and answer.code == REFUSALS[answer.status], answer
    body = answer.json()
    assert body["status_code"] == answer.status and body["message"], body


class Book:
    """What must be in a collection, and what may be."""

    def __init__(self, client, name="docs"):
        self.client = client
        self.name = name
        self.generator = random.Random(name)
        self.points, self.maybe = {}, {}
        self.next = 0

    def create(self):
        self.client.ok("POST", "/collections", {"name": self.name, "dimension": DIMENSION, "metric": "euclidean"})

    def write(self, count):
        """One upsert; its answer."""
        fresh = {f"n{self.next + i}": small_vector(self.generator, DIMENSION) for i in range(count)}
        self.next += count
        answer = self.client.put(f"/collections/{self.name}/points",
                                 {"points": [{"id": id, "vector": v} for id, v in fresh.items()]})
        if answer.status == 200:
            self.points.update(fresh)
        else:
            self.maybe.update(fresh)
        return answer

    def check_reads(self):
        """Reads and searches answer, and show every acknowledged point."""
        listed, cursor = {}, ""
        while cursor is not None:
            page = self.client.ok("GET", f"/collections/{self.name}/vectors?limit=1000{cursor and '&cursor=' + cursor}")
            listed.update((p["id"], p["vector"]) for p in page["vectors"])
            cursor = page.get("next_cursor")
        for id, vector in self.points.items():
            assert listed.get(id) == vector, f"{id} was acknowledged"
        unknown = [id for id in listed if id not in self.points and id not in self.maybe]
        assert not unknown, unknown
        assert self.client.ok("GET", f"/collections/{self.name}")["vector_count"] == len(listed)
        for id in self.generator.sample(sorted(self.points), 5):
            found = self.client.ok("POST", f"/collections/{self.name}/search",
                                   {"vector": self.points[id], "limit": 1, "params": {"exact": True}})
            assert ids_of(found) == [id]
            assert found["results"][0]["vector"] == self.points[id]
            assert self.client.ok("GET", f"/collections/{self.name}/vectors/{id}")["vector"] == self.points[id]
        return listed


def starts(node):
    """Starts the node on a bad disk. False when it refuses to run; then it says why and has not crashed."""
    node.spawn()
    try:
        node.wait_ready(30)
        return True
    except NodeFailed:
        if node.running:
            node.kill9()
        code = node.process.returncode
        assert code not in (-6, -11), f"crashed with signal {-code}\n{node.log_tail()}"
        assert any(e.get("level") == "error" for e in node.log_events()), f"no reason in the log\n{node.log_tail()}"
        return False
