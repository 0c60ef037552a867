"""Usage reaches HiveHub once, whatever happens on the way (contract hub.md §6)."""
import json
import random
import re
import threading
import time

import pytest

COUNTERS = ("vectors_inserted", "vectors_deleted", "storage_added", "storage_freed", "search_count",
            "collections_created", "collections_deleted", "api_requests")


def stats(client):
    return client.ok("GET", "/hub/usage/statistics")["stats"]


def work(client, rng, rounds):
    name = f"c{rng.randrange(3)}"
    client.post("/collections", {"name": name, "dimension": 2})
    for _ in range(rounds):
        ids = [str(rng.randrange(40)) for _ in range(rng.randrange(1, 5))]
        what = rng.randrange(4)
        if what == 0:
            client.post("/batch_delete", {"collection": name, "ids": ids})
        elif what == 1:
            client.post(f"/collections/{name}/search", {"vector": [1, 0]})
        else:
            points = [{"id": i, "vector": [1, 0], "payload": {"x": "y" * rng.randrange(20)}} for i in set(ids)]
            client.put(f"/collections/{name}/points", {"points": points})


def report_all(world):
    """A node that ends reports first; the next one begins where it ended."""
    assert world.node.stop() == 0
    world.node.start()


def told_of(world, who):
    return world.hub.control("GET", f"/usage/{world.users[who]}")


def test_a_report_says_what_was_used(world):
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    client.ok("PUT", "/collections/docs/points", {"points": [{"id": str(i), "vector": [1, 0]} for i in range(7)]})
    client.ok("POST", "/batch_delete", {"collection": "docs", "ids": ["0", "1"]})
    client.ok("POST", "/collections/docs/search", {"vector": [1, 0]})
    counted = stats(client)  # asking is itself counted, and nobody asks later
    report_all(world)
    told = told_of(world, "acme")
    assert {name: told["totals"].get(name, 0) for name in COUNTERS} == {name: counted[name] for name in COUNTERS}
    assert told["totals"]["vectors_inserted"] == 7 and told["totals"]["vectors_deleted"] == 2
    assert told["present"] == {"vector_count": 5, "collection_count": 1, "storage_bytes": counted["total_storage"]}
    assert (told["duplicates"], told["overlaps"], told["gaps"]) == (0, 0, [])
    for name in ("cpu_us", "bytes_in", "bytes_out"):  # those of the question itself come after its answer
        assert told["totals"][name] >= counted[name] > 0
    docs = counted["collections"][0]
    assert len(told["collections"]) == 1
    assert {"collection_id": docs["collection_id"], "collection_name": "docs", "vector_count": 5,
            "storage_bytes": counted["total_storage"]}.items() <= told["collections"][0].items()
    # Nobody else used anything, and nothing new means no new report.
    report_all(world)
    assert told_of(world, "acme")["reports"] == told["reports"]


