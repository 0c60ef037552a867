"""Limits that HiveHub gives: taken over, remembered, and enforced on when it is silent (contract hub.md §3, §5)."""
import time

import pytest

FAST = {"hub.cache.quota_ttl_seconds": "1", "hub.circuit_breaker.open_seconds": "1", "hub.circuit_breaker.max_open_seconds": "1"}
DEFAULTS = {"hub.paths.get_quota": "GET /api/internal/{service}/user/{user_id}/quota", "quotas.defaults.collection_count": "10", "quotas.defaults.vector_count": "100000",
            "quotas.defaults.storage_bytes": "1073741824"}


def set_limits(world, who, shape="limits", nested=False, **limits):
    world.hub.control("POST", f"/quotas/{world.users[who]}", {"limits": limits, "shape": shape, "nested": nested})


def quota(client):
    return client.ok("GET", "/hub/usage/quota")["quota"]


def put(client, *ids):
    return client.put("/collections/docs/points", {"points": [{"id": i, "vector": [1, 0]} for i in ids]})


@pytest.mark.parametrize("shape, nested, known", [
    ("limits", False, {"vectors": 2, "collections": 3, "storage": 5000, "monthly": 77}),
    ("limits", True, {"vectors": 2, "collections": 3, "storage": 5000, "monthly": 77}),
    ("groups", True, {"vectors": 2, "collections": 3, "storage": 5000, "monthly": 77}),
    ("max", False, {"vectors": 2, "collections": 3}),
    ("operations", True, {"storage": 5000, "monthly": 77}),
])
def test_every_shape_of_the_answer(start_world, shape, nested, known):
    world = start_world(**DEFAULTS)
    set_limits(world, "acme", shape, nested, vector_count=2, collection_count=3, storage_bytes=5000, requests_per_month=77)
    seen = quota(world.client("acme"))
    otherwise = {"vectors": 100000, "collections": 10, "storage": 1 << 30, "monthly": None}
    for name, fallback in otherwise.items():
        assert seen[name]["limit"] == known.get(name, fallback), name
    assert seen["source"] == "hub" and seen["updated_at"]


def test_limits_hold_and_change(start_world):
    world = start_world(**DEFAULTS, **FAST)
    client = world.client("acme")
    set_limits(world, "acme", vector_count=2, requests_per_minute=500)
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert put(client, "a", "b").status == 200
    refused = put(client, "c")
    assert refused.code == "QUOTA_EXCEEDED" and refused.json()["details"]["limit"] == 2
    assert refused.headers["X-RateLimit-Limit"] == "500"
    set_limits(world, "acme", vector_count=None)
    deadline = time.time() + 20
    while put(client, "c").status != 200:
        assert time.time() < deadline, "the new limit is never learnt"
        time.sleep(.2)
    assert quota(client)["vectors"]["limit"] is None
    # Lower than what is there: nothing is lost, growth is refused.
    set_limits(world, "acme", vector_count=1)
    deadline = time.time() + 20
    extra = 0
    while put(client, "a", f"d{extra}").status == 200:
        assert time.time() < deadline
        time.sleep(.2)
        extra += 1
    assert put(client, "a").status == 200
    assert client.ok("GET", "/collections/docs")["vector_count"] >= 3


def test_a_silent_hub_leaves_the_last_word(start_world):
    world = start_world(**DEFAULTS, **FAST)
    set_limits(world, "acme", vector_count=3)
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert put(client, "a", "b").status == 200
    # Known to the process, past its time.
    world.hub.fault("status", status=500, operation="get_quota")
    time.sleep(1.2)
    assert put(client, "c", "d").code == "QUOTA_EXCEEDED"
    assert put(client, "c").status == 200
    # Known to the store only.
    world.node.stop()
    world.node.start()
    client = world.client("acme")
    assert put(client, "d").code == "QUOTA_EXCEEDED"
    seen = quota(client)
    assert (seen["source"], seen["vectors"]["limit"]) == ("lease", 3)
    # Never known: the configuration's, which are finite.
    seen = quota(world.client("birch"))
    assert (seen["source"], seen["vectors"]["limit"]) == ("default", 100000)
    world.hub.heal()
    deadline = time.time() + 20
    while quota(world.client("birch"))["source"] != "hub":
        assert time.time() < deadline
        time.sleep(.2)


