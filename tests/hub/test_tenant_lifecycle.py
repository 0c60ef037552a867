"""Operators suspend, limit and put tenants to sleep; what a tenant holds stays, and nobody else notices."""
import threading
import time

import pytest


def fill(client, points, name="docs", first=0):
    client.request("POST", "/collections", {"name": name, "dimension": 2})
    client.ok("PUT", f"/collections/{name}/points",
              {"points": [{"id": str(n), "vector": [n, 1]} for n in range(first, first + points)]})


def act(world, what, tenant="acme"):
    return world.service().post(f"/hub/tenant/{world.users.get(tenant, tenant)}/{what}")


def state(world, tenant="acme"):
    return world.service().ok("GET", f"/hub/tenant/{world.users[tenant]}/stats")["state"]


def operator(world, **headers):
    return world.client(world.hub.key(world.users["birch"], "ADMIN", key="hh_admin_" + "o" * 40, scope="operator"), **headers)


# ---- suspension ------------------------------------------------------------------------------------------------------


def test_a_suspended_tenant_is_kept_out_and_keeps_all(world):
    acme, birch = world.client("acme"), world.client("birch")
    fill(acme, 3)
    fill(birch, 4)
    assert act(world, "suspend").json() == {"tenant_id": world.users["acme"], "state": "suspended"}
    for method, path in (("GET", "/collections"), ("GET", "/collections/docs"), ("POST", "/collections"), ("GET", "/health"),
                         ("DELETE", "/collections/docs"), ("GET", "/hub/usage/statistics"), ("GET", "/auth/audit")):
        refused = acme.request(method, path, {"name": "x", "dimension": 2} if method == "POST" else None)
        assert refused.status == 403 and refused.code == "TENANT_SUSPENDED", path
    assert world.service(world.users["acme"]).get("/collections").code == "TENANT_SUSPENDED"
    assert birch.ok("GET", "/collections/docs")["vector_count"] == 4
    assert state(world) == "suspended" and state(world, "birch") == "active"
    listed = {t["tenant_id"]: t for t in world.service().ok("GET", "/cluster/tenants")["tenants"]}
    assert not listed[world.users["acme"]]["active"] and listed[world.users["birch"]]["active"]
    assert world.service().ok("POST", "/cluster/keys/validate", {"api_key": world.keys["acme"]["key"]})["valid"] is False
    world.node.kill9()
    world.node.start()
    assert world.client("acme").get("/collections").code == "TENANT_SUSPENDED"
    assert act(world, "resume").json()["state"] in ("active", "hibernated")
    assert world.client("acme").ok("GET", "/collections/docs")["vector_count"] == 3


def test_an_operator_may_read_and_delete_for_a_suspended_tenant(world):
    fill(world.client("acme"), 3)
    act(world, "suspend")
    acting = operator(world, **{"x-hivehub-user-id": world.users["acme"]})
    assert acting.ok("GET", "/collections/docs")["vector_count"] == 3
    assert acting.post("/delete", {"collection": "docs", "id": "0"}).status == 200
    assert acting.post("/collections", {"name": "new", "dimension": 2}).code == "TENANT_SUSPENDED"
    assert acting.post("/insert", {"collection": "docs", "text": "x"}).code == "TENANT_SUSPENDED"


def test_hivehubs_word_and_the_operators_are_apart(world):
    client = world.client("acme")
    fill(client, 1)
    act(world, "suspend")
    world.hub.act("users", world.users["acme"], "suspend")
    act(world, "resume")
    fresh = world.hub.key(world.users["acme"], "ADMIN")
    assert world.client(fresh).get("/collections").code == "TENANT_SUSPENDED"
    assert state(world) == "suspended"


def test_what_can_not_be_acted_on(world):
    service = world.service()
    nil = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    for what in ("suspend", "resume", "hibernate", "wake"):
        assert service.post(f"/hub/tenant/nonsense/{what}").code == "INVALID_USER_ID"
        assert service.post(f"/hub/tenant/{nil}/{what}").code == "INVALID_USER_ID"
        assert world.client("acme").post(f"/hub/tenant/{world.users['acme']}/{what}").code == "FORBIDDEN"
        assert world.service(world.users["acme"]).post(f"/hub/tenant/{world.users['acme']}/{what}").code == "FORBIDDEN"
    for what in ("hibernate", "wake"):
        assert act(world, what, "acme").code == "TENANT_NOT_FOUND"  # it never wrote


# ---- limits ----------------------------------------------------------------------------------------------------------


def limit(world, limits, **more):
    return world.service().request("PUT", f"/hub/tenant/{world.users['acme']}/quota", {"limits": limits, **more})


def test_an_operator_lowers_limits(world):
    client = world.client("acme")
    fill(client, 3)
    told = limit(world, {"vector_count": 4, "collection_count": 1, "requests_per_minute": 600}).json()
    assert told["vectors"]["limit"] == 4 and told["collections"]["limit"] == 1
    assert told["rate_limits"]["requests_per_minute"] == 600

    def refused():
        client = world.client("acme")
        assert client.post("/collections", {"name": "more", "dimension": 2}).json()["details"]["quota_type"] == "collection_count"
        over = client.request("PUT", "/collections/docs/points", {"points": [{"id": n, "vector": [1, 1]} for n in range(10, 12)]})
        assert over.status == 429 and over.json()["details"] == {
            "quota_type": "vector_count", "limit": 4, "used": 3, "requested": 2, "remaining": 1}

    refused()
    world.node.restart()
    refused()
    assert limit(world, {}).json()["vectors"]["limit"] == 1000000000
    fill(world.client("acme"), 3, first=20)


