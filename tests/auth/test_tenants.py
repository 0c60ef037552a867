"""Tenants whose only trust anchor are local keys, and local operators beside HiveHub."""
import pytest

from cluster_world import INBOUND_SECRET
from identity_world import new_tenant
from mock_hub import bearer


@pytest.fixture
def two(tenants):
    """(world, two tenants' ids, their ADMIN keys)."""
    ids = [new_tenant(), new_tenant()]
    root = tenants.root()
    return tenants, ids, [tenants.key(by=root, tenant_id=id, permissions=["ADMIN"])["api_key"] for id in ids]


def test_everything_needs_a_key_but_the_log_in(tenants):
    nobody = tenants.client()
    for method, path in (("GET", "/"), ("GET", "/health"), ("GET", "/metrics"), ("GET", "/no/such/route"), ("GET", "/auth/me"),
                         ("GET", "/auth/login"), ("POST", "/collections")):
        assert nobody.request(method, path).status == 401, path
    assert tenants.login().status == 200


def test_two_tenants_are_alone(two):
    world, ids, keys = two
    one, other = (world.client(key) for key in keys)
    for n, client in enumerate((one, other)):
        client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
        client.ok("POST", "/collections/docs/points", {"points": [{"id": i, "vector": [1, i]} for i in range(3 + n)]})
    for n, client in enumerate((one, other)):
        shown = client.ok("GET", "/collections/docs")
        assert shown["vector_count"] == 3 + n and shown["owner_id"] == ids[n]
        assert client.get("/health").headers["X-Tenant-ID"] == ids[n]
    one.ok("POST", "/collections", {"name": "only", "dimension": 2})
    answers = [other.get(f"/collections/{name}") for name in ("only", "none", f"user_{ids[0]}:only")]
    assert [a.status for a in answers] == [404] * 3
    assert one.get("/auth/users").code == "FORBIDDEN" and one.get("/metrics").code == "FORBIDDEN"
    # Nobody acts for another.
    assert world.client(keys[0], **{"x-hivehub-user-id": ids[1]}).get("/collections").code == "FORBIDDEN"
    assert world.client(keys[0], **{"x-hivehub-user-id": ids[0]}).get("/collections").status == 200
    assert world.client(keys[0], **{"x-hivehub-service": "true"}).get("/collections").code == "AUTH_SERVICE_REJECTED"
    world.node.restart()
    assert world.client(keys[1]).ok("GET", "/collections")["total"] == 1


def test_keys_of_one_tenant_are_not_there_for_another(two):
    world, ids, keys = two
    one, other = (world.client(key) for key in keys)
    made = one.ok("POST", "/auth/keys", {"name": "n", "permissions": ["read"]})
    assert made["tenant_id"] == ids[0]
    assert world.client(made["api_key"]).get("/health").headers["X-Tenant-ID"] == ids[0]
    assert len(one.ok("GET", "/auth/keys")["keys"]) == 2 and len(other.ok("GET", "/auth/keys")["keys"]) == 1
    assert {k["tenant_id"] for k in other.ok("GET", "/auth/keys")["keys"]} == {ids[1]}
    for id in (made["id"], "zzzzzzzzzzzz"):
        for method, path in (("DELETE", ""), ("POST", "/rotate"), ("PUT", "/permissions"), ("GET", "/usage")):
            answer = other.request(method, f"/auth/keys/{id}{path}", {} if method == "PUT" else None)
            assert answer.status == 404 and answer.json()["message"] == "API key not found", repr(answer)
    assert world.client(made["api_key"]).get("/collections").status == 200
    assert one.post("/auth/keys", {"name": "n", "tenant_id": ids[1]}).code == "FORBIDDEN"
    assert one.post("/auth/keys", {"name": "n", "permissions": ["manage_users"]}).code == "FORBIDDEN"
    assert one.post("/auth/keys", {"name": "n", "permissions": ["system_config"]}).code == "FORBIDDEN"
    # The operator sees all of them, and acting for a tenant that tenant's.
    assert len(world.root().ok("GET", "/auth/keys")["keys"]) == 3
    acting = world.root(**{"x-hivehub-user-id": ids[1]})
    assert len(acting.ok("GET", "/auth/keys")["keys"]) == 1
    assert acting.delete(f"/auth/keys/{made['id']}").code == "KEY_NOT_FOUND"
    assert acting.ok("POST", "/auth/keys", {"name": "n"})["tenant_id"] == ids[1]
    assert one.ok("DELETE", f"/auth/keys/{made['id']}")["status"] == "ok"
    assert world.client(made["api_key"]).get("/collections").code == "AUTH_INVALID_KEY"


def test_every_key_is_somebodys(tenants):
    root = tenants.root()
    for permissions in (["read"], ["ADMIN"]):
        assert root.post("/auth/keys", {"name": "n", "permissions": permissions}).code == "TENANT_REQUIRED"
    assert root.get("/collections").code == "TENANT_REQUIRED"
    tenant = new_tenant()
    acting = tenants.root(**{"x-hivehub-user-id": tenant})
    acting.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert tenants.key_client(tenant_id=tenant).ok("GET", "/collections")["total"] == 1


