"""The audit log of a node with local keys, read by those who may."""
from identity_world import new_tenant


def test_without_tenants_administrators_and_log_readers_see_all(world):
    root = world.root()
    key = world.key(by=root, permissions=["read"])
    told = root.ok("GET", "/auth/audit?action=auth.keys.create")["entries"]
    assert [entry["action"] for entry in told] == ["administer"] and told[0]["seq"] > 0
    assert key["api_key"][16:] not in root.get("/auth/audit").text
    assert world.client(key["api_key"]).get("/auth/audit").code == "FORBIDDEN"
    reader = world.key_client(by=root, permissions=["view_logs"])
    functions = [entry["function"] for entry in reader.ok("GET", "/auth/audit")["entries"]]
    assert functions.count("auth.keys.create") == 2 and "auth.login" in functions
    assert world.client().get("/auth/audit").code == "AUTH_MISSING_KEY"


def test_tenants_with_local_keys_see_their_own(tenants):
    root, ids = tenants.root(), [new_tenant(), new_tenant()]
    clients = [tenants.key_client(by=root, tenant_id=id, permissions=["ADMIN"]) for id in ids]
    for client in clients:
        client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    acting = tenants.root(**{"x-hivehub-user-id": ids[0]})
    acting.ok("DELETE", "/collections/docs")
    first, second = (client.ok("GET", "/auth/audit?action=manage")["entries"] for client in clients)
    assert [e["function"] for e in first] == ["delete_collection", "create_collection"]
    assert first[0]["on_behalf_of"] == ids[0] and first[0]["actor"] == {"kind": "jwt", "id": "", "key_prefix": ""}
    assert [e["function"] for e in second] == ["create_collection"]
    assert clients[0].get(f"/auth/audit?tenant_id={ids[1]}").code == "TENANT_NOT_FOUND"
    both = root.ok("GET", "/auth/audit?action=manage")["entries"]
    assert [e["tenant_id"] for e in both] == [ids[0], ids[1], ids[0]]
