"""Tenants of one node that do the same thing at the same time: neither finds the other in what it is told."""
import threading


def test_collection_labels_keep_tenants_apart(start_world):
    world = start_world(**{"metrics.collection_labels": "true"})
    for who, times in (("acme", 2), ("birch", 3)):
        client = world.client(who)
        client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
        for _ in range(times):
            client.ok("POST", "/collections/docs/search", {"vector": [1, 0]})
    scrape = world.service().get("/metrics").text
    for who, times in (("acme", 2), ("birch", 3)):
        series = (f'vectorizer_search_requests_total{{collection="user_{world.users[who]}:docs",search_type="vector",'
                  f'status="ok"}} {times}')
        assert series in scrape
    assert 'collection="docs"' not in scrape


def test_a_full_write_queue_is_its_tenants_own(start_world):
    """One tenant fills its write queue; the other's writes are neither refused nor told how many wait."""
    limit = 4
    world = start_world(**{"backpressure.hard_limit": str(limit), "backpressure.upsert_queue_high_water": "1",
                           "durability.group_commit_us": "20000"})
    for who in ("acme", "birch"):
        world.client(who).ok("POST", "/collections", {"name": "docs", "dimension": 2})
    refusals, stop = [], threading.Event()

    def flood(n):
        client = world.client("acme")
        for i in range(10000):
            if stop.is_set():
                return
            answer = client.put("/collections/docs/points", {"points": [{"id": f"{n}-{i}", "vector": [1, 1]}]})
            if answer.status != 200:
                refusals.append(answer)

    threads = [threading.Thread(target=flood, args=(n,)) for n in range(24)]
    for t in threads:
        t.start()
    quiet = world.client("birch")
    answers = [quiet.put("/collections/docs/points", {"points": [{"id": str(i), "vector": [1, 1]}]}) for i in range(40)]
    stop.set()
    for t in threads:
        t.join()
    assert [a.status for a in answers] == [200] * 40
    assert refusals and all(r.status == 429 and r.code == "QUEUE_FULL" for r in refusals)
    assert all(r.json()["details"]["depth"] == limit for r in refusals)
