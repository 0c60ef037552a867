"""HiveHub pushes news: in force when it is answered, once, and only from HiveHub."""
import hashlib
import time

import pytest

from cluster_world import INBOUND_SECRET


@pytest.fixture
def long_memory(start_world):
    """What HiveHub said is remembered for a day."""
    return start_world(**{"hub.cache.api_key_ttl_seconds": "86400"})


def send(world, *events):
    return world.service().post("/hub/events", {"events": list(events)})


def event(type, n=[0], **more):
    n[0] += 1
    return {"id": f"e{n[0]}", "type": type, "at": "2026-01-01T00:00:00Z", **more}


def test_a_revoked_key_is_out_at_once(long_memory):
    world = long_memory
    for name in ("key_id", "key_sha256"):
        key = world.hub.key(world.users["acme"], "ADMIN")
        client = world.client(key)
        assert client.get("/collections").status == 200
        world.hub.act("keys", key["id"], "revoke")
        assert client.get("/collections").status == 200, "remembered"
        what = {"key_id": key["id"], "key_sha256": hashlib.sha256(key["key"].encode()).hexdigest()}[name]
        told = send(world, event("key.revoked", **{name: what}))
        assert told.json() == {"accepted": 1, "duplicates": 0, "failed": []}
        assert client.get("/collections").code == "AUTH_INVALID_KEY"


def test_users_come_and_go(long_memory):
    world = long_memory
    client, acme = world.client("acme"), world.users["acme"]
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    world.hub.act("users", acme, "suspend")
    assert client.get("/collections").status == 200, "remembered"
    send(world, event("user.suspended", tenant_id=acme))
    assert client.get("/collections").code == "TENANT_SUSPENDED"
    world.hub.act("users", acme, "resume")
    send(world, event("user.resumed", tenant_id=acme))
    assert client.ok("GET", "/collections")["total"] == 1
    assert world.client("birch").get("/collections").status == 200


def test_a_deleted_user_is_erased(long_memory):
    world = long_memory
    client, acme = world.client("acme"), world.users["acme"]
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert send(world, event("user.deleted", tenant_id=acme)).json()["accepted"] == 1
    assert client.get("/collections").status in (403, 404)
    for _ in range(100):
        if world.service().ok("GET", f"/hub/tenant/{acme}/stats")["collection_count"] == 0:
            break
        time.sleep(0.1)
    else:
        pytest.fail("its data is still there")


def test_a_grace_time_before_the_erasure(start_world):
    world = start_world(**{"tenancy.delete_grace_seconds": "3600"})
    client, acme = world.client("acme"), world.users["acme"]
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    send(world, event("user.deleted", tenant_id=acme))
    assert client.get("/collections").code == "TENANT_SUSPENDED"
    world.node.restart()
    assert world.service().ok("GET", f"/hub/tenant/{acme}/stats")["collection_count"] == 1
    send(world, event("user.resumed", tenant_id=acme))
    assert world.client("acme").ok("GET", "/collections")["total"] == 1


def test_a_changed_quota_holds_at_once(start_world):
    world = start_world(**{"hub.paths.get_quota": "GET /api/internal/{service}/user/{user_id}/quota",
                           "hub.cache.quota_ttl_seconds": "86400"})
    acme = world.users["acme"]
    client = world.client("acme")
    client.ok("POST", "/collections", {"name": "a", "dimension": 2})
    world.hub.control("POST", f"/quotas/{acme}", {"limits": {"collection_count": 1}})
    client.ok("POST", "/collections", {"name": "b", "dimension": 2})
    send(world, event("quota.changed", tenant_id=acme))
    assert client.post("/collections", {"name": "c", "dimension": 2}).code == "QUOTA_EXCEEDED"


def test_news_counts_once_also_after_a_restart(world):
    news = event("quota.changed", tenant_id=world.users["acme"])
    assert send(world, news, news).json() == {"accepted": 1, "duplicates": 1, "failed": []}
    world.node.kill9()
    world.node.start()
    assert send(world, news).json() == {"accepted": 0, "duplicates": 1, "failed": []}


def test_what_can_not_be_applied_is_named_and_may_come_again(world):
    wrong = event("user.promoted", tenant_id=world.users["acme"])
    nobody = event("user.suspended")
    good = event("quota.changed", tenant_id=world.users["acme"])
    for _ in range(2):
        told = send(world, wrong, nobody, good).json()
        assert told["failed"] == [wrong["id"], nobody["id"]]
    assert told["duplicates"] == 1


def test_only_hivehub_brings_news(world):
    body = {"events": [event("user.suspended", tenant_id=world.users["birch"])]}
    operator = world.client(world.hub.key(world.users["acme"], "ADMIN", key="hh_admin_" + "o" * 40, scope="operator"))
    for client in (world.client("acme"), operator, world.service(world.users["acme"])):
        assert client.post("/hub/events", body).code == "FORBIDDEN"
    assert world.node.client().post("/hub/events", body).status == 401
    assert world.service(secret="wrong" * 10).post("/hub/events", body).code == "AUTH_SERVICE_REJECTED"
    assert world.client("birch").get("/collections").status == 200


@pytest.mark.parametrize("body", [{}, {"events": 1}, {"events": [1]}, {"events": [{"type": "quota.changed"}]}, {"events": [{"id": "x"}]},
                                  {"events": [{"id": "a b", "type": "quota.changed"}]}, {"events": [{"id": "x" * 200, "type": "y"}]},
                                  {"events": [{"id": "x", "type": "user.suspended", "tenant_id": "nobody"}]},
                                  {"events": [{"id": str(n), "type": "y"} for n in range(1001)]}])
def test_bodies_that_are_refused(world, body):
    assert world.service().post("/hub/events", body).status == 400


def test_the_mock_hub_pushes_to_the_node(long_memory):
    world = long_memory
    key = world.hub.key(world.users["acme"], "ADMIN")
    client = world.client(key)
    assert client.get("/collections").status == 200
    world.hub.act("keys", key["id"], "revoke")
    sent = world.hub.control("POST", "/events/send", {
        "nodes": [f"http://127.0.0.1:{world.node.port}"], "headers": {"x-hivehub-service": INBOUND_SECRET},
        "events": [{"type": "key.revoked", "key_id": key["id"]}]})["sent"]
    assert sent[0]["status"] == 200 and sent[0]["body"]["accepted"] == 1
    assert client.get("/collections").code == "AUTH_INVALID_KEY"