def test_users_of_tenants(tenants):
    ids = [new_tenant(), new_tenant()]
    tenants.user("annie", roles=["Admin"], tenant_id=ids[0])
    annie = tenants.client(tenants.token("annie", "a password of the tests"))
    assert annie.ok("GET", "/auth/me")["tenant_id"] == ids[0]
    annie.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert annie.ok("POST", "/auth/keys", {"name": "n"})["tenant_id"] == ids[0]
    assert annie.get("/auth/users").code == "FORBIDDEN" and annie.get("/cluster/tenants").code == "FORBIDDEN"
    forged = tenants.client(tenants.token("annie", "a password of the tests"), **{"x-hivehub-user-id": ids[1]})
    assert forged.get("/collections").code == "FORBIDDEN"


def test_limits_of_tenants_hold(make_world):
    world = make_world(**{"cluster.enabled": "true", "cluster.trust": "local",
                          "rate_limiting.default_requests_per_minute": "20"}).start()
    root, tenant = world.root(), new_tenant()
    clients = [world.key_client(by=root, tenant_id=tenant) for _ in range(2)]
    statuses = [client.get("/collections").status for _ in range(15) for client in clients]
    assert statuses == [200] * 20 + [429] * 10
    assert world.key_client(by=root, tenant_id=new_tenant()).get("/collections").status == 200


def test_the_node_tells_operators_about_its_tenants(tenants):
    """HiveHub isn't asked here, and what concerns tenants is there all the same."""
    root, ids = tenants.root(), [new_tenant(), new_tenant()]
    keys = [tenants.key_client(by=root, tenant_id=tenant, permissions=["ADMIN"]) for tenant in ids]
    for key in keys:
        key.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    assert root.ok("GET", "/cluster/health")["cluster_mode"] is True
    listed = root.ok("GET", "/cluster/tenants")
    assert {line["tenant_id"] for line in listed["tenants"]} == set(ids)
    assert root.ok("GET", f"/hub/tenant/{ids[0]}/stats")["collection_count"] == 1
    assert keys[0].ok("GET", f"/hub/tenant/{ids[0]}/stats")["collections"] == ["docs"]
    assert keys[0].get(f"/hub/tenant/{ids[1]}/stats").status == 404
    assert keys[0].ok("GET", "/cluster/usage")["rate_limits"]["requests_per_minute"]["limit"] == 1000
    assert keys[0].ok("POST", "/hub/validate-key", {})["tenant_id"] == ids[0]
    assert "vectorizer_hub_active_tenants 2" in root.get("/metrics").text


@pytest.fixture
def beside(hub, make_world):
    world = make_world(environment={**hub.environment, "HIVEHUB_INBOUND_SERVICE_SECRET": INBOUND_SECRET}, **hub.settings())
    return world.start()


def test_local_operators_beside_hivehub(hub, beside):
    acme = hub.user("acme")
    tenant = beside.node.client(headers=bearer(hub.key(acme, "ADMIN")))
    tenant.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    root = beside.root()
    assert root.get("/metrics").status == 200 and root.get("/collections").code == "TENANT_REQUIRED"
    acting = beside.root(**{"x-hivehub-user-id": acme})
    assert acting.ok("GET", "/collections")["total"] == 1
    service = beside.node.client(headers={"x-hivehub-service": INBOUND_SECRET, "x-hivehub-user-id": acme})
    assert service.ok("GET", "/collections")["total"] == 1
    # Tenants' keys are HiveHub's.
    assert tenant.post("/auth/keys", {"name": "n"}).code == "FORBIDDEN"
    assert acting.post("/auth/keys", {"name": "n"}).code == "FORBIDDEN"
    assert root.post("/auth/keys", {"name": "n", "tenant_id": acme}).code == "FORBIDDEN"
    assert root.post("/auth/users", {"username": "annie", "password": "a password of the tests", "tenant_id": acme}).status == 400
    asked = hub.asked()
    scraper = beside.key_client(by=root, permissions=["ADMIN"], allowed_functions=["metrics"])
    assert scraper.get("/metrics").status == 200 and scraper.get("/cluster/tenants").code == "FUNCTION_NOT_ALLOWED"
    assert hub.asked() == asked  # HiveHub is not asked about local keys
    for wrong in ("wk_" + "0" * 12 + "_" + "0" * 32, "hh_live_" + "0" * 32):
        assert beside.client(wrong).get("/collections").code == "AUTH_INVALID_KEY"
    assert beside.client().get("/health").code == "AUTH_MISSING_KEY"


def test_nobody_logs_in_where_there_are_no_users(hub, make_node):
    node = make_node(settings=hub.settings(), environment=hub.environment).start()
    answer = node.client().post("/auth/login", {"username": "root", "password": "x"})
    assert answer.code == "AUTH_MISSING_KEY"
    key = node.client(headers=bearer(hub.key(hub.user("acme"), "ADMIN")))
    assert key.post("/auth/login", {"username": "root", "password": "x"}).code == "ROUTE_NOT_FOUND"
    for path in ("/auth/keys", "/auth/me"):
        assert key.get(path).code == "ROUTE_NOT_FOUND"
    assert key.get("/auth/audit").status == 200, "the audit log is there without local accounts"
