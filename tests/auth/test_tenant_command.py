"""`wagglectl tenant`, against a node whose tenants have local keys."""
import json
import subprocess

import pytest

from identity_world import new_tenant
from node import built


@pytest.fixture
def acme(tenants):
    tenant = new_tenant()
    client = tenants.key_client(tenant_id=tenant, permissions=["ADMIN"])
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    client.ok("PUT", "/collections/docs/points", {"points": [{"id": n, "vector": [n, 1]} for n in range(3)]})
    return tenant, client


def run(world, *arguments, form="json"):
    done = subprocess.run([str(built("tools/wagglectl/wagglectl")), "--endpoint", f"http://127.0.0.1:{world.node.port}",
                           "--output", form, "tenant", *arguments], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, env={"WAGGLE_TOKEN": world.token()})
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout + done.stderr


def test_list_and_show(tenants, acme):
    tenant, _ = acme
    code, listed = run(tenants, "list")
    assert code == 0 and [(t["tenant_id"], t["vectors"]) for t in listed["tenants"]] == [(tenant, 3)]
    code, table = run(tenants, "list", form="table")
    assert code == 0 and tenant in table and "active" in table
    code, shown = run(tenants, "show", tenant)
    assert code == 0 and shown["collections"] == ["docs"]
    assert "limits" in run(tenants, "show", tenant, form="table")[1]
    assert run(tenants, "show", new_tenant())[0] == 5


def test_every_act(tenants, acme):
    tenant, client = acme
    for act, state in (("suspend", "suspended"), ("resume", "active"), ("hibernate", "hibernated"), ("wake", "active")):
        assert "would " + act in run(tenants, act, tenant, "--dry-run")[1]
        assert run(tenants, act, tenant) == (0, {"tenant_id": tenant, "state": state})
        assert (client.get("/health").status == 200) == (act != "suspend")
    assert "active" in run(tenants, "wake", tenant, form="table")[1]
    assert run(tenants, "suspend", "nonsense")[0] == 1
    assert run(tenants, "hibernate", new_tenant())[0] == 5


def test_limits(tenants, acme):
    tenant, client = acme
    code, quota = run(tenants, "quota", tenant, "--vector-count", "3", "--requests-per-minute", "500")
    assert code == 0 and quota["vectors"]["limit"] == 3 and quota["rate_limits"]["requests_per_minute"] == 500
    over = {"points": [{"id": 9, "vector": [1, 1]}]}
    assert client.request("PUT", "/collections/docs/points", over).code == "QUOTA_EXCEEDED"
    assert run(tenants, "quota", tenant)[1]["quota"]["vectors"]["limit"] == 3
    assert "would send PUT" in run(tenants, "quota", tenant, "--clear", "--dry-run")[1]
    assert run(tenants, "quota", tenant, "--clear")[0] == 0
    assert client.request("PUT", "/collections/docs/points", over).status == 200


def test_cleanup_asks_first(tenants, acme):
    tenant, client = acme
    code, said = run(tenants, "cleanup", tenant)
    assert code == 2 and "--yes" in said and client.ok("GET", "/collections")["total"] == 1
    assert "would erase" in run(tenants, "cleanup", tenant, "--dry-run")[1]
    code, told = run(tenants, "cleanup", tenant, "--yes")
    assert code == 0 and told["vectors_deleted"] == 3 and told["receipt"].startswith("sha256:")
    assert client.ok("GET", "/collections")["total"] == 0
    assert run(tenants, "cleanup", new_tenant(), "--yes")[0] == 5
