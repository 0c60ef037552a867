"""Quotas are exact: what fits is let in, what does not is refused whole, whoever races."""
import threading

import pytest

PLAN = {"quotas.defaults.collection_count": "3", "quotas.defaults.vector_count": "50",
        "quotas.defaults.storage_bytes": "100000", "limits.max_inflight_per_tenant": "1000"}


@pytest.fixture
def world(start_world):
    return start_world(**PLAN)


def put(client, *ids, name="docs", payload=None):
    points = [{"id": str(i), "vector": [1, 0], **({"payload": payload} if payload else {})} for i in ids]
    return client.put(f"/collections/{name}/points", {"points": points})


def quota(client):
    return client.ok("GET", "/hub/usage/quota")["quota"]


def stats(client):
    return client.ok("GET", "/hub/usage/statistics")["stats"]


def test_the_refusal_says_what_and_how_much(world):
    client = world.client("acme")
    for n in range(3):
        client.ok("POST", "/collections", {"name": f"c{n}", "dimension": 2})
    refused = client.post("/collections", {"name": "one-more", "dimension": 2})
    body = refused.json()
    assert refused.status == 429 and refused.headers["Retry-After"] == "1"
    assert body["code"] == body["error_type"] == "QUOTA_EXCEEDED" and body["error"] == body["message"]
    assert body["message"] == "Collection quota exceeded. Please upgrade your plan or delete unused collections."
    assert body["details"] == {"quota_type": "collection_count", "limit": 3, "used": 3, "requested": 1, "remaining": 0}
    assert body["usage"] == {"current_bytes": 0, "quota_bytes": 100000, "requested_bytes": 0, "available_bytes": 100000}
    assert put(client, *range(48), name="c0").status == 200
    body = put(client, *range(40, 60), name="c1").json()
    assert body["message"] == ("Vector quota exceeded. Estimated 20 vectors needed. Please upgrade your plan or delete "
                               "unused vectors.")
    assert body["details"] == {"quota_type": "vector_count", "limit": 50, "used": 48, "requested": 20, "remaining": 2}
    assert body["usage"]["current_bytes"] == 48 * 8 + 10 + 38 * 2
    # Nothing of the refused batch is there.
    assert client.ok("GET", "/collections/c1")["vector_count"] == 0
    # Another tenant has its own.
    world.client("birch").ok("POST", "/collections", {"name": "one-more", "dimension": 2})


def test_storage_grows_by_the_difference_and_shrinking_passes(world):
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    big = {"text": "x" * 60000}
    assert put(client, "a", payload=big).status == 200
    used = int(client.get("/collections").headers["X-Storage-Used"])
    assert 60000 < used < 60100 and client.get("/collections").headers["X-Storage-Quota"] == "100000"
    refused = put(client, "b", payload=big)
    assert refused.json()["message"] == "Storage quota exceeded. Please upgrade your plan or free storage."
    assert put(client, "a", payload={"text": "y" * 90000}).status == 200
    assert put(client, "a", payload={"text": "z" * 99999}).code == "QUOTA_EXCEEDED"
    assert put(client, "a", payload={"text": "z"}).status == 200
    assert put(client, "b", payload=big).status == 200
    seen = stats(client)
    assert seen["storage_added"] - seen["storage_freed"] == seen["total_storage"]
    assert seen["total_storage"] == quota(client)["storage"]["used"]


def test_deleting_frees_and_counts(world):
    client = world.client("acme")
    for n in range(3):
        client.ok("POST", "/collections", {"name": f"c{n}", "dimension": 2})
    assert put(client, *range(50), name="c0").status == 200
    assert put(client, "x", name="c1").code == "QUOTA_EXCEEDED"
    client.ok("DELETE", "/collections/c0")
    assert put(client, "x", name="c1").status == 200
    client.ok("POST", "/collections", {"name": "c3", "dimension": 2})
    seen = stats(client)
    assert (seen["total_collections"], seen["total_vectors"]) == (3, 1)
    assert (seen["collections_created"], seen["collections_deleted"]) == (4, 1)
    assert (seen["vectors_inserted"], seen["vectors_deleted"]) == (51, 50)


