"""A disk whose fsync fails: from then on nothing is acknowledged, reading goes on, and every earlier ack holds."""
import pytest

from faultfs import FaultDisk
from full_disk_book import DIMENSION, Book, starts
from waiting import until

STABLE = {"NOT_READY": 503, "STORAGE_FULL": 507}


@pytest.fixture
def disk(tmp_path):
    made = FaultDisk(tmp_path / "node")
    made.directory = tmp_path / "node"
    yield made
    made.set("off")


@pytest.fixture
def node(disk, make_node):
    return make_node(directory=disk.directory, environment=disk.environment).start()


@pytest.mark.parametrize("words", ["eio-fsync", "eio-write", "eio-write eio-fsync"])
@pytest.mark.parametrize("end", ["kill", "stop"])
def test_no_ack_after_a_failed_fsync(disk, node, words, end):
    client = node.client()
    client.ok("POST", "/collections", {"name": "docs", "dimension": DIMENSION, "metric": "euclidean"})
    book = Book(client)
    for _ in range(20):
        assert book.write(20).status == 200

    disk.set(words)
    for _ in range(30):
        answer = book.write(3)
        assert STABLE.get(answer.code) == answer.status, f"acknowledged, or no stable code: {answer!r}"
    deleted = next(iter(book.points))
    answer = client.delete(f"/collections/docs/vectors/{deleted}")
    assert STABLE.get(answer.code) == answer.status, answer
    book.maybe[deleted] = book.points.pop(deleted)
    answer = client.post("/collections", {"name": "never", "dimension": 4})
    assert STABLE.get(answer.code) == answer.status, answer
    book.check_reads()
    assert client.ok("GET", "/health")["status"] == "degraded"
    assert any(e.get("level") == "error" for e in node.log_events()), "the log says nothing"

    if end == "kill":
        node.kill9()
    else:
        node.stop()  # it ends; whether it can say "all well" depends on the disk
    disk.set("off")
    node.start()
    book.client = node.client()
    book.check_reads()
    assert book.write(20).status == 200
    node.restart()
    book.client = node.client()
    book.check_reads()
