"""Operators see the node and all its tenants; a tenant sees itself. Keys can be asked about, and guessing is held up."""
import json
import subprocess
import uuid

import pytest

from node import built


def fill(client, points, name="docs"):
    client.ok("POST", "/collections", {"name": name, "dimension": 2})
    client.ok("PUT", f"/collections/{name}/points", {"points": [{"id": str(n), "vector": [n, 1]} for n in range(points)]})


BYTES = 2 * 4 + 1  # of a point of `fill`, while its id has one digit


def test_health_of_the_cluster(world):
    fill(world.client("acme"), 3)
    fill(world.client("birch"), 4)
    health = world.service().ok("GET", "/cluster/health")
    assert health.pop("uptime_seconds") >= 0 and health.pop("version")
    assert health == {"status": "healthy", "cluster_mode": True, "hivehub_connection": "connected", "tenant_count": 2,
                      "total_storage_gb": 7 * BYTES / 1e9, "nodes_total": 1, "nodes_healthy": 1}
    assert world.client("acme").get("/cluster/health").code == "FORBIDDEN"
    assert world.service(world.users["acme"]).get("/cluster/health").code == "FORBIDDEN", "acting for a tenant"


def test_all_tenants_by_pages(world):
    names = [f"t{n}" for n in range(7)]
    for n, name in enumerate(names):
        world.users[name] = world.hub.user(name)
        world.keys[name] = world.hub.key(world.users[name], "ADMIN")
        fill(world.client(name), n + 1)
    operator = world.service()
    expected = sorted(world.users[name] for name in names)
    seen, cursor = [], ""
    for _ in range(20):
        page = operator.ok("GET", f"/cluster/tenants?limit=3{cursor}")
        assert page["total"] == 7 and len(page["tenants"]) <= 3
        seen += page["tenants"]
        if "next_cursor" not in page:
            break
        cursor = "&cursor=" + page["next_cursor"]
    assert [t["tenant_id"] for t in seen] == expected
    by_id = {t["tenant_id"]: t for t in seen}
    for n, name in enumerate(names):
        one = by_id[world.users[name]]
        assert (one["vectors"], one["collections"], one["storage_used_bytes"]) == (n + 1, 1, (n + 1) * BYTES)
        assert one["active"] and one["state"] == "active" and one["leader"] and one["storage_quota_bytes"] > 0
    assert operator.get("/cluster/tenants?limit=0").status == 400
    assert operator.get("/cluster/tenants?cursor=nonsense").code == "VALIDATION_ERROR"
    assert operator.ok("GET", "/cluster/tenants?cursor=" + "f" * 8 + "-ffff-ffff-ffff-" + "f" * 12)["tenants"] == []
    assert world.client("t1").get("/cluster/tenants").code == "FORBIDDEN"


def test_a_suspended_tenant_is_shown_as_such(start_world):
    world = start_world(**{"hub.cache.api_key_ttl_seconds": "0", "hub.cache.stale_max_seconds": "0"})
    fill(world.client("acme"), 1)
    world.hub.act("users", world.users["acme"], "suspend")
    assert world.client("acme").get("/collections").code == "TENANT_SUSPENDED"
    listed, = world.service().ok("GET", "/cluster/tenants")["tenants"]
    assert listed["state"] == "suspended" and listed["active"] is False
    assert world.service().ok("GET", f"/hub/tenant/{world.users['acme']}/stats")["state"] == "suspended"


def test_usage_of_a_tenant(world):
    acme, birch = world.users["acme"], world.users["birch"]
    client = world.client("acme")
    fill(client, 5)
    used = client.ok("GET", "/cluster/usage")
    assert used["tenant_id"] == acme and used["collections"] == 1 and used["vectors"] == 5
    assert used["storage"]["used_bytes"] == 5 * BYTES and used["storage"]["quota_bytes"] > 0
    minute = used["rate_limits"]["requests_per_minute"]
    assert minute["used"] == 3 and minute["limit"] > 3 and 0 < minute["reset_in_seconds"] <= 61
    assert used["rate_limits"]["requests_per_day"]["used"] == 3
    assert used["period_start"] < used["period_end"] and "last_request_at" not in used
    assert client.ok("GET", f"/cluster/usage?tenant_id={acme}")["vectors"] == 5
    assert client.get(f"/cluster/usage?tenant_id={birch}").code == "TENANT_NOT_FOUND"
    assert client.get("/cluster/usage?tenant_id=nonsense").code == "INVALID_USER_ID"
    operator = world.service()
    assert operator.get("/cluster/usage").code == "TENANT_REQUIRED"
    told = operator.ok("GET", f"/cluster/usage?tenant_id={acme}")
    assert told["vectors"] == 5 and told["last_request_at"] and told["created_at"] is None
    # A service that acts for a tenant is that tenant.
    assert world.service(birch).get(f"/cluster/usage?tenant_id={acme}").code == "TENANT_NOT_FOUND"


