"""hub.use_check_quota: HiveHub is asked before growth, too (contract hub.md §5). Its no refuses; its silence does not."""
import time

import pytest
from test_hub_metrics import lines
from test_tenant_metrics import scrape


@pytest.fixture
def asking(start_world):
    """The node's own limits are far away; HiveHub's are known to HiveHub alone (hub.paths.get_quota is off)."""
    def start(**settings):
        return start_world(**{"hub.use_check_quota": "true", **settings})
    return start


def set_limits(world, who="acme", **limits):
    world.hub.control("POST", f"/quotas/{world.users[who]}", {"limits": limits})


def put(client, *ids):
    return client.put("/collections/docs/points", {"points": [{"id": i, "vector": [1, 0]} for i in ids]})


def last_asked(world):
    entries = [e for e in world.hub.control("GET", "/journal")["requests"] if e["operation"] == "check_quota"]
    return entries[-1]


def test_hivehubs_no_is_a_quota_refusal(asking):
    world = asking()
    client = world.client("acme")
    set_limits(world, collection_count=0, vector_count=None)
    refused = client.post("/collections", {"name": "docs", "dimension": 2})
    assert refused.status == 429 and refused.code == "QUOTA_EXCEEDED" and int(refused.headers["Retry-After"]) > 0
    body = refused.json()
    assert body["details"] == {"quota_type": "collection_count", "limit": 0, "used": 0, "requested": 1, "remaining": 0}
    assert set(body["usage"]) == {"current_bytes", "quota_bytes", "requested_bytes", "available_bytes"}
    set_limits(world, collection_count=5, vector_count=2)
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert put(client, "a", "b").status == 200
    assert put(client, "c", "d", "e").json()["details"] == {
        "quota_type": "vector_count", "limit": 2, "used": 0, "requested": 3, "remaining": 2}, "HiveHub knows of no use yet"
    seen = scrape(world)
    acme = world.users["acme"]
    assert seen["hub_quota_checks_total", acme, "collection_count", "denied"] == 1
    assert seen["vectorizer_tenant_quota_exceeded_total", acme, "vector_count"] == 1
    assert seen["waggle_hub_client_requests_total", "check_quota", "200"] == world.hub.asked("check_quota") == 4
    assert seen["waggle_hub_unchecked_growth_total",] == 0
    assert client.ok("GET", "/collections/docs")["vector_count"] == 2, "a refused write leaves nothing"


def test_every_way_to_grow_is_asked_about(asking):
    world = asking()
    client = world.client("acme")
    for name in ("docs", "other"):
        client.ok("POST", "/collections", {"name": name, "dimension": 2})
    put(client, "a")
    set_limits(world, vector_count=0, collection_count=0)
    vectors = [{"id": "n1", "vector": [1, 0]}]
    for method, path, body in (("PUT", "/collections/docs/points", {"points": vectors}),
                               ("POST", "/insert_vectors", {"collection": "docs", "vectors": vectors}),
                               ("POST", "/insert", {"collection": "docs", "text": "a word", "id": "t"}),
                               ("POST", "/insert_texts", {"collection": "docs", "texts": [{"id": "t", "text": "a word"}]}),
                               ("POST", "/collections/docs/vectors/copy", {"destination": "other", "ids": ["a"]}),
                               ("POST", "/insert_vectors", {"collection": "made", "vectors": vectors}),
                               ("POST", "/collections", {"name": "made", "dimension": 2})):
        before = world.hub.asked("check_quota")
        answer = client.request(method, path, body)
        assert answer.code == "QUOTA_EXCEEDED", (method, path, answer)
        assert world.hub.asked("check_quota") == before + 1, (method, path)
    # What is no growth is nobody's business: overwriting, moving, deleting, an existing name.
    before = world.hub.asked("check_quota")
    assert put(client, "a").status == 200
    assert client.post("/collections/docs/vectors/move", {"destination": "other", "ids": ["a"]}).status == 200
    assert client.post("/collections", {"name": "docs", "dimension": 2}).status == 409
    assert client.request("DELETE", "/collections/docs").status == 200
    assert world.hub.asked("check_quota") == before


def test_the_nodes_own_limits_decide_first(asking):
    world = asking(**{"quotas.defaults.vector_count": "2", "quotas.defaults.collection_count": "1"})
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    put(client, "a")
    before = world.hub.asked("check_quota")
    assert put(client, "b", "c").json()["details"]["limit"] == 2
    assert client.post("/collections", {"name": "more", "dimension": 2}).json()["details"]["limit"] == 1
    assert world.hub.asked("check_quota") == before
    # And last: HiveHub's yes lifts nothing.
    set_limits(world, vector_count=None, collection_count=None)
    assert put(client, "b").status == 200 and put(client, "c").code == "QUOTA_EXCEEDED"


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "status", "status": 403}, {"kind": "status", "status": 404},
                                   {"kind": "hang"}, {"kind": "malformed"}, {"kind": "wrong_type"}, {"kind": "refuse"}],
                         ids=lambda f: " ".join(str(v) for v in f.values()))
def test_silence_and_errors_are_ignored(asking, fault):
    world = asking(**{"hub.inline_deadline_ms": "400"})
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    set_limits(world, vector_count=0)
    world.hub.fault(operation="check_quota", **fault) if fault["kind"] != "refuse" else world.hub.fault(**fault)
    began = time.monotonic()
    assert put(client, "a").status == 200
    assert time.monotonic() - began < 3
    assert scrape(world)["waggle_hub_unchecked_growth_total",] == 1
    if fault.get("status") != 404:
        assert [line["operation"] for line in lines(world, "HiveHub does not answer")] == ["check_quota"]
    world.hub.heal()
    deadline = time.monotonic() + 20
    n = 0
    while put(client, f"b{n}").status == 200:  # until the breaker lets a call through
        assert time.monotonic() < deadline
        time.sleep(.2)
        n += 1


def test_it_is_off_unless_asked_for(world):
    world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert world.hub.asked("check_quota") == 0


def test_the_other_path_set(asking):
    world = asking(**{"hub.path_set": "v1", "hub.paths.get_quota": None})
    world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert world.hub.asked("check_quota") == 1
    assert last_asked(world)["target"] == f"/api/v1/vectorizer/users/{world.users['acme']}/quota/check"
