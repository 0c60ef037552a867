"""What is counted at the door: who was not let in and why, what proved a service, what the audit log took (contract metrics.md §3)."""
import re
import time

import pytest

# name → (type, labels): what a node in cluster mode says of its door beside what is said of HiveHub.
DOOR = {
    "waggle_auth_failures_total": ("counter", "tenant_id reason"),
    "waggle_auth_blocked_total": ("counter", ""),
    "waggle_auth_failing_addresses": ("gauge", ""),
    "waggle_auth_cache_total": ("counter", "result"),
    "waggle_service_requests_total": ("counter", "proof"),
    "waggle_function_denied_total": ("counter", "function"),
    "waggle_spoofed_user_id_total": ("counter", ""),
    "waggle_audit_records_total": ("counter", "event"),
    "waggle_audit_write_failures_total": ("counter", ""),
    "waggle_audit_chain_seq": ("gauge", ""),
}


class Scrape:
    def __init__(self, world):
        text = world.service().get("/metrics").text
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.samples, self.labels = {}, {}
        for name, labels, value in re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", text, re.M):
            found = re.findall(r'(\w+)="([^"]*)"', labels)
            self.samples[(name, *(v for _, v in found))] = float(value)
            self.labels[name] = " ".join(l for l, _ in found)

    def __getitem__(self, key):
        return self.samples.get(key if isinstance(key, tuple) else (key,), 0)


def test_who_is_not_let_in_is_counted_by_reason(start_world):
    world = start_world(**{"auth.brute_force.failures": "4", "auth.brute_force.block_seconds": "2"})
    acme, birch = world.users["acme"], world.users["birch"]
    failed = lambda reason, tenant="": Scrape(world)["waggle_auth_failures_total", tenant, reason]
    stranger, before = world.node.client(), failed("auth_missing_key")  # whoever started the node has asked without one
    assert stranger.get("/collections").status == 401 and failed("auth_missing_key") == before + 1
    world.hub.act("users", birch, "suspend")
    assert world.client("birch").get("/collections").code == "TENANT_SUSPENDED"
    assert failed("tenant_suspended", birch) == 1 and failed("tenant_suspended") == 0
    for shown, reason in (({"X-API-Key": "no key"}, "auth_invalid_format"),
                          ({"X-API-Key": "hh_live_" + "0" * 32}, "auth_invalid_key"),
                          ({"x-hivehub-service": "true", "x-hivehub-user-id": acme}, "auth_service_rejected")):
        assert stranger.get("/collections", headers=shown).status == 401
        assert failed(reason) == 1, reason
        # A success in between would make up for the failures: the scrape above is one, so all of them come again.
    assert Scrape(world)["waggle_auth_blocked_total"] == 0
    for n in range(4):
        stranger.get("/collections", headers={"X-API-Key": f"hh_live_{n:032d}"})
    assert stranger.get("/collections", headers={"X-API-Key": "hh_live_" + "9" * 32}).code == "AUTH_RATE_LIMIT"
    time.sleep(2.1)
    seen = Scrape(world)
    assert seen["waggle_auth_blocked_total"] == 1 and seen["waggle_auth_failures_total", "", "auth_rate_limit"] == 1
    assert seen["waggle_auth_failures_total", "", "auth_invalid_key"] == 5
    # Who is let in and may not is no failure of authentication.
    reader = world.client(world.hub.key(acme, "READ_ONLY"))
    assert reader.post("/collections", {"name": "docs", "dimension": 2}).code == "FORBIDDEN"
    assert not any(key[0] == "waggle_auth_failures_total" and "forbidden" in key for key in Scrape(world).samples)


def test_failures_of_a_tenant_are_under_the_cap(start_world):
    world = start_world(**{"metrics.tenant_labels": "none"})
    world.hub.act("users", world.users["birch"], "suspend")
    failures = lambda: {key[1:]: n for key, n in Scrape(world).samples.items() if key[0] == "waggle_auth_failures_total"}
    before = failures()["", "auth_missing_key"]
    world.client("birch").get("/collections")
    world.node.client().get("/collections")
    assert failures() == {("_all", "tenant_suspended"): 1, ("", "auth_missing_key"): before + 1}


