"""A disk whose fsync fails: from then on nothing is acknowledged, reading goes on, and every earlier ack holds.

When it works again the node recovers in place; or it is stopped or killed first.
"""
import threading

import pytest

from faultfs import FaultDisk
from full_disk_book import Book, expect_refused
from waiting import until


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
@pytest.mark.parametrize("end", ["heal", "kill", "stop"])
def test_no_ack_after_a_failed_fsync(disk, node, words, end):
    client = node.client()
    book = Book(client)
    book.create()
    for _ in range(20):
        assert book.write(20).status == 200

    disk.set(words)
    for _ in range(30):
        expect_refused(book.write(3))
    deleted = next(iter(book.points))
    expect_refused(client.delete(f"/collections/docs/vectors/{deleted}"))
    book.maybe[deleted] = book.points.pop(deleted)
    expect_refused(client.post("/collections", {"name": "never", "dimension": 4}))
    book.check_reads()
    assert client.ok("GET", "/health")["status"] == "degraded"
    assert any(e.get("level") == "error" for e in node.log_events()), "the log says nothing"

    if end == "heal":
        disk.set("off")
        until(lambda: book.write(3).status == 200, "a write after the disk works again")
        until(lambda: client.ok("GET", "/health")["status"] == "healthy", "healthy again")
        book.check_reads()
        node.kill9()
    elif end == "kill":
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


def test_reads_go_on_when_the_store_cannot_reopen(disk, node):
    """The disk takes the probe's bytes, but not what opening writes: the store is read as it lies on disk."""
    books = [Book(node.client(), name) for name in ("asleep", "awake")]
    for book in books:
        book.create()
        for _ in range(10):
            assert book.write(20).status == 200
    node.kill9()
    node.start()
    client = node.client()
    for book in books:
        book.client = client
    asleep, awake = books
    awake.check_reads()
    disk.set("eio-fsync")
    until(lambda: awake.write(1).status == 503, "a failed write")
    disk.set("enospc-rename")
    until(lambda: awake.write(1).status == 507, "a failed reopening")
    awake.check_reads()
    asleep.check_reads()  # its rows come from the store now
    disk.set("off")
    for book in books:
        until(lambda: book.write(1).status == 200, "a write after the disk works again")
        book.check_reads()
    node.kill9()
    node.start()
    for book in books:
        book.client = node.client()
        book.check_reads()
    assert node.stop() == 0


class Writing(threading.Thread):
    """Writes to a collection of its own all the time, whatever the disk does."""

    def __init__(self, node, name):
        super().__init__(daemon=True)
        self.book = Book(node.client(), name)
        self.book.create()
        self.enough = threading.Event()
        self.acked = self.refused = 0
        self.problem = None

    def run(self):
        try:
            while not self.enough.is_set():
                answer = self.book.write(7)
                if answer.status == 200:
                    self.acked += 1
                else:
                    expect_refused(answer)
                    self.refused += 1
        except BaseException as error:  # a fault of the node must not look like a quiet thread
            self.problem = error
            raise


def test_again_and_again_under_load(disk, node):
    """Four writers, one fault after another, searches all the while; the process never restarts."""
    writers = [Writing(node, f"w{number}") for number in range(4)]
    reader = node.client()
    steady = Book(reader, "steady")
    steady.create()
    assert steady.write(200).status == 200
    for w in writers:
        w.start()

    def all_of(what, counter):
        before = [getattr(w, counter) for w in writers]

        def more():
            steady.check_reads()
            problems = [w.problem for w in writers if w.problem]
            assert not problems, problems
            return all(getattr(w, counter) > b for w, b in zip(writers, before))
        until(more, what)

    for words in ["enospc", "budget=5000", "eio-fsync", "budget=100000", "eio-write", "enospc enospc-create",
                  "eio-fsync", "budget=33000", "eio-write eio-fsync", "full enospc"]:
        all_of(f"acks before {words}", "acked")
        disk.set(words)
        all_of(f"refusals under {words}", "refused")
        disk.set("off")
    all_of("acks after the last fault", "acked")
    for w in writers:
        w.enough.set()
        w.join(60)
        assert not w.is_alive() and not w.problem
    listed = {}
    for w in writers:
        listed[w.book.name] = w.book.check_reads()
    node.kill9()
    node.start()
    for book in [w.book for w in writers] + [steady]:
        book.client = node.client()
        assert book.check_reads() == listed.get(book.name, book.points)
    assert node.stop() == 0