def test_bytes_are_those_of_bodies_and_time_goes_on(world):
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    asked = client.get("/hub/usage/statistics")
    before = asked.json()["stats"]
    body = json.dumps({"points": [{"id": str(i), "vector": [1, 0], "payload": {"x": "y" * 100}} for i in range(200)]})
    answers = [client.put("/collections/docs/points", body) for _ in range(3)] + [client.get("/collections"), client.get("/collections/none")]
    after = stats(client)
    assert after["bytes_in"] - before["bytes_in"] == 3 * len(body)
    assert after["bytes_out"] - before["bytes_out"] == len(asked.body) + sum(len(answer.body) for answer in answers)
    assert after["cpu_us"] > before["cpu_us"] > 0
    idle = stats(world.client("birch"))
    assert (idle["bytes_in"], idle["bytes_out"]) == (0, 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lost_and_doubled_replies_and_kills_change_nothing(start_world, seed):
    world = start_world(**{"hub.usage_report_interval": "10"})
    rng = random.Random(seed)
    for round in range(4):
        world.hub.heal()
        fault = rng.choice([None, {"kind": "status", "status": 503, "probability": .5}, {"kind": "duplicate"},
                            {"kind": "reset", "when": "after"}])  # the last: done, but the reply is lost
        if fault:
            world.hub.fault(operation="report_usage", **fault)
        for who in ("acme", "birch"):
            work(world.client(who), rng, 30)
        if rng.random() < .4:
            world.node.kill9()
            world.node.start()
        else:
            report_all(world)
    world.hub.heal()
    counted = {who: stats(world.client(who)) for who in ("acme", "birch")}
    report_all(world)
    for who in ("acme", "birch"):
        told = told_of(world, who)
        assert {name: told["totals"].get(name, 0) for name in COUNTERS} == {n: counted[who][n] for n in COUNTERS}
        assert (told["overlaps"], told["gaps"], told["altered"]) == (0, [], 0)
        assert told["present"]["vector_count"] == counted[who]["total_vectors"]
        assert told["present"]["storage_bytes"] == counted[who]["total_storage"]


def test_reports_come_by_themselves(start_world):
    world = start_world(**{"hub.usage_report_interval": "10"})
    world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    deadline = time.time() + 40
    while world.hub.asked("report_usage") == 0:
        assert time.time() < deadline, "no report within four intervals"
        time.sleep(.5)
    assert told_of(world, "acme")["totals"]["collections_created"] == 1


def test_many_tenants_reports_are_on_their_way_at_once(start_world):
    world = start_world(**{"hub.usage_report_interval": "10"})
    users = [world.hub.user(f"user{n}") for n in range(24)]
    for user in users:
        world.client(world.hub.key(user, "ADMIN")).ok("POST", "/collections", {"name": "docs", "dimension": 2})
    world.hub.fault("latency", operation="report_usage", ms=1000)
    began = time.time()
    report_all(world)  # ends after ten seconds with what it has: one after the other that would be ten of them
    assert time.time() - began < 15
    for user in users:
        told = world.hub.control("GET", f"/usage/{user}")
        assert told["totals"]["collections_created"] == 1
        assert (told["duplicates"], told["overlaps"], told["gaps"]) == (0, 0, [])


def test_a_tenant_is_told_all_that_it_used_so_far(world):
    """Asked right behind the requests that are counted, while others write down theirs."""
    stop = threading.Event()

    def ask_on():
        busy = world.client("birch")
        while not stop.is_set():
            stats(busy)

    other = threading.Thread(target=ask_on)
    other.start()
    try:
        client = world.client("acme")
        for n in range(1, 1000, 2):
            client.ok("GET", "/collections")
            assert stats(client)["api_requests"] == n + 1
    finally:
        stop.set()
        other.join()


def test_an_idle_tenant_is_forgotten_and_comes_back_exactly(start_world):
    world = start_world(**{"tenancy.idle_hibernate_seconds": "1",
                           "hub.paths.get_quota": "GET /api/internal/{service}/user/{user_id}/quota"})
    world.hub.control("POST", f"/quotas/{world.users['acme']}", {"limits": {"requests_per_month": 7}, "shape": "limits"})
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    put = client.put("/collections/docs/points", {"points": [{"id": "a", "vector": [1, 0]}]})
    before = stats(client)
    assert before["api_requests"] == 3 and before["total_storage"] > 0

    def remembered():
        text = world.service().get("/metrics").text
        return float(re.search(r"^waggle_tenant_accounts_in_memory (\S+)$", text, re.M)[1])

    deadline = time.time() + 20
    while remembered() > 0:
        assert time.time() < deadline, "it is never forgotten"
        time.sleep(.5)
    after = client.get("/hub/usage/statistics")
    assert after.headers["X-Storage-Used"] == put.headers["X-Storage-Used"] == str(before["total_storage"])
    grew = {"api_requests", "cpu_us", "bytes_in", "bytes_out"}
    counted = after.json()["stats"]
    assert {k: v for k, v in counted.items() if k not in grew} == {k: v for k, v in before.items() if k not in grew}
    assert counted["api_requests"] == 4
    # The month goes on where it was.
    assert [client.get("/collections").status for _ in range(5)] == [200, 200, 200, 429, 429]


def test_reports_by_collection(start_world):
    world = start_world(**{"hub.usage.style": "per_collection", "hub.path_set": "v1"})
    client = world.client("acme")
    for name in ("docs", "more", "gone"):
        client.ok("POST", "/collections", {"name": name, "dimension": 2})
        client.ok("PUT", f"/collections/{name}/points", {"points": [{"id": "a", "vector": [1, 0]}]})
    report_all(world)
    first = world.hub.asked("report_usage")
    assert first == 3
    client = world.client("acme")
    client.ok("POST", "/collections/docs/rename", {"new_name": "renamed"})
    client.ok("PUT", "/collections/renamed/points", {"points": [{"id": "b", "vector": [1, 0]}]})
    client.ok("DELETE", "/collections/gone")
    held = {c["collection_id"]: (c["vectors"], c["storage"]) for c in stats(client)["collections"]}
    report_all(world)
    assert world.hub.asked("report_usage") == first + 2, "what is as it was is not reported"
    told = {c["collection_id"]: (c["vector_count"], c["storage_bytes"]) for c in told_of(world, "acme")["collections"]}
    assert {id: held_by for id, held_by in told.items() if held_by != (0, 0)} == held
    assert told_of(world, "acme")["present"]["vector_count"] == 3
    # An erased tenant's collections hold nothing, either.
    assert world.service().post("/hub/tenant/cleanup", {"tenant_id": world.users["acme"], "confirm": True}).status == 200
    report_all(world)
    assert {c["vector_count"] for c in told_of(world, "acme")["collections"]} == {0}
