"""A standalone node is switched to cluster mode: its collections are nobody's, and operators give them to tenants."""
import json
import subprocess
import threading
import time

import pytest

from client import Disconnected
from cluster_world import INBOUND_SECRET, World
from node import TENANT, built

SIZES = {"docs": 700, "wide": 1500, "texts": 3, "blank": 0}


def vector(n, dimension):
    return [((n * 37 + d * (n % 89 + 7)) % 1511) / 1511 + 0.01 for d in range(dimension)]  # no two alike


def fill(client):
    client.ok("POST", "/collections", {"name": "docs", "dimension": 8, "description": "hives & bees"})
    client.ok("POST", "/collections", {"name": "wide", "dimension": 64, "metric": "euclidean", "sharding": {"shard_count": 3}})
    client.ok("POST", "/collections", {"name": "texts", "dimension": 32})
    client.ok("POST", "/collections", {"name": "blank", "dimension": 2})
    client.ok("PUT", "/collections/docs/points", {"points": [
        {"id": f"d{n}", "vector": vector(n, 8), "payload": {"n": n, "text": "é\n" * (n % 5)}} for n in range(SIZES["docs"])]})
    for first in range(0, SIZES["wide"], 500):
        client.ok("PUT", "/collections/wide/points", {"points": [
            {"id": n, "vector": vector(n, 64), "sparse": {"indices": [1, n + 2], "values": [0.5, 1]}}
            for n in range(first, first + 500)]})
    for n, text in enumerate(("Honeybees dance.", "A hive is warm.", "Flowers open at dawn.")):
        client.ok("POST", "/insert", {"collection": "texts", "id": f"t{n}", "text": text})


def look(client, names=SIZES):
    """All that a client sees of the collections, but versions and times."""
    seen = {}
    for name in names:
        at = f"/collections/{name}"
        info = client.ok("GET", at)
        settings = {k: info[k] for k in ("name", "dimension", "metric", "description", "vector_count", "document_count", "hnsw")}
        points = {}
        for offset in range(0, SIZES[name] + 1, 500):
            for v in client.ok("GET", f"{at}/vectors?limit=500&offset={offset}")["vectors"]:
                one = client.ok("GET", f"{at}/vectors/{v['id']}") if len(points) % 100 == 0 else v
                points[v["id"]] = {k: one.get(k) for k in ("vector", "payload")}
        found = [[(hit["id"], hit["score"]) for hit in client.ok("POST", "/search", {
            "collection": name, "vector": vector(n, info["dimension"]), "limit": 5})["results"]] for n in (1, 50, 400)]
        words = client.ok("POST", f"{at}/search/text", {"query": "honeybees and hives", "limit": 3})["results"]
        seen[name] = settings, points, found, [(hit["id"], hit["score"]) for hit in words]
    return seen


class Switched:
    """A node that was filled standalone and runs in cluster mode now."""

    def __init__(self, hub, node, settings):
        fill(node.start().client())
        self.before = look(node.client())
        assert node.stop() == 0
        if settings.get("hub.tenant_isolation") == "storage":
            subprocess.run([built("tools/wagglectl/wagglectl"), "tenancy", "convert", "--to", "storage", "--data-dir", str(node.data_dir)],
                           check=True, capture_output=True)
        node.settings.update(settings)
        node.environment.update({**hub.environment, "HIVEHUB_INBOUND_SERVICE_SECRET": INBOUND_SECRET})
        self.world = World(hub, node.start())
        self.node, self.users = node, self.world.users

    def operator(self):
        return self.world.service()

    def plan(self, **more):
        wish = {"default_owner": self.users["acme"], "map": {"wide": self.users["birch"]}, **more}
        return self.operator().ok("POST", "/hub/migration/plan", wish)

    def act(self, what, plan):
        told = self.operator().post(f"/hub/migration/{what}", {"plan_id": plan})
        assert told.status in (200, 202), told
        for _ in range(600):
            state = self.operator().ok("GET", f"/hub/migration/{plan}")
            if state["completed_at"]:
                return state
            time.sleep(0.05)
        raise AssertionError(state)

    def scan(self):
        return {c["name"]: c["vector_count"] for c in self.operator().ok("GET", "/hub/migration")["collections"]}

    def names(self, who):
        return {c["name"] for c in self.world.client(who).ok("GET", "/collections")["collections"]}

    def given(self):
        """Everybody has what was theirs to get."""
        return {**look(self.world.client("acme"), ("docs", "texts", "blank")), **look(self.world.client("birch"), ("wide",))}

    def standalone(self):
        assert self.node.stop() == 0
        self.node.settings = {k: v for k, v in self.node.settings.items() if k.startswith("logging")}
        return look(self.node.start().client())

    def drift(self):
        assert self.node.stop() == 0
        told = subprocess.run([built("tools/wagglectl/wagglectl"), "--output", "json", "usage", "--data-dir", str(self.node.data_dir)],
                              capture_output=True, text=True)
        assert told.returncode == 0, told
        return {t["tenant_id"]: t["account"]["vectors"] for t in json.loads(told.stdout)["tenants"]}


