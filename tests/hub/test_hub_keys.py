"""`wagglectl hub keys`: an operator makes, lists, shows and revokes tenants' keys at HiveHub (hub.md §1, manage_keys)."""
import json
import os
import subprocess

import pytest
from cluster_world import INBOUND_SECRET
from mock_hub import SERVICE_KEY
from node import built


@pytest.fixture
def ctl(world, tmp_path):
    """Runs a command; its exit code, and what it says as JSON or text."""
    def run(*words, environment=None, text=False):
        given = {**os.environ, "HIVEHUB_API_URL": world.hub.url, "HIVEHUB_SERVICE_API_KEY": SERVICE_KEY,
                 "HIVEHUB_INBOUND_SERVICE_SECRET": INBOUND_SECRET, **(environment or {})}
        given = {name: value for name, value in given.items() if value is not None}
        done = subprocess.run([str(built("tools/wagglectl/wagglectl")), "--endpoint", f"http://127.0.0.1:{world.node.port}", "--output",
                               "table" if text else "json", "hub", "keys", *words], capture_output=True, text=True, env=given, cwd=tmp_path)
        said = done.stdout + done.stderr
        assert SERVICE_KEY not in said and INBOUND_SECRET not in said
        return done.returncode, said if text or done.returncode else json.loads(done.stdout)
    return run


def test_a_keys_life(world, ctl):
    acme = world.users["acme"]
    code, made = ctl("create", "ci", "--tenant", acme, "--permission", "Read", "--function", "list_collections,search", "--expires-in", "3600")
    assert code == 0
    assert made["name"] == "ci" and made["tenant_id"] == acme and made["allowed_functions"] == ["list_collections", "search"]
    assert made["expires_at"]
    client = world.client(made["key"])
    assert client.get("/collections").status == 200
    assert client.post("/collections", {"name": "docs", "dimension": 2}).code == "FORBIDDEN"
    code, listed = ctl("list", "--tenant", acme)
    assert code == 0 and {key["id"] for key in listed["keys"]} == {made["id"], world.keys["acme"]["id"]}
    code, everybodys = ctl("list")
    assert {key["tenant_id"] for key in everybodys["keys"]} >= set(world.users.values())
    code, shown = ctl("show", made["id"])
    assert code == 0 and shown == {name: value for name, value in made.items() if name != "key"}
    assert made["key"] not in json.dumps([listed, everybodys, shown])

    before = world.hub.asked()
    code, revoked = ctl("revoke", made["id"], "--yes")
    assert code == 0 and revoked == {"id": made["id"], "revoked": True, "node": f"http://127.0.0.1:{world.node.port}"}
    assert client.get("/collections").code == "AUTH_INVALID_KEY", "the node remembers it no more"
    assert world.hub.asked() == before + 1, "and has asked again"
    assert world.client("acme").get("/collections").status == 200
    assert ctl("show", made["id"])[1]["status"] == "revoked"
    assert ctl("revoke", made["id"], "--yes")[0] == 0, "again, and nothing is wrong"


def test_as_text(world, ctl):
    code, said = ctl("create", "ci", "--tenant", world.users["acme"], text=True)
    assert code == 0 and "hh_" in said and "shown once" in said
    code, said = ctl("list", text=True)
    assert code == 0 and "TENANT" in said and world.users["birch"] in said and world.keys["acme"]["key"] not in said


def test_what_can_go_wrong(world, ctl):
    key = world.keys["acme"]["id"]
    assert ctl("show", "no-such-key")[0] == 5
    assert ctl("list", environment={"HIVEHUB_SERVICE_API_KEY": "x" * 20})[0] == 4
    code, said = ctl("list", environment={"HIVEHUB_SERVICE_API_KEY": None})
    assert code == 2 and "service key" in said
    code, said = ctl("list", environment={"HIVEHUB_API_URL": "http://127.0.0.1:1"})
    assert code == 3 and "HIVEHUB_API_URL" in said
    code, said = ctl("list", environment={"HIVEHUB_API_URL": "http://hub.example"})
    assert code == 2 and "plain http" in said, "the service key is not sent in clear"
    # Nothing is revoked that the node would not hear of.
    assert ctl("revoke", key, "--yes", environment={"HIVEHUB_INBOUND_SERVICE_SECRET": None})[0] == 2
    assert ctl("revoke", key)[0] == 2, "it asks first"
    assert ctl("show", key)[1]["status"] == "active"
    world.client("acme").get("/collections")
    code, said = ctl("revoke", key, "--yes", environment={"HIVEHUB_INBOUND_SERVICE_SECRET": "y" * 40})
    assert code == 4 and "node does not know yet" in said
    assert world.client("acme").get("/collections").status == 200
    assert ctl("revoke", key, "--yes")[0] == 0
    assert world.client("acme").get("/collections").code == "AUTH_INVALID_KEY"


def test_by_the_nodes_configuration_file(world, ctl, tmp_path):
    file = tmp_path / "node.yml"
    file.write_text("hub:\n  paths:\n    manage_keys: ''\n")
    code, said = ctl("list", "--config", str(file))
    assert code == 2 and "manage_keys" in said
    file.write_text("hub:\n  paths:\n    manage_keys: 'POST /elsewhere/keys'\n")
    assert ctl("list", "--config", str(file))[0] == 5
    assert ctl("list", "--config", str(tmp_path / "missing.yml"))[0] == 2