@pytest.mark.parametrize("kind, more", [("hang", {}), ("status", {"status": 503}), ("malformed", {}), ("truncated", {}),
                                        ("reset", {}), ("status", {"status": 404})])
def test_no_fault_makes_anything_unlimited_or_waits_long(start_world, kind, more):
    world = start_world(**{**DEFAULTS, "quotas.defaults.vector_count": "2"})
    world.hub.fault(kind, operation="get_quota", **more)
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    began = time.time()
    assert put(client, "a", "b").status == 200
    assert put(client, "c").code == "QUOTA_EXCEEDED"
    assert time.time() - began < 5, "a hub that hangs does not hold up requests"


def test_calls_are_few(start_world):
    world = start_world(**DEFAULTS)
    client = world.client("acme")
    for _ in range(300):
        client.ok("GET", "/collections")
    assert world.hub.asked("get_quota") == 1


def test_the_other_path_set(start_world):
    world = start_world(**{**DEFAULTS, "hub.path_set": "v1", "hub.paths.get_quota": None})
    set_limits(world, "acme", vector_count=2)
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert put(client, "a", "b").status == 200 and put(client, "c").code == "QUOTA_EXCEEDED"
    assert world.service(world.users["birch"]).get("/collections").status == 200
    assert world.node.stop() == 0
    journal = world.hub.control("GET", "/journal")
    assert {"validate_key", "get_quota", "get_user", "report_usage"} <= set(journal["counts"])
    assert [entry["target"] for entry in journal["requests"] if not entry["target"].startswith("/api/v1/")] == []
    assert world.hub.control("GET", f"/usage/{world.users['acme']}")["totals"]["vectors_inserted"] == 2


def test_limits_that_are_lifted_do_not_come_back_with_an_outage(start_world):
    world = start_world(**DEFAULTS, **FAST)
    everything = ("vector_count", "collection_count", "storage_bytes", "requests_per_month")
    set_limits(world, "acme", **{name: 1000 for name in everything})
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    set_limits(world, "acme", **{name: None for name in everything})
    deadline = time.time() + 20
    while quota(client)["vectors"]["limit"] is not None:
        assert time.time() < deadline, "the new limits are never learnt"
        time.sleep(.2)
    assert put(client, "a").status == 200
    world.hub.fault("status", status=500, operation="get_quota")
    world.node.stop()
    world.node.start()
    seen = quota(world.client("acme"))
    assert (seen["source"], seen["vectors"]["limit"]) == ("lease", None)


@pytest.mark.parametrize("rule", ["enforce_last", "defaults", "deny_growth"])
@pytest.mark.parametrize("lease", [True, False])
def test_a_word_that_is_too_old(start_world, rule, lease):
    world = start_world(**{**DEFAULTS, **FAST, "quotas.defaults.vector_count": "4", "hub.entitlement.on_expiry": rule,
                           "hub.entitlement.max_stale_seconds": "86400" if lease else "4"})
    ends = time.time() + (6 if lease else 4)
    in_utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    world.hub.control("POST", f"/quotas/{world.users['acme']}", {
        "limits": {"vector_count": 6}, "shape": "limits", **({"lease": {"id": "l", "expires_at": in_utc}} if lease else {})})
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert put(client, "a", "b", "c").status == 200
    world.hub.fault("status", status=500, operation="get_quota")
    time.sleep(max(0, ends - time.time()) + 1.5)
    for _ in range(2):  # the process's memory, then the store's
        if rule == "deny_growth":
            refused = put(client, "d")
            assert refused.code == "QUOTA_EXCEEDED" and refused.json()["details"]["reason"] == "entitlement_expired"
            assert client.post("/collections", {"name": "more", "dimension": 2}).code == "QUOTA_EXCEEDED"
            assert put(client, "a").status == 200
        else:
            most = 4 if rule == "defaults" else 6
            assert quota(client)["vectors"]["limit"] == most
            assert put(client, *"defgh"[:most - 2]).code == "QUOTA_EXCEEDED"
        world.node.stop()
        world.node.start()
        client = world.client("acme")
    world.hub.control("POST", f"/quotas/{world.users['acme']}", {"limits": {"vector_count": 6}, "shape": "limits", "lease": {}})
    world.hub.heal()
    deadline = time.time() + 20
    while put(client, "d", "e", "f").status != 200:
        assert time.time() < deadline, "HiveHub's new word is never heard"
        time.sleep(.2)
