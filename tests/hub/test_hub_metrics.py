"""What the node says about its line to HiveHub (contract metrics.md §3), and the log lines that operators look for (seed 000)."""
import json
import threading
import time

import pytest
from test_tenant_metrics import scrape

WITH_QUOTAS = {"hub.paths.get_quota": "GET /api/internal/{service}/user/{user_id}/quota"}


def test_breakers_show_their_state(start_world):
    """0 closed, 2 open, 1 when the next call is a probe; each question has one of its own."""
    world = start_world(**{"hub.circuit_breaker.failures": "2", "hub.circuit_breaker.open_seconds": "2"})
    state = lambda: scrape(world)["waggle_hub_breaker_state", "validate_key"]
    assert state() == 0
    world.hub.fault("status", status=500, operation="validate_key")
    assert world.client("acme").get("/collections").code == "HUB_UNAVAILABLE"
    assert state() == 2
    assert scrape(world)["waggle_hub_breaker_state", "get_user"] == 0
    deadline = time.monotonic() + 10
    while state() != 1:
        assert time.monotonic() < deadline
        time.sleep(.1)
    world.hub.heal()
    assert world.client("acme").get("/collections").status == 200
    assert state() == 0


def test_calls_that_are_shared_and_answers_that_are_kept(start_world):
    world = start_world(**WITH_QUOTAS)
    world.hub.fault("latency", operation="validate_key", ms=1500)
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(world.client("acme").get("/collections").status)) for _ in range(10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert statuses == [200] * 10
    world.hub.heal()
    assert world.client("birch").get("/collections").status == 200
    seen = scrape(world)
    # Nine waited for the tenth's answer about the key; its ask for the quota may have been shared, too.
    assert 9 <= seen["waggle_hub_singleflight_joined_total",] <= 18
    assert [seen["waggle_hub_cache_entries", cache] for cache in ("key", "user", "quota")] == [2, 2, 2]


def test_calls_by_requests(start_world):
    """hub.md §4: at most a tenth of the requests need a call."""
    world = start_world(**WITH_QUOTAS)
    client = world.client("acme")
    for _ in range(99):
        assert client.get("/collections").status == 200
    ratio = scrape(world)["waggle_hub_calls_per_request_ratio",]
    calls = sum(world.hub.asked(operation) for operation in ("validate_key", "get_user", "get_quota"))
    assert calls == 2 and ratio == pytest.approx(calls / 99)


def lines(world, message):
    entries = (json.loads(line) for line in world.node.log_path.read_text().splitlines() if line.startswith("{"))
    return [entry for entry in entries if entry.get("message", entry.get("msg")) == message]


def test_the_lines_that_operators_look_for(start_world):
    world = start_world(**WITH_QUOTAS, **{"logging.level": "debug", "hub.usage_report_interval": "3600"})
    acme, client = world.users["acme"], world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    client.ok("PUT", "/collections/docs/points", {"points": [{"id": "a", "vector": [1, 0]}]})
    world.hub.control("POST", f"/quotas/{world.users['birch']}", {"limits": {"collection_count": 0}})
    assert world.client("birch").post("/collections", {"name": "docs", "dimension": 2}).code == "QUOTA_EXCEEDED"
    assert world.node.stop() == 0
    assert len(lines(world, "HiveHub integration initialized")) == 1
    checks = [(line["tenant"], line["quota_type"], line["allowed"], line["refused"]) for line in lines(world, "Quota check for tenant")]
    assert checks == [(acme, "collection_count", 1, 0), (acme, "vector_count", 1, 0), (acme, "storage", 1, 0),
                      (world.users["birch"], "collection_count", 0, 1)]
    reports = lines(world, "Usage report sent")
    assert sorted(line["tenant"] for line in reports) == sorted(world.users.values())
    assert all(line["position"] >= 1 for line in reports)


def test_without_hivehub_the_log_says_so(make_node):
    node = make_node().start()
    node.stop()
    assert "Hub integration disabled" in node.log_path.read_text()