def test_stats_of_a_tenant(world):
    acme, birch = world.users["acme"], world.users["birch"]
    client = world.client("acme")
    fill(client, 2, "b")
    fill(client, 3, "a")
    for who in (client, world.service(), world.service(acme)):
        told = who.ok("GET", f"/hub/tenant/{acme}/stats")
        assert told["collections"] == ["a", "b"] and told["collection_count"] == 2
        assert told["total_vectors"] == 5 and told["storage_bytes"] == 5 * BYTES and told["backups"] == 0
        assert told["state"] == "active" and told["replicas"] == [told["leader"]] and told["last_request_at"]
        assert told["quota"]["tenant_id"] == acme and told["quota"]["vectors"]["used"] == 5
    assert world.client("birch").get(f"/hub/tenant/{acme}/stats").code == "TENANT_NOT_FOUND"
    assert world.client("birch").ok("GET", f"/hub/tenant/{birch}/stats")["collections"] == []


def test_asking_about_a_tenant_makes_none(world):
    fill(world.client("acme"), 1)
    operator, stranger = world.service(), str(uuid.uuid4())
    for route in (f"/hub/tenant/{stranger}/stats", f"/cluster/usage?tenant_id={stranger}"):
        assert operator.get(route).code == "TENANT_NOT_FOUND"
    world.node.restart()
    assert [t["tenant_id"] for t in world.service().ok("GET", "/cluster/tenants")["tenants"]] == [world.users["acme"]]


def test_a_key_says_what_it_may(world):
    key = world.hub.key(world.users["acme"], "READ_WRITE", functions=["search", "keys.*"])
    told = world.client(key).ok("POST", "/hub/validate-key")
    assert told.pop("validated_at") and told.pop("tenant_name") is not None
    assert told == {"valid": True, "tenant_id": world.users["acme"], "permissions": ["READ_WRITE"],
                    "allowed_functions": ["search", "keys.*"], "expires_at": None}
    assert world.client(world.hub.key(world.users["acme"], "MCP")).ok("POST", "/hub/validate-key")["permissions"] == ["MCP"]
    for asker in (world.client("acme"), world.service(), world.service(world.users["acme"])):
        assert asker.ok("POST", "/hub/validate-key", {"key": key["key"]})["tenant_id"] == world.users["acme"]
    other = world.client("birch").post("/hub/validate-key", {"key": key["key"]})
    none = world.client("birch").post("/hub/validate-key", {"key": "hh_live_" + "0" * 32})
    assert other.status == 401 and other.code == "INVALID_API_KEY" == other.json()["error_type"]
    assert {**other.json(), "request_id": 0} == {**none.json(), "request_id": 0}
    assert world.service().post("/hub/validate-key").code == "MISSING_API_KEY"


def test_keys_are_validated_for_those_whom_they_concern(world):
    key = world.hub.key(world.users["acme"], "READ_ONLY")
    refused = {"valid": False, "error": "API key not found or revoked"}

    def ask(client, text=key["key"]):
        return client.ok("POST", "/cluster/keys/validate", {"api_key": text})

    good = {"valid": True, "tenant_id": world.users["acme"], "permissions": ["READ_ONLY"], "expires_at": None}
    assert ask(world.client("acme")) == ask(world.service()) == ask(world.service(world.users["acme"])) == good
    assert ask(world.client("birch")) == ask(world.service(world.users["birch"])) == refused
    assert ask(world.client("acme"), "hh_live_" + "1" * 32) == ask(world.client("acme"), "no key") == refused
    assert world.client("acme").post("/cluster/keys/validate", {}).code == "VALIDATION_ERROR"
    revoked = world.hub.key(world.users["acme"], "READ_ONLY")
    world.hub.act("keys", revoked["id"], "revoke")
    assert ask(world.client("acme"), revoked["key"]) == refused
    world.hub.fault("refuse")
    unknown = world.client("acme").post("/cluster/keys/validate", {"api_key": "hh_live_" + "2" * 32})
    assert unknown.status == 503 and unknown.code == "HUB_UNAVAILABLE", "nobody can say: that is no verdict"
    assert ask(world.client("acme")) == good