@pytest.fixture
def switch(hub, make_node, no_limits):
    def make(**settings):
        return Switched(hub, make_node(), hub.settings(**{**no_limits, **settings}))
    return make


def statuses(plan):
    return {c["original_name"]: c["status"] for c in plan.get("collections", plan.get("details"))}


def test_nobody_has_them_and_plans_change_nothing(switch):
    node = switch()
    assert node.names("acme") == node.names("birch") == set() and node.scan() == SIZES
    for acting in ({}, {"x-hivehub-user-id": TENANT}):
        client = node.node.client(headers={"x-hivehub-service": INBOUND_SECRET, **acting})
        for method, path, body in (("GET", "/collections/docs", None), ("DELETE", "/collections/docs", None),
                                   ("PUT", "/collections/docs/points", {"points": [{"id": "x", "vector": [1] * 8}]})):
            assert client.request(method, path, body).code in ("TENANT_REQUIRED", "INVALID_USER_ID"), (path, acting)
    dry = node.plan(dry_run=True)
    assert dry["dry_run"] and statuses(dry) == dict.fromkeys(SIZES, "pending")
    assert node.operator().get(f"/hub/migration/{dry['id']}").status == 404
    plan = node.plan()
    told = {c["original_name"]: c for c in plan["collections"]}
    assert told["wide"]["owner_id"] == node.users["birch"] and told["wide"]["vector_count"] == SIZES["wide"]
    assert told["docs"]["new_name"] == f"user_{node.users['acme']}:docs" and plan["backup_id"] == plan["id"]
    assert node.names("acme") == set() and node.scan() == SIZES
    for body, code in (({}, "VALIDATION_ERROR"), ({"default_owner": TENANT}, "INVALID_USER_ID"),
                       ({"default_owner": node.users["acme"], "map": {"none": node.users["acme"]}}, "VALIDATION_ERROR"),
                       ({"default_owner": node.users["acme"], "map": {"docs": "x"}}, "INVALID_USER_ID")):
        assert node.operator().post("/hub/migration/plan", body).code == code, body
    assert node.operator().post("/hub/migration/finish", {"plan_id": plan["id"]}).code == "CONFLICT"
    assert node.world.client("acme").get("/hub/migration").code == "FORBIDDEN"
    assert node.standalone() == node.before


def test_into_databases_of_their_own(switch):
    node = switch(**{"hub.tenant_isolation": "storage"})
    plan = node.plan()["id"]
    done = node.act("execute", plan)
    assert statuses(done) == dict.fromkeys(SIZES, "completed")
    node.node.kill9()
    node.node.start()
    assert node.given() == node.before
    assert node.operator().post("/hub/migration/finish", {"plan_id": plan}).status in (200, 202)
    assert node.drift()[node.users["birch"]] == SIZES["wide"]


def test_execute_roll_back_execute_finish(switch):
    node = switch()
    plan = node.plan()["id"]
    done = node.act("execute", plan)
    assert done["succeeded"] == done["total"] == 4 and statuses(done) == dict.fromkeys(SIZES, "completed")
    assert node.given() == node.before and node.names("acme") == {"docs", "texts", "blank"} and node.names("birch") == {"wide"}
    stats = node.operator().ok("GET", f"/hub/usage/statistics?user_id={node.users['birch']}")
    assert "1500" in json.dumps(stats), stats
    assert node.operator().post("/hub/migration/plan", {"default_owner": node.users["acme"]}).code == "CONFLICT"
    assert statuses(node.act("rollback", plan)) == dict.fromkeys(SIZES, "rolled_back")
    assert node.names("acme") == node.names("birch") == set() and node.scan() == SIZES
    assert node.operator().post("/hub/migration/execute", {"plan_id": plan}).code == "CONFLICT"
    plan = node.plan()["id"]
    node.act("execute", plan)
    ended = node.act("finish", plan)
    assert all(c["source_deleted"] for c in ended["collections"]) and node.scan() == {} and node.given() == node.before
    node.node.restart()
    assert node.given() == node.before
    assert node.operator().post("/hub/migration/rollback", {"plan_id": plan}).code == "CONFLICT"
    vectors = node.drift()
    assert vectors[TENANT] == 0 and vectors[node.users["birch"]] == 1500 and vectors[node.users["acme"]] == 703
    assert not [f for f in (node.node.data_dir / TENANT).rglob("*") if f.is_file()]