def test_limits_of_an_operator_end(world):
    fill(world.client("acme"), 3)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    assert limit(world, {"vector_count": 3}, expires_at=soon).status == 200
    over = {"points": [{"id": 100, "vector": [1, 1]}]}
    assert world.client("acme").request("PUT", "/collections/docs/points", over).status == 429
    for _ in range(100):
        if world.client("acme").request("PUT", "/collections/docs/points", over).status == 200:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the limit is still in force")


def test_an_operator_never_raises_what_hivehub_gives(start_world):
    world = start_world(**{"hub.paths.get_quota": "GET /api/internal/{service}/user/{user_id}/quota"})
    world.hub.control("POST", f"/quotas/{world.users['acme']}", {"limits": {"vector_count": 2}})
    assert limit(world, {"vector_count": 100}).json()["vectors"]["limit"] == 2


@pytest.mark.parametrize("body,field", [({}, "limits"), ({"limits": 1}, "limits"), ({"limits": {"vector_count": -1}}, "vector_count"),
                                        ({"limits": {"requests_per_minute": 0}}, "requests_per_minute"),
                                        ({"limits": {}, "expires_at": "tomorrow"}, "expires_at"),
                                        ({"limits": {}, "expires_at": "2020-01-01T00:00:00Z"}, "expires_at")])
def test_limits_that_make_no_sense(world, body, field):
    refused = world.service().request("PUT", f"/hub/tenant/{world.users['acme']}/quota", body)
    assert refused.status == 400 and refused.json()["details"]["field"] == field


# ---- sleep -----------------------------------------------------------------------------------------------------------


def test_a_sleeping_tenant_is_woken_by_its_next_request(world):
    client = world.client("acme")
    fill(client, 50)
    client.ok("POST", "/search", {"collection": "docs", "vector": [7, 1], "limit": 1})
    assert act(world, "hibernate").json()["state"] == "hibernated"
    assert state(world) == "hibernated"
    assert world.service().ok("GET", f"/hub/tenant/{world.users['acme']}/stats")["total_vectors"] == 50
    assert state(world) == "hibernated", "asking about it wakes nobody"
    # Quotas hold, and deleting works, without waking it first.
    assert client.ok("POST", "/search", {"collection": "docs", "vector": [49, 1], "limit": 1, "exact": True})["results"][0]["id"]
    assert state(world) == "active"
    assert act(world, "hibernate").status == 200
    fill(client, 10, first=50)
    assert client.ok("GET", "/collections/docs")["vector_count"] == 60
    assert act(world, "hibernate").status == 200 and act(world, "wake").json()["state"] == "active"


def test_tenants_fall_asleep_by_themselves(start_world):
    world = start_world(**{"tenancy.idle_hibernate_seconds": "1"})
    fill(world.client("acme"), 5)
    for _ in range(100):
        if state(world) == "hibernated":
            break
        time.sleep(0.1)
    assert state(world) == "hibernated"
    assert world.client("acme").ok("GET", "/collections/docs")["vector_count"] == 5


def test_no_request_fails_or_is_lost_when_tenants_sleep(world):
    """Putting it to sleep again and again while it is asked and written to."""
    fill(world.client("acme"), 20)
    stop, wrong, written = threading.Event(), [], [[] for _ in range(4)]

    def ask():
        client = world.client("acme")
        while not stop.is_set():
            answer = client.post("/search", {"collection": "docs", "vector": [1, 1], "limit": 5})
            if answer.status != 200 or len(answer.json()["results"]) != 5:
                wrong.append(answer)

    def write(n):
        client = world.client("acme")
        while not stop.is_set():
            id = f"w{n}-{len(written[n])}"
            answer = client.request("PUT", "/collections/docs/points", {"points": [{"id": id, "vector": [n, 2]}]})
            if answer.status != 200:
                wrong.append(answer)
            else:
                written[n].append(id)
            time.sleep(0.002)

    threads = [threading.Thread(target=ask) for _ in range(3)] + [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    slept, until = 0, time.monotonic() + 4
    service = world.service()
    while time.monotonic() < until:
        slept += service.post(f"/hub/tenant/{world.users['acme']}/hibernate").status == 200
        time.sleep(0.003)
    stop.set()
    for t in threads:
        t.join()
    assert not wrong, wrong[:3]
    assert slept > 5, "it never slept, so nothing was tested"
    count = 20 + sum(len(ids) for ids in written)
    assert world.client("acme").ok("GET", "/collections/docs")["vector_count"] == count
    found = world.client("acme").ok("POST", "/search", {"collection": "docs", "vector": [1, 1], "limit": 100, "exact": True})
    assert len(found["results"]) == 100
    world.node.kill9()
    world.node.start()
    assert world.client("acme").ok("GET", "/collections/docs")["vector_count"] == count
