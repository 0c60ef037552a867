"""Keys, carriers, service requests, and what the node does when HiveHub does not answer."""
import threading
import time

import pytest
from cluster_world import INBOUND_SECRET
from mock_hub import bearer


def test_carriers(world):
    key = world.keys["acme"]["key"]
    asked = world.node.client()
    for headers in ({"Authorization": f"Bearer {key}"}, {"Authorization": f"bearer  {key}"}, {"Authorization": key},
                    {"X-API-Key": key}, {"api-key": key}, {"X-API-Key": key, "Authorization": f"Bearer {key}"}):
        answer = asked.get("/collections", headers=headers)
        assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store", headers
    other = world.keys["birch"]["key"]
    assert asked.get("/collections", headers={"X-API-Key": key, "api-key": other}).status == 400
    for bad in ("Basic dXNlcjpwYXNz", "Bearer ", f"Token {key}", f"Bearer {key} {key}", "hh_live_short"):
        assert asked.get("/collections", headers={"Authorization": bad}).code == "AUTH_INVALID_FORMAT", bad
    assert asked.get(f"/collections?api_key={key}").code == "AUTH_MISSING_KEY"
    assert asked.get("/collections", headers={"Cookie": f"api_key={key}"}).code == "AUTH_MISSING_KEY"


def test_service_requests(world):
    acme = world.users["acme"]
    assert world.service(acme).ok("POST", "/collections", {"name": "made", "dimension": 2})["owner_id"] == acme
    assert world.client("acme").get("/collections/made").status == 200
    assert world.client("birch").get("/collections/made").status == 404
    assert world.service("no uuid").get("/collections").code == "INVALID_USER_ID"
    assert world.service("00000000-0000-0000-0000-000000000000").get("/collections").code == "INVALID_USER_ID"
    # The operator without a user: figures of the node, but nobody's data, and no collection without an owner.
    operator = world.service()
    assert operator.get("/metrics").status == 200
    for method, path, body in (("GET", "/collections", None), ("POST", "/collections", {"name": "x", "dimension": 2})):
        assert operator.request(method, path, body).code == "TENANT_REQUIRED"
    assert world.service(acme).get("/metrics").code == "FORBIDDEN"


def test_nobody_acts_for_another(world):
    acme, birch = world.users["acme"], world.users["birch"]
    client = world.client("birch")
    assert client.get("/collections", headers={"x-hivehub-user-id": birch}).status == 200
    assert client.get("/collections", headers={"x-hivehub-user-id": acme}).code == "FORBIDDEN"
    assert client.get("/collections", headers={"x-hivehub-user-id": "x"}).code == "INVALID_USER_ID"
    operator = world.hub.key(acme, "ADMIN", key="hh_admin_" + "a" * 32, scope="operator")
    world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    acting = world.node.client(headers={**bearer(operator), "x-hivehub-user-id": acme})
    assert [c["name"] for c in acting.ok("GET", "/collections")["collections"]] == ["docs"]
    assert acting.get("/metrics").code == "FORBIDDEN"  # a tenant's administrator, nothing more
    # The prefix alone makes nobody an operator.
    plain = world.hub.key(birch, "ADMIN", key="hh_admin_" + "b" * 32)
    assert world.client(plain).get("/metrics").code == "FORBIDDEN"


def test_health_may_be_open(start_world):
    world = start_world(**{"cluster.protect_health": "false"})
    nobody = world.node.client()
    assert set(nobody.ok("GET", "/health")) == {"status", "timestamp", "version"}
    assert nobody.get("/readyz").status == 200
    assert nobody.get("/collections").status == 401


def test_a_key_in_use_costs_no_calls(world):
    client = world.client("acme")
    for _ in range(200):
        assert client.get("/collections").status == 200
    assert world.hub.asked() == 1


def test_first_uses_at_once_cost_one_call(world):
    world.hub.fault("latency", ms=300)
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(world.client("acme").get("/collections").status))
               for _ in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert statuses == [200] * 50 and world.hub.asked() == 1


def test_a_revoked_key_ends_with_its_entry(start_world):
    world = start_world(**{"hub.cache.api_key_ttl_seconds": "1", "hub.cache.stale_max_seconds": "0"})
    client = world.client("acme")
    assert client.get("/collections").status == 200
    world.hub.act("keys", world.keys["acme"]["id"], "revoke")
    deadline = time.monotonic() + 10
    while client.get("/collections").status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert client.get("/collections").code == "AUTH_INVALID_KEY"


def test_a_key_that_is_rotated_out_says_so(start_world):
    world = start_world()
    new = world.hub.act("keys", world.keys["acme"]["id"], "rotate")
    old, fresh = world.client("acme").get("/collections"), world.client(new).get("/collections")
    assert old.status == fresh.status == 200
    assert old.headers["X-API-Key-Deprecated"] == "true" and old.headers["X-API-Key-Expires"].endswith("Z")
    assert "X-API-Key-Deprecated" not in fresh.headers


FAULTS = {"status 500": {"kind": "status", "status": 500}, "status 401": {"kind": "reject_key"},
          "status 403": {"kind": "status", "status": 403}, "reset": {"kind": "reset"}, "hang": {"kind": "hang"},
          "truncated": {"kind": "truncated"}, "malformed": {"kind": "malformed"}, "wrong types": {"kind": "wrong_type"},
          "oversized": {"kind": "oversized", "bytes": 1 << 20}, "refused": {"kind": "refuse"}}


