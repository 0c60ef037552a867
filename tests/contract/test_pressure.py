"""Many clients at once: versions decide races, full queues refuse politely, deadlines leave no doubt behind."""
import threading

from client import Client


def at_once(node, count, act):
    """`act(client, number)` on `count` threads that begin together; their results in order."""
    results, faults, begin = [None] * count, [], threading.Barrier(count)

    def run(number):
        client = Client(node.port)
        try:
            client.get("/livez")
            begin.wait()
            results[number] = act(client, number)
        except Exception as error:
            faults.append(repr(error))
        finally:
            client.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert not faults, faults
    return results


def test_if_version_lets_one_win(node):
    client = node.client()
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    client.ok("PUT", "/collections/docs/points", {"points": [{"id": "a", "vector": [1, 1], "payload": {"winner": None}}]})
    for _ in range(10):
        version = client.ok("GET", "/collections/docs/vectors/a")["version"]
        answers = at_once(node, 8, lambda c, n: c.put("/collections/docs/vectors/a",
                                                      {"payload": {"winner": n}, "if_version": version}))
        won = [n for n, a in enumerate(answers) if a.status == 200]
        assert len(won) == 1 and all(a.code == "PRECONDITION_FAILED" for a in answers if a.status != 200), answers
        assert client.ok("GET", "/collections/docs/vectors/a")["payload"] == {"winner": won[0]}


def test_one_name_is_made_once(node):
    for turn in range(5):
        answers = at_once(node, 8, lambda c, n: c.post("/collections", {"name": f"c{turn}", "dimension": n + 1}))
        made = [n for n, a in enumerate(answers) if a.status == 200]
        assert len(made) == 1 and all(a.code == "COLLECTION_ALREADY_EXISTS" for a in answers if a.status != 200), answers
        assert node.client().ok("GET", f"/collections/c{turn}")["dimension"] == made[0] + 1


def test_first_inserts_make_one_collection(node):
    answers = at_once(node, 8, lambda c, n: c.ok("POST", "/insert", {"collection": "new", "id": f"t{n}", "text": "bee"}))
    assert len(answers) == 8
    info = node.client().ok("GET", "/collections/new")
    assert info["vector_count"] == 8


def test_one_request_id_at_once(node):
    """Eight copies of one request: done once, answered alike."""
    client = node.client()
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    for turn in range(10):
        answers = at_once(node, 8, lambda c, n: c.post("/collections/docs/vectors", {"vectors": [{"vector": [1, 1]}]},
                                                       headers={"X-Waggle-Request-Id": f"turn-{turn}"}))
        assert {a.status for a in answers} == {200}, answers
        assert len({a.json()["results"][0]["id"] for a in answers}) == 1, answers
        assert client.ok("GET", "/collections/docs")["vector_count"] == turn + 1


def test_full_write_queue(make_node):
    node = make_node({"backpressure.hard_limit": 1, "backpressure.upsert_queue_high_water": 1}).start()
    client = node.client()
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})

    def write(c, n):
        acked, refused = [], 0
        for i in range(40):
            answer = c.put("/collections/docs/points", {"points": [{"id": f"{n}-{i}", "vector": [1, 1]}]})
            if answer.status == 200:
                acked.append(f"{n}-{i}")
                continue
            assert answer.status == 429 and answer.code == "QUEUE_FULL", answer
            assert int(answer.headers["Retry-After"]) >= 1
            details = answer.json()["details"]
            assert details["collection"] == "docs" and details["hard_limit"] == 1, answer
            assert details["depth"] >= 1 and details["retry_after_seconds"] >= 1, answer
            refused += 1
        return acked, refused

    results = at_once(node, 24, write)
    acked = sorted(id for ids, _ in results for id in ids)
    assert sum(refused for _, refused in results) > 0, "the queue never filled"
    page = client.ok("GET", "/collections/docs/vectors?limit=1000")
    assert [p["id"] for p in page["vectors"]] == acked


def test_too_many_at_once(make_node):
    node = make_node({"limits.max_inflight_per_tenant": 1}).start()
    client = node.client()
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})

    def write(c, n):
        statuses = []
        for i in range(20):
            answer = c.put("/collections/docs/points", {"points": [{"id": f"{n}-{i}", "vector": [1, 1]}]})
            statuses.append(answer.status)
            if answer.status != 200:
                assert answer.status == 429 and answer.code == "CONCURRENCY_LIMIT", answer
                assert int(answer.headers["Retry-After"]) >= 1
            # Health is never refused.
            assert c.get("/health").status == 200
        return statuses

    statuses = sum(at_once(node, 16, write), [])
    assert 200 in statuses and 429 in statuses
    assert client.ok("GET", "/collections/docs")["vector_count"] == statuses.count(200)


def test_deadline(node):
    """504 leaves the outcome open; the same request id settles it."""
    client = node.client()
    client.ok("POST", "/collections", {"name": "docs", "dimension": 8})
    expired = 0
    for turn in range(20):
        body = {"vectors": [{"vector": [turn + 1] * 8, "payload": {"n": n}} for n in range(500)]}
        id = {"X-Waggle-Request-Id": f"turn-{turn}"}
        answer = client.post("/collections/docs/vectors", body, headers={**id, "X-Request-Timeout-Ms": "1"})
        assert answer.status == 200 or (answer.status == 504 and answer.code == "DEADLINE_EXCEEDED"), answer
        expired += answer.status == 504
        settled = client.ok("POST", "/collections/docs/vectors", body, headers=id)
        assert settled["inserted"] == 500
        assert client.ok("GET", "/collections/docs")["vector_count"] == 500 * (turn + 1)
    print(f"{expired} of 20 expired")


def test_a_long_search_stops_at_its_deadline_and_holds_nobody_up(node):
    client = node.client()
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    words = " ".join(f"word{n}" for n in range(40))
    for first in range(0, 8000, 1000):
        points = [{"id": str(n), "vector": [1, n], "payload": {"content": words}} for n in range(first, first + 1000)]
        client.ok("PUT", "/collections/docs/points", {"points": points})
    # Each row is asked 2,000 times for words that it does not have: minutes of work.
    none = [{"key": "content", "match": {"text": f"no{n} such words"}} for n in range(2000)]
    heavy = {"vector": [1, 1], "limit": 1, "filter": {"should": none}}
    path = "/collections/docs/search"
    assert client.request("POST", path, heavy, {"X-Request-Timeout-Ms": "300"}).code == "DEADLINE_EXCEEDED"

    def slow(number):
        Client(node.port).request("POST", path, heavy, {"X-Request-Timeout-Ms": "15000"})

    searches = [threading.Thread(target=slow, args=(n,)) for n in range(2)]
    for search in searches:
        search.start()
    for _ in range(20):
        other = Client(node.port)  # a connection of its own: connections belong to workers
        assert other.get("/health").status == 200
        assert other.get("/collections/docs/vectors/7").status == 200
        other.close()
    assert all(search.is_alive() for search in searches), "the others were answered only after the long searches"
    for search in searches:
        search.join()