@pytest.mark.parametrize("foreign", [False, True])
def test_guessing_keys_is_held_up_whoever_asks(start_world, foreign):
    """Another tenant's key counts as a wrong one: else it could be told from none."""
    world = start_world(**{"auth.brute_force.failures": "5"})
    theirs = world.hub.key(world.users["birch"], "READ_ONLY")["key"]
    world.client("birch").ok("POST", "/cluster/keys/validate", {"api_key": theirs})
    client = world.client("acme")
    for n in range(5):
        guess = theirs if foreign else f"hh_live_{n:032}"
        assert client.ok("POST", "/cluster/keys/validate", {"api_key": guess})["valid"] is False
    held = client.post("/cluster/keys/validate", {"api_key": "hh_live_" + "9" * 32})
    assert held.status == 429 and held.code == "AUTH_RATE_LIMIT" and int(held.headers["Retry-After"]) > 0
    assert client.get("/collections").status == 200, "who is known is let in"


def test_standalone(make_node):
    client = make_node().start().client()
    fill(client, 3)
    health = client.ok("GET", "/cluster/health")
    assert health["cluster_mode"] is False and health["hivehub_connection"] == "disabled" and health["tenant_count"] == 1
    used = client.ok("GET", "/cluster/usage")
    assert used["vectors"] == 3 and used["storage"]["quota_bytes"] is None
    assert used["rate_limits"]["requests_per_minute"]["limit"] is None
    assert client.get(f"/cluster/usage?tenant_id={uuid.uuid4()}").code == "TENANT_NOT_FOUND"
    assert client.get("/cluster/tenants").code == "CLUSTER_MODE_DISABLED"
    assert client.get(f"/hub/tenant/{used['tenant_id']}/stats").code == "CLUSTER_MODE_DISABLED"
    assert client.post("/hub/validate-key").code == "HUB_DISABLED"
    assert client.ok("POST", "/cluster/keys/validate", {"api_key": "x"})["valid"] is False


def recount(node, *more):
    """Exit code and answer of `wagglectl usage`."""
    done = subprocess.run([str(built("tools/wagglectl/wagglectl")), "usage", "--output", "json", "--data-dir",
                           str(node.data_dir), *more], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_recount_of_a_stopped_node(world, tmp_path):
    acme, birch = world.users["acme"], world.users["birch"]
    client = world.client("acme")
    fill(client, 9)
    client.ok("DELETE", "/collections/docs/vectors/3")
    client.ok("POST", "/insert", {"collection": "texts", "text": "a bee " * 2000})
    client.ok("POST", "/collections/docs/snapshot")
    fill(world.client("birch"), 2, "a")
    world.client("birch").ok("DELETE", "/collections/a")
    code, said = recount(world.node)
    assert code == 2 and "stop the node" in said
    account = client.ok("GET", f"/hub/tenant/{acme}/stats")
    world.node.kill9()
    code, told = recount(world.node)
    assert code == 0 and told["ok"] is True
    assert [t["tenant_id"] for t in told["tenants"]] == sorted([acme, birch])
    none = {"collections": 0, "vectors": 0, "storage_bytes": 0}
    by_id = {t["tenant_id"]: t for t in told["tenants"]}
    assert by_id[acme]["drift"] == by_id[birch]["drift"] == none and by_id[birch]["recount"] == none
    assert by_id[acme]["account"] == by_id[acme]["recount"] == {
        "collections": 2, "vectors": account["total_vectors"], "storage_bytes": account["storage_bytes"]}
    assert account["total_vectors"] > 9
    code, one = recount(world.node, "--tenant", acme)
    assert code == 0 and one["tenants"] == [by_id[acme]]
    assert recount(world.node, "--tenant", str(uuid.uuid4()))[0] == 5
    assert recount(world.node, "--tenant", "nonsense")[0] == 2
    missing = subprocess.run([str(built("tools/wagglectl/wagglectl")), "usage", "--data-dir", str(tmp_path / "none")],
                             capture_output=True, text=True)
    assert missing.returncode == 2 and not (tmp_path / "none").exists()
    world.node.start()
    assert world.service().ok("GET", f"/hub/tenant/{acme}/stats")["total_vectors"] == account["total_vectors"]