@pytest.mark.parametrize("fault", FAULTS)
def test_hub_outage(start_world, fault):
    """Fail closed: what is known serves on, what is not is 503, never 401, and all is well again afterwards."""
    world = start_world(**{"hub.cache.api_key_ttl_seconds": "1", "hub.inline_deadline_ms": "400",
                           "hub.circuit_breaker.open_seconds": "1"})
    known, unknown = world.client("acme"), world.client("birch")
    assert known.get("/collections").status == 200
    world.hub.fault(**FAULTS[fault])
    for client, expected in ((known, 200), (unknown, 503)):
        answer = client.get("/collections")
        assert answer.status == expected, answer
    assert unknown.get("/collections").code == "HUB_UNAVAILABLE" and int(answer.headers["Retry-After"]) >= 1
    time.sleep(1.1)  # past its time
    assert known.get("/collections").status == 200
    for _ in range(6):  # also when the breaker has opened
        assert known.get("/collections").status == 200 and unknown.get("/collections").status == 503
    world.hub.heal()
    deadline = time.monotonic() + 20
    while unknown.get("/collections").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_stale_entries_end(start_world):
    world = start_world(**{"hub.cache.api_key_ttl_seconds": "1", "hub.cache.stale_max_seconds": "1",
                           "hub.inline_deadline_ms": "200"})
    client = world.client("acme")
    assert client.get("/collections").status == 200
    world.hub.fault("status", status=503)
    time.sleep(2.1)
    assert client.get("/collections").code == "HUB_UNAVAILABLE"


def test_a_hub_that_is_down_stops_no_start(hub, make_node):
    hub.fault("refuse", operation="*")
    node = make_node(settings=hub.settings(**{"hub.inline_deadline_ms": "300"}), environment=hub.environment).start()
    user = hub.user("late")
    client = node.client(headers=bearer(hub.key(user, "READ_WRITE")))
    assert client.get("/collections").code == "HUB_UNAVAILABLE"
    hub.heal()
    deadline = time.monotonic() + 20
    while client.get("/collections").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_keys_are_not_in_the_log(start_world):
    world = start_world(**{"logging.level": "debug"})
    secrets = [world.keys["acme"]["key"], INBOUND_SECRET, "hh_live_" + "z" * 40]
    world.client("acme").get("/collections")
    world.service(world.users["acme"]).get("/collections")
    world.client({"key": secrets[2]}).get("/collections")
    world.node.stop()
    log = world.node.log_path.read_text()
    assert "HiveHub integration initialized" in log
    assert not [secret for secret in secrets if secret in log]


def test_a_key_ends_at_its_own_time_though_it_is_cached(world):
    """auth.md §4, §10: expires_at is part of HiveHub's answer."""
    client = world.client(world.hub.key(world.users["acme"], "ADMIN", expires_in_seconds=2))
    assert client.get("/collections").status == 200
    time.sleep(3)
    assert client.get("/collections").code == "AUTH_KEY_EXPIRED"


def test_hubs_no_to_some_keys_stops_nobody_else(world):
    """hub.md §3: 403 is an answer, not an outage; it must not open the breaker."""
    fault = world.hub.fault("status", status=403, count=5)
    for n in range(5):
        world.client({"key": f"hh_live_{n:040}"}).get("/collections")
    assert fault and world.client("acme").get("/collections").status == 200


def test_429_is_repeated(start_world):
    """hub.md §4: retries on 429."""
    world = start_world(**{"hub.retries": "3"})
    world.hub.fault("status", status=429, count=1)
    assert world.client("acme").get("/collections").status == 200


def test_an_outage_does_not_fill_the_log(start_world):
    world = start_world(**{"hub.cache.api_key_ttl_seconds": "1", "hub.inline_deadline_ms": "200"})
    client = world.client("acme")
    client.ok("GET", "/collections")
    world.hub.fault("refuse")
    time.sleep(1.1)
    before = world.node.log_path.read_text().count("\n")
    for _ in range(500):
        assert client.get("/collections").status == 200
    assert world.node.log_path.read_text().count("\n") - before < 100


def test_a_known_key_does_not_wait_for_a_hub_that_hangs(start_world):
    """hub.md §4: an entry past its refresh point is served while one refresh runs."""
    world = start_world(**{"hub.cache.api_key_ttl_seconds": "1"})
    client = world.client("acme")
    client.ok("GET", "/collections")
    world.hub.fault("hang")
    time.sleep(1.1)
    began = time.monotonic()
    client.ok("GET", "/collections")
    assert time.monotonic() - began < 1


def test_a_call_that_can_not_even_be_made_is_a_failed_one(hub, make_node):
    """A service key that fits into no header: nobody waits for a call that has ended, and the breaker opens."""
    node = make_node(settings=hub.settings(**{"hub.inline_deadline_ms": "20000"}),
                     environment={"HIVEHUB_SERVICE_API_KEY": "k" * 70_000}).start()
    client = node.client(headers=bearer("hh_live_" + "a" * 32))
    began = time.monotonic()
    for _ in range(8):
        answer = client.get("/collections")
        assert answer.code == "HUB_UNAVAILABLE" and int(answer.headers["Retry-After"]) >= 1
    assert time.monotonic() - began < 5
    assert int(answer.headers["Retry-After"]) > 1  # it is open


def test_the_operator_is_not_told_that_cluster_mode_is_off(world):
    assert world.service().get("/cluster/tenants").code != "CLUSTER_MODE_DISABLED"
