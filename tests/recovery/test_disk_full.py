"""A full disk: growth is refused with 507, reading and deleting go on, and free space is enough to write again.

The full disk is faultfs.c in front of the C library: it runs everywhere and leaves the real disk alone.
"""
import pytest

from faultfs import FaultDisk
from full_disk_book import DIMENSION, Book
from waiting import seal, until

REFUSALS = {507: "STORAGE_FULL", 503: "NOT_READY"}  # 503: the write may have happened, the answer says so


class ShimDisk:
    def __init__(self, directory, words):
        self.disk, self.words = FaultDisk(directory), words
        self.environment = self.disk.environment

    def fill(self):
        self.disk.set(self.words)

    def free(self):
        self.disk.set("off")

    def close(self):
        """Nothing to undo: the control file goes with the node's directory."""


# The node refuses growth before the disk is full. A write that really fails is another matter: see
# docs/operations.md, "When a log write fails".
WAYS = {
    "shim-statvfs-only": "full",
}
DISKS = list(WAYS)


@pytest.fixture(params=DISKS)
def disk(request, tmp_path):
    directory = tmp_path / "disk-node"
    made = ShimDisk(directory, WAYS[request.param])
    made.directory = directory
    yield made
    made.close()


@pytest.fixture
def node_on(disk, make_node):
    node = make_node(directory=disk.directory, environment=disk.environment).start()
    yield node
    node.close()  # before the disk is unmounted


def expect_refused(answer):
    assert answer.status in REFUSALS and answer.code == REFUSALS[answer.status], answer
    body = answer.json()
    assert body["status_code"] == answer.status and body["message"], body


def fill_until_refused(book, disk):
    disk.fill()
    for _ in range(4000):
        answer = book.write(50)
        if answer.status != 200:
            return answer
    pytest.fail("the disk never got full")


def test_full_disk(disk, node_on):
    node = node_on
    client = node.client()
    client.ok("POST", "/collections", {"name": "docs", "dimension": DIMENSION, "metric": "euclidean"})
    book = Book(client)
    for _ in range(40):
        assert book.write(50).status == 200
    seal(client, "docs")

    expect_refused(fill_until_refused(book, disk))
    # Growth stays refused, in every form; soon always with the one code for it.
    until(lambda: book.write(1).status == 507, "507 for growth")
    for _ in range(20):
        expect_refused(book.write(20))
    expect_refused(client.post("/collections", {"name": "more", "dimension": 4}))
    expect_refused(client.post("/insert", {"collection": "docs", "id": "text", "text": "one more text"}))
    book.maybe["text"] = None
    book.check_reads()
    assert client.get("/livez").status == 200
    health = client.get("/health")
    assert health.json()["status"] == "degraded", health
    assert "waggle_storage_full 1" in client.get("/metrics").text

    # A deletion is done, or refused with a reason; it never hangs and never half happens.
    victim = next(iter(book.points))
    answer = client.delete(f"/collections/docs/vectors/{victim}")
    if answer.status == 200:
        del book.points[victim]
        assert client.get(f"/collections/docs/vectors/{victim}").status == 404
    else:
        expect_refused(answer)
        book.maybe[victim] = book.points.pop(victim)
    listed = book.check_reads()

    # Space comes back: writes work again, without a restart.
    disk.free()
    until(lambda: book.write(1).status == 200, "a write after space came back")
    for _ in range(20):
        assert book.write(20).status == 200
    book.check_reads()
    until(lambda: client.ok("GET", "/health")["status"] == "healthy", "healthy again")
    assert "waggle_storage_full 0" in client.get("/metrics").text
    seal(client, "docs")

    after = book.check_reads()
    assert {id for id in listed if id not in after} <= set(book.maybe), "what was readable while the disk was full is gone"
    node.restart()
    book.client = node.client()
    assert book.check_reads() == after
    assert node.stop() == 0