@pytest.mark.parametrize("what", ["collections", "vectors"])
def test_32_clients_race_to_exactly_the_limit(start_world, what):
    world = start_world(**{**PLAN, "quotas.defaults.collection_count": "40", "quotas.defaults.vector_count": "500"})
    world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    limit = 40 if what == "collections" else 500
    begin, answers = threading.Barrier(32), []

    def race(n):
        client = world.client("acme")
        begin.wait()
        refused = 0
        for i in range(1000):
            if what == "collections":
                answer = client.post("/collections", {"name": f"c{n}-{i}", "dimension": 2})
            else:
                answer = put(client, *[f"{n}-{i}-{k}" for k in range(1 + (n + i) % 3)])
            answers.append(answer.status)
            refused += answer.status == 429
            if refused == 3:
                return

    threads = [threading.Thread(target=race, args=(n,)) for n in range(32)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(answers) <= {200, 201, 429}
    seen = stats(world.client("acme"))
    used = seen["total_collections"] if what == "collections" else seen["total_vectors"]
    # Batches of up to three: whoever asked for one at the end got it.
    assert used == limit
    assert world.client("acme").ok("GET", "/collections")["total_collections"] == seen["total_collections"]


def test_usage_survives_a_kill_and_the_limit_still_holds(world):
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert put(client, *range(49)).status == 200
    before = stats(client)
    world.node.kill9()
    world.node.start()
    client = world.client("acme")
    assert put(client, "x", "y").code == "QUOTA_EXCEEDED"
    assert put(client, "x").status == 200
    assert put(client, "y").code == "QUOTA_EXCEEDED"
    after = stats(client)
    assert after["vectors_inserted"] == 50 and after["total_vectors"] == 50
    assert after["api_requests"] >= before["api_requests"] and after["search_count"] == before["search_count"]


def test_a_month_of_requests(start_world):
    world = start_world(**PLAN, **{"quotas.defaults.requests_per_month": "20"})
    client = world.client("acme")
    statuses = [client.get("/collections").status for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5
    body = client.get("/collections").json()
    assert body["message"] == "Monthly usage quota exceeded." and body["details"]["quota_type"] == "requests_per_month"
    assert body["details"]["limit"] == body["details"]["used"] == 20 and body["details"]["resets_at"].endswith("-01T00:00:00.000Z")
    assert world.client("birch").get("/collections").status == 200
    world.node.stop()
    world.node.start()
    assert world.client("acme").get("/collections").status == 429, "a restart gives no new month"


def test_what_was_searched_and_asked_is_counted_once(world):
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    put(client, *range(5))
    for _ in range(7):
        client.ok("POST", "/collections/docs/search", {"vector": [1, 0]})
    client.ok("POST", "/batch_search", {"collection": "docs", "queries": [{"vector": [1, 0]}, {"vector": [0, 1]}]})
    assert client.post("/collections/none/search", {"vector": [1, 0]}).status == 404
    seen = stats(client)
    assert seen["search_count"] == 9
    assert seen["api_requests"] == 1 + 1 + 7 + 1 + 1 + 1, "this one included, whatever it was answered"
    assert stats(world.client("birch"))["api_requests"] == 1
    assert stats(world.service(world.users["acme"]))["search_count"] == 9


def test_rule_u(world):
    acme, birch = world.users["acme"], world.users["birch"]
    for route in ("/hub/usage/statistics", "/hub/usage/quota"):
        assert world.client("acme").get(f"{route}?user_id={acme}").status == 200
        assert world.client("acme").get(f"{route}?user_id={birch}").status == 404
        assert world.client("acme").get(f"{route}?user_id=nonsense").code == "INVALID_USER_ID"
        assert world.service().get(route).code == "TENANT_REQUIRED"
        answer = world.service().ok("GET", f"{route}?user_id={birch}")
        assert birch in str(answer) and acme not in str(answer)
        assert world.service().get(f"{route}?user_id=nonsense").code == "INVALID_USER_ID"
