"""Address lists of tenants whose keys are local: set by the operator, kept in the log, effective at once."""
import json
import subprocess

import pytest

from identity_world import new_tenant
from node import built


@pytest.fixture
def world(make_world):
    return make_world(**{"cluster.enabled": "true", "cluster.trust": "local", "security.trusted_proxies": "127.0.0.1"}).start()


def ask(client, address, path="/collections"):
    return client.request("GET", path, headers={"X-Forwarded-For": address})


def test_lists_of_a_tenant(world):
    root, tenant, other = world.root(), new_tenant(), new_tenant()
    mine, theirs = (world.key_client(by=root, tenant_id=id, permissions=["ADMIN"]) for id in (tenant, other))
    route = f"/hub/tenant/{tenant}/ip_lists"
    assert root.ok("GET", route) == {"tenant_id": tenant, "allowlist": [], "blocklist": []}
    assert ask(mine, "203.0.113.1").status == 200
    lists = {"allowlist": ["198.51.100.0/24", "2001:db8::/32"], "blocklist": ["198.51.100.66"]}
    assert root.ok("PUT", route, lists) == {"tenant_id": tenant, **lists}
    for life in range(2):
        shown = {address: ask(mine, address).code for address in (
            "198.51.100.1", "::ffff:198.51.100.1", "198.51.100.66", "203.0.113.1", "2001:db8::1", "2001:db9::1", "127.0.0.9")}
        denied = "IP_DENIED"
        assert shown == {"198.51.100.1": None, "::ffff:198.51.100.1": None, "198.51.100.66": denied, "203.0.113.1": denied,
                         "2001:db8::1": None, "2001:db9::1": denied, "127.0.0.9": denied}
        assert ask(theirs, "203.0.113.1").status == 200
        # The operator, also acting for the tenant, comes from where it is.
        assert ask(world.root(**{"x-hivehub-user-id": tenant}), "203.0.113.1").status == 200
        if life == 0:
            world.node.kill9()
            world.node.start()
            root = world.root()
            mine, theirs = (world.key_client(by=root, tenant_id=id, permissions=["ADMIN"]) for id in (tenant, other))
    assert ask(mine, "198.51.100.1", route).code == "FORBIDDEN", "it is the operator's"
    root.ok("PUT", route, {})
    assert root.ok("GET", route)["allowlist"] == [] and ask(mine, "203.0.113.1").status == 200


def test_users_of_a_tenant_are_held_to_them(world):
    tenant = new_tenant()
    world.user("annie", roles=["Admin"], tenant_id=tenant)
    token = world.token("annie", "a password of the tests")
    world.root().ok("PUT", f"/hub/tenant/{tenant}/ip_lists", {"allowlist": ["198.51.100.7"]})
    assert ask(world.client(token), "198.51.100.7").status == 200
    assert ask(world.client(token), "203.0.113.1").code == "IP_DENIED"
    login = {"username": "annie", "password": "a password of the tests"}
    nobody = world.node.client()
    assert nobody.request("POST", "/auth/login", login, headers={"X-Forwarded-For": "203.0.113.1"}).code == "IP_DENIED"
    assert nobody.request("POST", "/auth/login", login, headers={"X-Forwarded-For": "198.51.100.7"}).status == 200


def test_what_is_no_list(world):
    root, tenant = world.root(), new_tenant()
    for body in ({"allowlist": "10.0.0.1"}, {"allowlist": ["10.0.0.0/33"]}, {"blocklist": ["localhost"]}, {"blocklist": [1]},
                 {"allowlist": ["10.0.0.1"] * 1001}):
        assert root.put(f"/hub/tenant/{tenant}/ip_lists", body).code == "VALIDATION_ERROR", body
    assert root.put("/hub/tenant/x/ip_lists", {}).code == "INVALID_USER_ID"


def test_where_nobody_has_lists(make_world, hub):
    route = f"/hub/tenant/{new_tenant()}/ip_lists"
    alone = make_world().start()
    assert alone.root().get(route).code == alone.root().put(route, {}).code == "CLUSTER_MODE_DISABLED"
    beside = make_world(environment=hub.environment, **hub.settings()).start()
    assert beside.root().put(route, {}).code == "FORBIDDEN", "HiveHub gives them"


def run(world, *arguments):
    done = subprocess.run([str(built("tools/wagglectl/wagglectl")), "--endpoint", f"http://127.0.0.1:{world.node.port}",
                           "--output", "json", *arguments], capture_output=True, text=True, timeout=60,
                          env={"WAGGLE_TOKEN": world.token()})
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout + done.stderr


def test_the_command_line(world):
    tenant = new_tenant()
    command = ("tenant", "ip-lists", tenant)
    code, said = run(world, *command, "--allow", "10.0.0.0/8,::1", "--dry-run")
    assert code == 0 and "would send PUT" in said
    assert run(world, *command) == (0, {"tenant_id": tenant, "allowlist": [], "blocklist": []})
    lists = {"tenant_id": tenant, "allowlist": ["10.0.0.0/8", "::1"], "blocklist": ["10.6.6.6"]}
    assert run(world, *command, "--allow", "10.0.0.0/8,::1", "--block", "10.6.6.6") == (0, lists)
    assert run(world, *command) == (0, lists)
    assert run(world, *command, "--clear")[1]["allowlist"] == []
    assert run(world, *command, "--clear", "--allow", "::1")[0] == 2
    assert run(world, "tenant", "ip-lists", "x")[0] == 1
