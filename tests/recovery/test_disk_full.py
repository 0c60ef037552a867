"""A full disk: growth is refused with 507, reading and deleting go on, and free space is enough to write again."""
import pytest

from bad_disks import DISKS
from full_disk_book import Book, expect_refused, starts
from waiting import seal, until


@pytest.fixture(params=DISKS)
def disk(request, tmp_path):
    made = DISKS[request.param](tmp_path / "disk-node")
    yield made
    made.close()


@pytest.fixture
def node_on(disk, make_node):
    node = make_node(directory=disk.directory, environment=disk.environment).start()
    yield node
    node.close()  # before the disk is unmounted


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
    book = Book(client)
    book.create()
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
    node.kill9()
    node.start()
    book.client = node.client()
    assert book.check_reads() == after
    assert node.stop() == 0


def test_start_on_a_full_disk(disk, node_on):
    """It starts and serves reads, or refuses with a reason; with space it starts, and nothing is lost."""
    node = node_on
    book = Book(node.client())
    book.create()
    for _ in range(40):
        assert book.write(50).status == 200
    node.kill9()
    disk.fill()
    if starts(node):
        book.client = node.client()
        book.check_reads()
        expect_refused(fill_until_refused(book, disk))
        node.kill9()
    disk.free()
    node.start()
    book.client = node.client()
    book.check_reads()
    assert book.write(20).status == 200
    book.check_reads()
