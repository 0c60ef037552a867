"""What is counted by tenant, for the operator alone, under a bounded number of names."""
import re

import pytest


def scrape(world):
    text = world.service().get("/metrics").text
    found = {}
    for name, labels, value in re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", text, re.M):
        found[(name, *re.findall(r'"([^"]*)"', labels))] = float(value)
    return found


def put(client, count, name="docs"):
    return client.put(f"/collections/{name}/points", {"points": [{"id": str(n), "vector": [n, 1]} for n in range(count)]})


@pytest.fixture
def world(start_world):
    return start_world(**{"quotas.defaults.vector_count": "10", "quotas.defaults.collection_count": "2",
                          "rate_limiting.default_requests_per_minute": "20"})


def test_they_count_what_a_tenant_did(world):
    acme, birch = world.users["acme"], world.users["birch"]
    client = world.client("acme")
    for name in ("docs", "more", "refused"):
        client.post("/collections", {"name": name, "dimension": 2})
    assert put(client, 8).status == 200 and put(client, 3, "more").status == 429
    for _ in range(20):
        client.get("/collections")
    seen = scrape(world)
    assert seen["vectorizer_tenant_requests_total", acme, "create_collection"] == 3
    assert seen["vectorizer_tenant_requests_total", acme, "insert_vectors"] == 2
    assert seen["vectorizer_tenant_requests_total", acme, "list_collections"] == 15
    assert seen["vectorizer_tenant_rate_limit_exceeded_total", acme] == 5
    assert seen["vectorizer_tenant_storage_bytes", acme] == 8 * 9
    for prefix in ("vectorizer_", ""):
        checks = prefix + "hub_quota_checks_total"
        allowed = lambda kind: seen.get((checks, acme, kind, "allowed"), 0) + seen.get((checks, acme, kind, "error"), 0)
        assert (allowed("collection_count"), allowed("vector_count"), allowed("storage")) == (2, 1, 1)
        for kind in ("collection_count", "vector_count"):
            assert seen[checks, acme, kind, "denied"] == 1
            assert seen[prefix + "hub_quota_exceeded_total", acme, kind] == 1
            assert seen["vectorizer_tenant_quota_exceeded_total", acme, kind] == 1
        usage = {kind: seen[prefix + "hub_quota_usage", acme, kind] for kind in ("collection_count", "vector_count", "storage")}
        assert usage == {"collection_count": 2, "vector_count": 8, "storage": 72}
        assert seen[prefix + "hub_active_tenants",] == 1
        answers = prefix + "hub_api_requests_total"
        assert seen[answers, acme, "/collections", "POST", "200"] == 2 and seen[answers, acme, "/collections", "POST", "429"] == 1
        assert seen[answers, acme, "/collections", "GET", "200"] == 15
        assert seen[prefix + "hub_api_latency_seconds_count", "validate_key"] >= 1
        assert seen[prefix + "hub_quota_check_latency_seconds_count",] >= 20
    assert seen["waggle_hub_client_requests_total", "validate_key", "200"] >= 1
    assert seen["waggle_hub_cache_entries", "key"] == 1 and seen["waggle_hub_cache_entries", "user"] == 1
    assert seen["waggle_hub_breaker_state", "validate_key"] == 0
    assert seen["waggle_tenant_cpu_seconds_total", acme] > 0
    assert min(seen["waggle_tenant_bytes_total", acme, way] for way in ("in", "out")) > 0
    assert not any(birch in key for key in seen)
    # The operator's own requests are nobody's.
    assert not any(key[0] == "vectorizer_tenant_requests_total" and key[2] == "metrics" for key in seen)
    assert world.client("birch").get("/metrics").code == "FORBIDDEN", "they are the operator's"


def test_few_series_for_many_tenants(start_world):
    world = start_world(**{"metrics.max_tenant_series": "1", "metrics.hub_unprefixed": "false"})
    acme, birch = world.users["acme"], world.users["birch"]
    for name in ("acme", "birch"):
        world.client(name).ok("POST", "/collections", {"name": "docs", "dimension": 2})
        assert put(world.client(name), 4).status == 200
    seen = scrape(world)
    # birch asked last; what was counted of acme ended with its series, and what it holds is among the others.
    assert seen["vectorizer_tenant_requests_total", birch, "insert_vectors"] == 1
    assert seen["vectorizer_tenant_storage_bytes", birch] == seen["vectorizer_tenant_storage_bytes", "_other"] == 36
    assert not any(acme in key for key in seen)
    assert seen["vectorizer_hub_active_tenants",] == 2 and ("hub_active_tenants",) not in seen
    assert not any(key[0].startswith("hub_") for key in seen)
    before = seen["waggle_tenant_cpu_seconds_total", "_other"]
    put(world.client("acme"), 4)
    seen = scrape(world)
    assert seen["waggle_tenant_cpu_seconds_total", "_other"] >= before
    assert seen["vectorizer_tenant_requests_total", acme, "insert_vectors"] == 1
    assert not any(birch in key for key in seen)


def test_no_names_at_all(start_world):
    world = start_world(**{"metrics.tenant_labels": "none"})
    for name in ("acme", "birch"):
        world.client(name).ok("POST", "/collections", {"name": "docs", "dimension": 2})
    seen = scrape(world)
    assert seen["vectorizer_tenant_requests_total", "_all", "create_collection"] == 2
    assert seen["hub_quota_usage", "_all", "collection_count"] == 2
    assert not any(user in key for key in seen for user in world.users.values())
