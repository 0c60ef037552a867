"""hub.logs.enabled: HiveHub is told what tenants asked for, in the background, and nothing of what they sent (hub.md §1)."""
import re
import time

import pytest
from test_tenant_metrics import scrape


@pytest.fixture
def telling(start_world):
    def start(**settings):
        return start_world(**{"hub.logs.enabled": "true", **settings})
    return start


def shipped(world):
    return world.hub.control("GET", "/logs")["logs"]


def wait_for(world, count, seconds=20):
    deadline = time.monotonic() + seconds
    while len(shipped(world)) < count:
        assert time.monotonic() < deadline, f"{len(shipped(world))} of {count} records came"
        time.sleep(.05)
    return shipped(world)


def test_a_record_of_each_request(telling):
    world = telling()
    acme, client = world.users["acme"], world.client("acme")
    began = time.time() * 1000
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2, "description": "secret-description"})
    client.ok("PUT", "/collections/docs/points", {"points": [{"id": "secret-id", "vector": [1, 0], "payload": {"a": "secret-payload"}}]})
    client.ok("POST", "/collections/docs/search", {"vector": [1, 0], "limit": 1})
    assert client.get("/collections/secret-name").status == 404
    client.ok("DELETE", "/collections/docs")
    world.service().get("/metrics")  # nobody's
    world.node.client().get("/collections")  # nobody's, either
    records = wait_for(world, 5)
    assert len(records) == 5
    assert [(r["operation"], r["operation_type"], r.get("collection"), r["success"], r.get("error")) for r in records] == [
        ("create_collection", "write", "docs", True, None), ("insert_vectors", "write", "docs", True, None),
        ("search", "read", "docs", True, None), ("get_collection_info", "read", None, False, "COLLECTION_NOT_FOUND"),
        ("delete_collection", "delete", "docs", True, None)]
    for r in records:
        assert set(r) <= {"service_id", "operation_id", "tenant_id", "operation", "operation_type", "collection", "timestamp",
                          "duration_ms", "success", "error"}
        assert re.fullmatch(r"vec-[0-9a-f]{16}", r["service_id"]) and r["tenant_id"] == acme
        assert began - 2000 < r["timestamp"] < time.time() * 1000 + 2000 and 0 <= r["duration_ms"] < 20_000
    assert len({r["operation_id"] for r in records}) == 5 and len({r["service_id"] for r in records}) == 1
    assert "secret" not in str(records) and world.keys["acme"]["key"] not in str(records)
    assert scrape(world)["waggle_hub_operation_records_total", "taken"] == 5


def test_it_is_off_unless_asked_for(world):
    world.client("acme").get("/collections")
    assert world.node.stop() == 0
    assert shipped(world) == []


def test_what_waits_is_sent_when_the_node_stops(telling):
    world = telling()
    client = world.client("acme")
    time.sleep(1.2)  # between two rounds
    for _ in range(450):
        client.get("/collections")
    began = time.monotonic()
    assert world.node.stop() == 0
    assert len(shipped(world)) == 450 and time.monotonic() - began < 10
    first = shipped(world)[0]["service_id"]
    world.node.start()
    world.client("acme").get("/collections")
    assert wait_for(world, 451)[-1]["service_id"] == first, "the same after a restart"


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "hang"}, {"kind": "status", "status": 404}],
                         ids=lambda f: " ".join(str(v) for v in f.values()))
def test_the_oldest_go_while_hub_takes_none(telling, fault):
    world = telling(**{"hub.inline_deadline_ms": "500", "hub.circuit_breaker.open_seconds": "1", "hub.circuit_breaker.max_open_seconds": "1"})
    world.hub.fault(operation="ship_logs", **fault)
    client = world.client("acme")
    for _ in range(1300):
        assert client.get("/collections").status == 200
    client.ok("POST", "/collections", {"name": "newest", "dimension": 2})
    # A batch that is on its way is not in the buffer; it comes back, or is counted.
    deadline = time.monotonic() + 10
    while scrape(world).get(("waggle_hub_operation_records_total", "dropped"), 0) < 301:
        assert time.monotonic() < deadline
        time.sleep(.1)
    seen = scrape(world)
    assert seen["waggle_hub_operation_records_total", "dropped"] == 301 and seen["waggle_hub_operation_records_total", "taken"] == 0
    world.hub.heal()
    records = wait_for(world, 1000)
    assert len(records) == 1000 and records[-1]["operation"] == "create_collection", "the oldest have gone"
    assert scrape(world)["waggle_hub_operation_records_total", "taken"] == 1000


def test_nobody_waits_for_a_hub_that_hangs(telling):
    world = telling(**{"hub.inline_deadline_ms": "40000"})
    client = world.client("acme")
    client.get("/collections")
    world.hub.fault("hang", operation="ship_logs")
    client.get("/collections")
    deadline = time.monotonic() + 20
    while world.hub.asked("ship_logs") == 0:
        assert time.monotonic() < deadline
        time.sleep(.05)
    began = time.monotonic()
    for _ in range(100):
        assert client.get("/collections").status == 200
    assert world.node.stop() == 0
    assert time.monotonic() - began < 30, "requests and the stop end before the call does"
    assert "HiveHub has not taken all operation records" in world.node.log_path.read_text()


def test_one_tenants_records_name_no_other(telling):
    world = telling()
    world.client("birch").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    birch = world.users["birch"]
    assert world.client("acme").get(f"/collections/user_{birch}:docs").status == 404
    of_acme = [r for r in wait_for(world, 2) if r["tenant_id"] == world.users["acme"]]
    assert len(of_acme) == 1 and birch not in str(of_acme)