def test_rollback_brings_back_exactly(switch):
    node = switch()
    plan = node.plan()["id"]
    node.act("execute", plan)
    node.act("rollback", plan)
    assert node.standalone() == node.before
    assert node.drift() == {TENANT: 2203, node.users["acme"]: 0, node.users["birch"]: 0}


@pytest.mark.parametrize("delay_ms", [0, 15, 40, 80, 150])
def test_a_killed_node_goes_on(switch, delay_ms):
    node = switch()
    plan = node.plan()["id"]
    asking = node.operator()

    def ask():
        try:
            asking.post("/hub/migration/execute", {"plan_id": plan})
        except Disconnected:
            pass

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(delay_ms / 1000)
    node.node.kill9()
    thread.join()
    node.node.start()
    done = node.act("execute", plan)
    assert statuses(done) == dict.fromkeys(SIZES, "completed"), done
    assert node.given() == node.before
    vectors = node.drift()
    assert vectors == {TENANT: 2203, node.users["acme"]: 703, node.users["birch"]: 1500}


def test_what_an_owner_may_not_have_is_refused(switch):
    node = switch(**{"quotas.defaults.vector_count": "1000"})
    node.world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    plan = node.plan()
    assert statuses(plan) == {"docs": "skipped", "wide": "failed", "texts": "pending", "blank": "pending"}
    done = node.act("execute", plan["id"])
    told = {c["original_name"]: c for c in done["collections"]}
    assert (done["succeeded"], done["failed"], done["skipped"]) == (2, 1, 1)
    assert told["docs"]["error"].startswith("COLLECTION_ALREADY_EXISTS") and told["wide"]["error"].startswith("QUOTA_EXCEEDED")
    assert node.names("birch") == set() and node.names("acme") == {"docs", "texts", "blank"}
    assert node.world.client("acme").ok("GET", "/collections/docs")["dimension"] == 2
    # What stood in the way goes; executing again takes what was refused.
    node.world.client("acme").ok("DELETE", "/collections/docs")
    assert statuses(node.act("execute", plan["id"])) == {
        "docs": "completed", "wide": "failed", "texts": "completed", "blank": "completed"}
    node.act("finish", plan["id"])
    assert node.scan() == {"wide": SIZES["wide"]}
    assert node.drift() == {TENANT: 1500, node.users["acme"]: 703, node.users["birch"]: 0}


def test_the_command_line(switch):
    node = switch()
    key = node.world.hub.key(node.users["birch"], "ADMIN", key="hh_admin_" + "o" * 40, scope="operator")["key"]

    def run(*words):
        return subprocess.run([built("tools/wagglectl/wagglectl"), "--endpoint", f"http://127.0.0.1:{node.node.port}", *words],
                              capture_output=True, text=True, env={"WAGGLE_TOKEN": key})

    told = run("migrate", "scan")
    assert told.returncode == 0 and "wide" in told.stdout and "1500" in told.stdout, told
    wish = ("--default-owner", node.users["acme"], "--map", f"wide={node.users['birch']},blank={node.users['birch']}")
    told = run("migrate", "plan", *wish, "--dry-run")
    assert told.returncode == 0 and "nothing was written down" in told.stdout, told
    plan = json.loads(run("--output", "json", "migrate", "plan", *wish).stdout)["id"]
    assert run("migrate", "execute", plan, "--dry-run").stdout == f"would execute plan {plan}\n"
    told = run("migrate", "execute", plan)
    assert told.returncode == 0 and told.stdout.count("completed") == 4, told
    assert node.names("birch") == {"wide", "blank"}
    told = run("migrate", "rollback", plan)
    assert told.returncode == 0 and "rolled_back" in told.stdout and node.names("birch") == set(), told
    assert run("migrate", "status", "nonsense").returncode == 5
    plan = json.loads(run("--output", "json", "migrate", "plan", *wish).stdout)["id"]
    assert json.loads(run("--output", "json", "migrate", "execute", plan).stdout)["succeeded"] == 4
    assert run("migrate", "finish", plan, "--yes").returncode == 0 and node.scan() == {}
    assert json.loads(run("--output", "json", "migrate", "status", plan).stdout)["phase"] == "finished"