def test_keys_looked_for_in_memory(start_world):
    world = start_world(**{"hub.cache.api_key_ttl_seconds": "10"})
    client, found = world.client("acme"), lambda: {r: Scrape(world)["waggle_auth_cache_total", r] for r in ("hit", "stale", "miss", "refresh")}
    client.ok("GET", "/collections")
    client.ok("GET", "/collections")
    assert found() == {"hit": 1, "stale": 0, "miss": 1, "refresh": 0}
    world.node.client().get("/collections", headers={"X-API-Key": "no key"})
    assert found()["miss"] == 1, "what has no key's shape is not looked for"
    time.sleep(8.2)  # its last fifth
    client.ok("GET", "/collections")
    assert found()["refresh"] == 1
    world.hub.fault("refuse")
    time.sleep(10.5)
    client.ok("GET", "/collections")
    assert found() == {"hit": 1, "stale": 1, "miss": 1, "refresh": 1}


def test_service_requests_by_proof(start_world):
    from test_limits import SIGNING_ENVIRONMENT, signed
    world = start_world(environment=SIGNING_ENVIRONMENT, **{"hub.inbound.allow_literal_true": "true",
                                                            "hub.inbound.allowed_peers": "127.0.0.1"})
    acme, client = world.users["acme"], world.node.client()
    world.service(acme).ok("GET", "/collections")
    world.service(acme).ok("GET", "/collections")
    world.service(acme, secret="true").ok("GET", "/collections")
    assert client.get("/collections", headers=signed("GET", "/collections", user=acme)).status == 200
    assert client.get("/collections", headers=signed("POST", "/collections", user=acme)).status == 401
    assert world.service(acme, secret="wrong").get("/collections").status == 401
    seen = Scrape(world)  # by the secret itself
    assert [seen["waggle_service_requests_total", proof] for proof in ("secret", "literal", "signature")] == [3, 1, 1]


def test_functions_denied_and_forged_users(world):
    acme, birch = world.users["acme"], world.users["birch"]
    limited = world.client(world.hub.key(acme, "ADMIN", functions=["list_collections"]))
    limited.ok("GET", "/collections")
    for _ in range(2):
        assert limited.post("/collections", {"name": "docs", "dimension": 2}).code == "FUNCTION_NOT_ALLOWED"
    client = world.client("acme")
    assert client.get("/collections", headers={"x-hivehub-user-id": acme}).status == 200
    assert client.get("/collections", headers={"x-hivehub-user-id": birch}).status == 403
    assert world.service(birch).get("/collections").status == 200
    seen = Scrape(world)
    assert seen["waggle_function_denied_total", "create_collection"] == 2
    assert seen["waggle_spoofed_user_id_total"] == 1


def test_forged_users_with_local_keys(make_node):
    from identity_world import IdentityWorld
    world = IdentityWorld(make_node(settings={"cluster.enabled": "true", "cluster.trust": "local"})).start()
    tenants = ["11111111-1111-4111-8111-11111111111" + n for n in "12"]
    own = world.key_client(tenant_id=tenants[0], permissions=["READ_WRITE"])
    assert own.get("/collections").status == 200
    assert own.get("/collections", headers={"x-hivehub-user-id": tenants[1]}).status == 403
    assert world.metric("waggle_spoofed_user_id_total") == 1 and world.metric("waggle_auth_blocked_total") == 0


def test_all_of_the_door_is_there(start_world):
    world = start_world()
    world.node.client().get("/collections")
    world.client(world.hub.key(world.users["acme"], "ADMIN", functions=[])).post("/collections")  # recorded before it is answered
    seen = Scrape(world)
    begin = ("waggle_auth_", "waggle_service_", "waggle_function_", "waggle_spoofed_", "waggle_audit_")
    assert {name: (kind, seen.labels[name]) for name, kind in seen.types.items() if name.startswith(begin)} == DOOR
    assert seen["waggle_audit_chain_seq"] > 0 and seen["waggle_audit_write_failures_total"] == 0
    before = seen["waggle_audit_records_total", "AUTH_FAILURE"]
    world.node.client().get("/collections")
    world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})  # recorded before it is answered
    after = Scrape(world)
    assert after["waggle_audit_records_total", "AUTH_FAILURE"] == before + 1
    assert after["waggle_audit_chain_seq"] >= seen["waggle_audit_chain_seq"] + 2
