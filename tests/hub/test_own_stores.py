"""`hub.tenant_isolation: storage`: each tenant in a database of its own. Kills lose nothing, damage stays with one tenant, the
bill holds, and data goes from one layout to the other and back."""
import json
import subprocess
import threading
import time

import pytest

import test_quotas
from node import built
from test_admin import recount
from test_isolation import (test_one_tenants_answers_do_not_depend_on_another, test_two_tenants_use_one_name,  # noqa: F401
                            test_what_is_anothers_is_what_is_not_there)

APART = {"hub.tenant_isolation": "storage", "tenancy.open_stores_max": "3"}
TENANTS = 6


@pytest.fixture
def start_world(start_world):
    """Few databases open, so that they are closed and opened all the time."""
    return lambda environment=None, **settings: start_world(environment, **{**APART, **settings})


@pytest.fixture
def world(start_world):
    return start_world()


def test_quotas_hold(start_world):
    test_quotas.test_deleting_frees_and_counts(start_world(**test_quotas.PLAN))
    test_quotas.test_usage_survives_a_kill_and_the_limit_still_holds(start_world(**test_quotas.PLAN))


def more_tenants(world):
    for n in range(TENANTS):
        world.users[f"t{n}"] = world.hub.user(f"t{n}")
        world.keys[f"t{n}"] = world.hub.key(world.users[f"t{n}"], "ADMIN")
    return [f"t{n}" for n in range(TENANTS)]


def store_of(world, who):
    return world.node.data_dir / world.users[who] / "kv"


def upsert(client, ids):
    return client.put("/collections/docs/points", {"points": [
        {"id": id, "vector": [1, 2, 3, 4], "payload": {"id": id, "content": "wax and honey"}} for id in ids]})


def ids_in(client):
    ids, cursor = set(), ""
    while cursor is not None:
        page = client.ok("GET", f"/collections/docs/vectors?limit=1000{cursor and '&cursor=' + cursor}")
        ids |= {p["id"] for p in page["vectors"]}
        cursor = page.get("next_cursor")
    return ids


class Flood(threading.Thread):
    """One tenant's writes; what was acknowledged, and the one that was not."""

    def __init__(self, world, who, round):
        super().__init__()
        self.client, self.prefix = world.client(who), f"{who}-{round}"
        self.acked, self.open = set(), set()

    def run(self):
        for n in range(100000):
            self.open = {f"{self.prefix}-{n}-{i}" for i in range(1 + n % 5)}
            try:
                if upsert(self.client, sorted(self.open)).status != 200:
                    return
            except OSError:
                return
            except Exception as error:  # the node is gone
                if type(error).__name__ != "Disconnected":
                    raise
                return
            self.acked |= self.open
            self.open = set()


def test_kill_under_load_of_many_tenants(world):
    names = more_tenants(world)
    for who in names:
        world.client(who).ok("POST", "/collections", {"name": "docs", "dimension": 4})
    held = {who: set() for who in names}
    for round in range(4):
        floods = {who: Flood(world, who, round) for who in names}
        for flood in floods.values():
            flood.start()
        time.sleep(0.6)
        world.node.kill9()
        for flood in floods.values():
            flood.join()
        if round % 2:
            world.node.spawn()
            time.sleep(0.05)
            world.node.kill9()
        if round == 3:
            code, said = recount(world.node)
            assert code == 0, said
        world.node.start()
        for who, flood in floods.items():
            found = ids_in(world.client(who))
            assert held[who] | flood.acked <= found, f"{who} lost {sorted((held[who] | flood.acked) - found)[:5]}"
            rest = found - held[who] - flood.acked
            assert rest in (set(), flood.open), f"{who} has {sorted(rest)[:5]}"
            held[who] = found
            shown = world.client(who).ok("GET", "/hub/usage/statistics")["stats"]
            assert shown["total_vectors"] == len(found)
            hits = world.client(who).ok("POST", "/collections/docs/search",
                                        {"vector": [1, 2, 3, 4], "limit": 1000, "params": {"exact": True}})["results"]
            assert len(hits) == min(len(found), 1000)
    assert all(store_of(world, who).joinpath("CURRENT").exists() for who in names)
    world.node.stop()
    code, said = recount(world.node)
    assert code == 0 and said["ok"], said
    assert {t["tenant_id"] for t in said["tenants"]} >= {world.users[who] for who in names}


def test_a_damaged_store_is_its_tenants_own_trouble(world):
    for who in ("acme", "birch"):
        world.client(who).ok("POST", "/collections", {"name": "docs", "dimension": 4})
        assert upsert(world.client(who), ["a", "b"]).status == 200
    world.node.kill9()
    store_of(world, "acme").joinpath("CURRENT").write_text("nonsense")
    world.node.start()
    acme, birch = world.client("acme"), world.client("birch")
    for answer in (acme.get("/collections"), acme.get("/collections/docs"), upsert(acme, ["c"]),
                   acme.post("/collections", {"name": "new", "dimension": 4}),
                   acme.post("/collections/docs/search", {"vector": [1, 2, 3, 4], "limit": 1})):
        assert answer.status == 503 and answer.code == "TENANT_UNAVAILABLE", answer
    assert ids_in(birch) == {"a", "b"}
    assert upsert(birch, ["c"]).status == 200
    assert "waggle_tenant_quarantined 1" in world.service().get("/metrics").text
    assert any("quarantined" in e.get("message", "") for e in world.node.log_events())
    world.node.kill9()
    world.node.start()
    assert ids_in(world.client("birch")) == {"a", "b", "c"}


def convert(world, to):
    return subprocess.Popen([str(built("tools/wagglectl/wagglectl")), "tenancy", "convert", "--to", to, "--output", "json",
                             "--data-dir", str(world.node.data_dir)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_data_is_converted_both_ways_whatever_kills_it(start_world):
    world = start_world(**{"hub.tenant_isolation": "collection"})
    names = more_tenants(world)
    for who in names:
        client = world.client(who)
        client.ok("POST", "/collections", {"name": "docs", "dimension": 4})
        for part in range(4):
            assert upsert(client, [f"{who}-{part}-{i}" for i in range(500)]).status == 200
    held = {who: ids_in(world.client(who)) for who in names}
    for to in ("storage", "collection"):
        assert world.node.stop() == 0
        ended = None
        for pause in (0.03, 0.06, 0.1, 0.15):
            run = convert(world, to)
            try:
                ended = run.wait(pause)
                break
            except subprocess.TimeoutExpired:
                run.kill()
                run.communicate()
        if ended is None:
            run = convert(world, to)
        out, err = run.communicate()
        assert run.returncode == 0, err
        assert json.loads(out)["layout"] == to
        code, said = recount(world.node)
        assert code == 0, said
        other = {"storage": "collection", "collection": "storage"}[to]
        world.node.settings["hub.tenant_isolation"] = other
        world.node.spawn()
        assert world.node.wait() == 1  # it would see nothing
        assert "tenant_isolation" in world.node.log_tail() or "tenancy convert" in world.node.log_tail()
        world.node.settings["hub.tenant_isolation"] = to
        world.node.start()
        for who in names:
            assert ids_in(world.client(who)) == held[who]
            assert store_of(world, who).exists() == (to == "storage")
            assert upsert(world.client(who), [f"{who}-after-{to}"]).status == 200
            held[who].add(f"{who}-after-{to}")


def test_one_namespace_takes_an_explicit_yes(start_world):
    node = start_world().node
    node.stop()
    node.settings["hub.tenant_isolation"] = "none"
    node.spawn()
    assert node.wait() == 78
    assert "allow_no_isolation" in node.log_tail()
