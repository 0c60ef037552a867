"""mock-hub as its users see it: the hub's operations in both path sets, the control API, the change log."""
import hashlib
import http.server
import json
import os
import subprocess
import threading

import pytest

from client import Client
from mock_hub import EXAMPLE, SERVICE_KEY
from node import built

ACME, BIRCH = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
ADMIN_KEY, READER_KEY, BIRCH_KEY, MCP_KEY = (f"hh_test_{n:032d}" for n in (1, 2, 3, 4))


def report(to, since=0, tenant=ACME, key=None, **more):
    """A usage report as the contract has it."""
    body = {"idempotency_key": key or f"{tenant}/{since}-{to}", "service": "vectorizer", "node_id": "n1", "cluster_id": "c",
            "tenant_id": tenant, "user_id": tenant, "ledger_epoch": 3, "from": since, "to": to, "is_test": False,
            "vector_count": to, "storage_bytes": 10 * to, "collection_count": 1,
            "deltas": {"vectors_inserted": to - since, "api_requests": 1},
            "collections": [{"collection_id": "col", "collection_name": "docs", "vector_count": to,
                             "storage_bytes": 10 * to}]}
    return {**body, **more}


def send(hub, body, **more):
    return hub.call("POST", "/api/internal/vectorizer/usage/update", body, Idempotency_Key=body["idempotency_key"], **more)


# ---- the program -----------------------------------------------------------------------------------------------------

def run(*arguments, **environment):
    env = {k: v for k, v in os.environ.items() if k != "HIVEHUB_SERVICE_API_KEY"}
    return subprocess.run([str(built("tools/mock-hub/mock-hub")), *arguments], capture_output=True, text=True, timeout=30,
                          env={**env, **environment})


def test_help_version_and_sigterm(hub):
    assert "--rng-seed" in run("--help").stdout
    assert run("--version").stdout.startswith("mock-hub 0.")
    assert hub.stop() == 0


@pytest.mark.parametrize("arguments, complaint", [
    ([], "HIVEHUB_SERVICE_API_KEY"),
    (["--service-key", "k", "--listen", "12000"], "an address is IP:PORT"),
    (["--service-key", "k", "--control", "0.0.0.0:0"], "loopback"),
    (["--service-key", "k", "--tls-cert", "x.pem"], "belong together"),
    (["--service-key", "k", "--seed-file", "missing.yml"], "missing.yml"),
])
def test_what_cannot_start_says_why(arguments, complaint):
    ended = run(*arguments)
    assert ended.returncode == 1 and complaint in ended.stderr


def test_a_seed_that_makes_no_sense_is_refused(tmp_path):
    seed = tmp_path / "seed.yml"
    seed.write_text("users:\n  - {id: u, limits: {vectors: 3}}\n")
    ended = run("--service-key", "k", "--seed-file", str(seed))
    assert ended.returncode == 1 and "there is no limit vectors" in ended.stderr


# ---- keys and users --------------------------------------------------------------------------------------------------

def test_every_operation_but_health_and_login_needs_the_service_key(hub):
    client = hub.client()
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": SERVICE_KEY}):
        assert client.post("/api/v1/access-keys/validate", {"access_key": ADMIN_KEY}, headers=headers).status == 401
        assert client.get(f"/api/internal/users/{ACME}", headers=headers).status == 401
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/v1/health").status == 200
    head = client.request("HEAD", "/health")
    assert (head.status, head.body) == (200, b"")
    assert client.get("/nowhere").status == 404


def test_validate_key_answers_what_the_seed_says(hub):
    body = hub.validate(ADMIN_KEY).json()
    assert {k: body[k] for k in ("valid", "tenant_id", "tenant_name", "permissions", "name", "rotation_status", "status",
                                 "scope", "plan")} == {
        "valid": True, "tenant_id": ACME, "tenant_name": "Acme", "permissions": ["ADMIN"], "name": "acme-admin",
        "rotation_status": "active", "status": "active", "scope": "tenant", "plan": "pro"}
    assert "allowed_functions" not in body and "expires_at" not in body and ADMIN_KEY not in json.dumps(body)
    assert hub.validate(MCP_KEY).json()["allowed_functions"] == ["search", "insert_text"]
    unknown = hub.validate("hh_test_" + "f" * 32)
    assert (unknown.status, unknown.json()) == (200, {"valid": False})
    assert hub.call("POST", "/api/v1/access-keys/validate", {"access_key": 7}).status == 400
    assert hub.call("POST", "/api/v1/access-keys/validate", "{").status == 400


def test_keys_are_made_expire_rotate_and_are_revoked(hub):
    made = hub.control("POST", "/keys", {"user_id": BIRCH, "permissions": ["READ_ONLY"], "functions": [], "name": "k",
                                         "expires_in_seconds": 100, "rate_limit_override": {"per_minute": 5}})
    assert made["key"].startswith("hh_test_") and len(made["key"]) == 40
    seen = hub.validate(made["key"]).json()
    assert seen["valid"] and seen["allowed_functions"] == [] and seen["rate_limit_override"] == {"per_minute": 5}
    assert seen["expires_at"] > seen["created_at"]

    fresh = hub.control("POST", f"/keys/{made['id']}/rotate", {"grace_seconds": 50})
    old = hub.validate(made["key"]).json()
    assert old["valid"] and old["rotation_status"] == "deprecated" and "rotation_expires_at" in old
    assert hub.validate(fresh["key"]).json()["rotation_status"] == "active"
    hub.control("POST", "/clock", {"advance_seconds": 51})
    gone = hub.validate(made["key"]).json()
    assert not gone["valid"] and gone["rotation_status"] == "expired"
    assert hub.validate(fresh["key"]).json()["valid"]
    hub.control("POST", "/clock", {"advance_seconds": 50})
    assert not hub.validate(fresh["key"]).json()["valid"]

    hub.control("POST", f"/keys/{BIRCH_KEY}/expire")
    assert hub.validate(BIRCH_KEY).json()["rotation_status"] == "expired"
    hub.control("POST", f"/keys/{ADMIN_KEY}/revoke")
    revoked = hub.validate(ADMIN_KEY).json()
    assert not revoked["valid"] and revoked["rotation_status"] == "revoked"
    assert hub.try_control("POST", "/keys/nobody/revoke").status == 404
    assert hub.try_control("POST", f"/keys/{ADMIN_KEY}/rotate").status == 409


def test_users_are_made_suspended_resumed_and_deleted(hub):
    user = hub.control("POST", "/users", {"name": "Cedar", "plan": "team", "ip_lists": {"allowlist": ["10.0.0.0/8"]}})
    key = hub.control("POST", "/keys", {"user_id": user["id"]})["key"]
    assert hub.validate(key).json()["ip_lists"] == {"allowlist": ["10.0.0.0/8"]}
    for act, status in (("suspend", "suspended"), ("resume", "active"), ("deactivate", "inactive")):
        hub.control("POST", f"/users/{user['id']}/{act}")
        assert hub.validate(key).json()["status"] == status
        assert hub.call("GET", f"/api/internal/users/{user['id']}").json()["status"] == status
        assert hub.call("GET", f"/api/v1/users/{user['id']}").json()["status"] == status
    assert hub.control("PATCH", f"/users/{user['id']}", {"plan": "pro", "status": "active"})["plan"] == "pro"
    assert hub.validate(key).json()["plan"] == "pro"
    hub.control("DELETE", f"/users/{user['id']}")
    assert not hub.validate(key).json()["valid"]
    assert hub.call("GET", "/api/internal/users/nobody").status == 404
    assert hub.try_control("POST", "/users", {"id": ACME}).status == 409
    assert hub.try_control("PATCH", f"/users/{ACME}", {"status": "asleep"}).status == 400
    assert len(hub.control("GET", "/users")["users"]) == 3


def test_manage_keys_as_an_operator_of_the_hub_does(hub):
    made = hub.call("POST", "/api/v1/access-keys", {"user_id": ACME, "permissions": ["READ_ONLY"],
                                                    "allowed_functions": ["search"]})
    assert made.status == 201
    made = made.json()
    assert hub.validate(made["key"]).json()["allowed_functions"] == ["search"]
    listed = hub.call("GET", f"/api/v1/access-keys?user_id={ACME}").json()["keys"]
    assert made["id"] in [k["id"] for k in listed] and len(listed) == 3 and "key" not in listed[0]
    assert hub.call("GET", f"/api/v1/access-keys/{made['id']}").json()["name"] == "key"
    assert hub.call("DELETE", f"/api/v1/access-keys/{made['id']}").json()["rotation_status"] == "revoked"
    assert not hub.validate(made["key"]).json()["valid"]
    assert hub.call("POST", "/api/v1/access-keys", {"user_id": "nobody"}).status == 404


def test_register_and_login(hub):
    client = hub.client()
    who = {"email": "dawn@example.com", "password": "a long one"}
    made = client.post("/api/auth/register", who)
    assert made.status == 201
    body = made.json()
    assert body["user"]["email"] == who["email"] and body["access_token"] == body["tokens"]["access_token"]
    assert client.post("/api/auth/login", who).json()["user"]["id"] == body["user"]["id"]
    assert client.post("/api/auth/login", {**who, "password": "other"}).status == 401
    assert client.post("/api/auth/login", {"email": "acme@example.com", "password": "x"}).status == 401
    assert client.post("/api/auth/register", who).status == 409


# ---- quotas, usage, collections, logs --------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["/api/internal/vectorizer/user/{}/quota", "/api/v1/vectorizer/users/{}/quota"])
def test_quotas_null_is_unlimited_and_absent_is_absent(hub, path):
    default = hub.call("GET", path.format(BIRCH)).json()["limits"]
    assert default == {"collection_count": 10, "vector_count": 100_000, "storage_bytes": 2 ** 30,
                       "requests_per_minute": 1000, "requests_per_hour": 10_000, "requests_per_day": 100_000,
                       "requests_per_month": None}
    hub.control("POST", f"/quotas/{BIRCH}", {"limits": {"vector_count": None, "storage_bytes": -1},
                                            "omit": ["collection_count"], "lease": {"id": "l1"}, "period": None})
    body = hub.call("GET", path.format(BIRCH)).json()
    assert body["limits"]["vector_count"] is None and body["limits"]["storage_bytes"] == -1
    assert "collection_count" not in body["limits"] and body["lease"] == {"id": "l1"} and body["period"] is None
    hub.control("POST", f"/quotas/{BIRCH}", {"shape": "max", "nested": True})
    assert hub.call("GET", path.format(BIRCH)).json()["quota"]["max_vectors"] is None
    for bad in ({"limits": {"vectors": 1}}, {"shape": "round"}, {"limits": {"vector_count": "many"}}):
        assert hub.try_control("POST", f"/quotas/{BIRCH}", bad).status == 400
    assert hub.call("GET", path.format("nobody")).status == 404


def test_check_quota_compares_with_what_was_reported(hub):
    hub.control("POST", f"/quotas/{ACME}", {"limits": {"vector_count": 100, "collection_count": None}})
    assert send(hub, report(to=90)).status == 200

    def check(operation, size=1, path="/api/internal/vectorizer/quota/check"):
        return hub.call("POST", path, {"project_id": ACME, "operation": operation, "estimated_size": size}).json()

    assert check("insert", 10) == {"allowed": True, "remaining": 10, "limit": 100}
    assert check("insert", 11, f"/api/v1/vectorizer/users/{ACME}/quota/check")["allowed"] is False
    assert check("create_collection") == {"allowed": True}


@pytest.mark.parametrize("path", ["/api/internal/vectorizer/usage/update", f"/api/v1/vectorizer/users/{ACME}/usage"])
def test_usage_counts_each_report_once_and_shows_what_is_missing(hub, path):
    def post(body):
        return hub.call("POST", path, body)

    assert post(report(to=10)).status == 200
    again = post(report(to=10))
    assert (again.status, again.json()) == (409, {"error": "duplicate"})
    assert post(report(to=10, node_id="n2")).status == 409
    assert post(report(since=30, to=40)).status == 200
    usage = hub.control("GET", f"/usage/{ACME}")
    assert usage["totals"] == {"api_requests": 2, "vectors_inserted": 20}
    assert usage["raw"] == {"api_requests": 4, "vectors_inserted": 40}
    assert (usage["reports"], usage["duplicates"], usage["altered"], usage["overlaps"]) == (2, 2, 1, 0)
    assert [(g["from"], g["to"], g["ledger_epoch"]) for g in usage["gaps"]] == [(10, 30, 3)]
    assert usage["present"] == {"collection_count": 1, "storage_bytes": 400, "vector_count": 40}
    assert post(report(since=10, to=31)).status == 200  # fills the gap, and one position too many
    usage = hub.control("GET", f"/usage/{ACME}")
    assert usage["gaps"] == [] and usage["overlaps"] == 1 and usage["present"]["vector_count"] == 40
    assert [u["tenant_id"] for u in hub.control("GET", "/usage")["tenants"]] == [ACME]


def test_usage_that_makes_no_sense_is_refused_and_not_counted(hub):
    for bad in (report(to=5, since=6), report(to=5, deltas={"vectors_inserted": "9"}), report(to=5, collections=7),
                {"tenant_id": ACME}):
        assert hub.call("POST", "/api/internal/vectorizer/usage/update", bad).status == 400
    assert hub.call("POST", "/api/internal/vectorizer/usage/update", report(to=5), Idempotency_Key="other").status == 400
    assert send(hub, report(to=5, tenant="nobody")).status == 404
    assert hub.control("GET", "/usage")["tenants"] == []


def test_collections_are_those_of_the_usage(hub):
    send(hub, report(to=7))
    for path in ("/api/internal/vectorizer/user/{}/collections", "/api/v1/vectorizer/users/{}/collections"):
        body = hub.call("GET", path.format(ACME)).json()
        assert body["total_collections"] == 1
        assert {"collection_id": "col", "collection_name": "docs", "vector_count": 7}.items() <= body["collections"][0].items()
        assert hub.call("GET", path.format(BIRCH)).json() == {"collections": [], "total_collections": 0}
    mine = hub.call("GET", f"/api/internal/vectorizer/collection/col/validate?userId={ACME}").json()
    assert mine["valid"] and mine["user_id"] == ACME and mine["quota"]["limits"]["collection_count"] == 100
    assert hub.call("GET", f"/api/v1/vectorizer/collections/col/validate?userId={BIRCH}").json()["valid"] is False
    assert hub.call("GET", f"/api/internal/vectorizer/collection/none/validate?userId={ACME}").status == 404

    created = hub.call("POST", f"/api/internal/vectorizer/user/{ACME}/collections", {"name": "new", "dimension": 3})
    assert created.status == 201
    assert hub.call("POST", f"/api/v1/vectorizer/users/{ACME}/collections", {"name": "new"}).status == 409
    assert hub.call("DELETE", f"/api/internal/vectorizer/collection/{created.json()['collection_id']}").status == 200
    assert hub.call("DELETE", f"/api/v1/vectorizer/collections/{created.json()['collection_id']}").status == 404


def test_reports_of_single_collections(hub):
    for vectors in (3, 5):
        send(hub, {"collection_id": "col", "user_id": ACME, "vector_count": vectors, "storage_bytes": 8, "idempotency_key":
                   f"c{vectors}"})
    assert hub.control("GET", f"/usage/{ACME}")["present"] == {"collection_count": 1, "storage_bytes": 8, "vector_count": 5}


def test_logs_are_kept(hub):
    entries = [{"operation_id": str(i), "tenant_id": ACME, "operation": "search", "success": True} for i in range(3)]
    sent = hub.call("POST", "/api/v1/vectorizer/logs", {"service_id": "vec-0123456789abcdef", "logs": entries})
    assert sent.json() == {"accepted": 3, "processed": 3}
    kept = hub.control("GET", "/logs")
    assert kept["received"] == 3 and kept["logs"][2]["service_id"] == "vec-0123456789abcdef"
    assert hub.call("POST", "/api/v1/vectorizer/logs", {"service_id": "v", "logs": 3}).status == 400


# ---- control ---------------------------------------------------------------------------------------------------------

def test_journal_keeps_requests_in_order_without_the_service_key(hub):
    hub.call("GET", f"/api/internal/users/{ACME}", X_Request_Id="r1", X_Service_Name="vectorizer")
    hub.validate(ADMIN_KEY)
    hub.client().get(f"/api/internal/users/{ACME}")
    journal = hub.control("GET", "/journal")
    first, second, third = journal["requests"]
    assert [r["operation"] for r in (first, second, third)] == ["get_user", "validate_key", "get_user"]
    assert journal["counts"] == {"get_user": 2, "validate_key": 1}
    assert first["headers"]["x-request-id"] == "r1" and first["status"] == 200 and first["service_key_right"] is True
    assert second["body"] == {"access_key": ADMIN_KEY} and second["carried_out"] == 1
    assert third["status"] == 401 and third["service_key_right"] is False and third["carried_out"] == 0
    assert SERVICE_KEY not in json.dumps(journal)
    assert len(hub.control("GET", "/journal?operation=get_user&limit=1")["requests"]) == 1
    assert [r["number"] for r in hub.control("GET", f"/journal?after={second['number']}")["requests"]] == [third["number"]]
    hub.control("DELETE", "/journal")
    assert hub.control("GET", "/journal") == {"requests": [], "counts": {}}


def test_reset_goes_back_to_the_seed(hub):
    hub.control("POST", f"/users/{ACME}/suspend")
    hub.control("POST", "/users", {"id": "extra"})
    hub.control("POST", "/clock", {"advance_seconds": 1000})
    hub.fault("status")
    send(hub, report(to=3))
    hub.control("POST", "/reset")
    assert len(hub.control("GET", "/users")["users"]) == 2
    assert hub.validate(ADMIN_KEY).json()["status"] == "active"
    assert hub.control("GET", "/usage")["tenants"] == [] and hub.control("GET", "/faults")["faults"] == []
    assert hub.control("GET", "/clock")["advanced_ms"] == 0


def test_control_calls_are_not_on_the_hubs_port_nor_the_other_way_round(hub):
    assert hub.call("GET", "/__mock/users").status == 404
    assert hub.try_control("GET", "/../health").status == 404
    assert hub.try_control("GET", "/nothing").status == 404
    assert hub.try_control("POST", "/clock", {"advance_seconds": -1}).status == 400


class Node:
    """Takes pushed events."""

    def __init__(self):
        self.received = received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.append((self.path, dict(self.headers), body))
                answer = json.dumps({"accepted": len(body["events"]), "duplicates": 0, "failed": []}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_events_are_pushed_to_nodes(hub):
    node = Node()
    try:
        key = hub.control("GET", f"/keys/{ADMIN_KEY}")
        sent = hub.control("POST", "/events/send", {
            "nodes": [node.url, "http://127.0.0.1:1", "ftp://x"], "headers": {"x-hivehub-service": "secret"},
            "events": [{"type": "key.revoked", "tenant_id": ACME, "key_id": key["id"]}, {"id": "e2", "type": "user.suspended"}]})
    finally:
        node.stop()
    good, dead, wrong = sent["sent"]
    assert good["status"] == 200 and good["body"]["accepted"] == 2
    assert "error" in dead and "http://host:port" in wrong["error"]
    (path, headers, body), = node.received
    assert path == "/hub/events" and headers["x-hivehub-service"] == "secret"
    first, second = body["events"]
    assert len(first["id"]) == 36 and first["at"].endswith("Z")
    assert first["key_sha256"] == hashlib.sha256(ADMIN_KEY.encode()).hexdigest()
    assert second["id"] == "e2"
    assert hub.try_control("POST", "/events/send", {"nodes": [node.url], "events": [{}]}).status == 400
    assert hub.try_control("POST", "/events/send", {"events": []}).status == 400


# ---- the change log --------------------------------------------------------------------------------------------------

def everything(hub):
    users = hub.control("GET", "/users")["users"]
    return (users, hub.control("GET", "/keys"), hub.control("GET", "/usage"), hub.control("GET", "/logs"),
            [hub.control("GET", f"/quotas/{user['id']}") for user in users])


def test_records_survive_kill_9(make_hub, tmp_path):
    hub = make_hub("--state-dir", tmp_path)
    made = hub.control("POST", "/users", {"name": "Cedar"})
    key = hub.control("POST", "/keys", {"user_id": made["id"]})
    hub.control("POST", f"/keys/{key['id']}/rotate", {"grace_seconds": 60})
    hub.control("POST", f"/quotas/{ACME}", {"limits": {"vector_count": None}, "omit": ["storage_bytes"]})
    hub.control("POST", "/clock", {"advance_seconds": 3600})
    hub.control("POST", f"/users/{BIRCH}/suspend", b"\xff no text")
    assert hub.try_control("POST", "/users", b"\xff").status == 400
    assert hub.try_control("POST", "/keys", {"user_id": ACME, "id": key["id"]}).status == 409  # a key was drawn for it
    hub.client().post("/api/auth/register", {"email": "e@example.com", "password": "p"})
    send(hub, report(to=10))
    send(hub, report(to=10))
    hub.call("POST", "/api/v1/vectorizer/logs", {"service_id": "v", "logs": [{"operation_id": "1"}]})
    before = everything(hub)
    hub.kill()
    log = tmp_path / "changes.jsonl"
    log.write_bytes(log.read_bytes() + b'{"door":"control","at":')  # cut off in the middle of a line

    again = make_hub("--state-dir", tmp_path, rng_seed=99)  # the seed of the first start counts
    assert everything(again) == before
    assert again.control("GET", "/clock")["advanced_ms"] == 3_600_000
    assert send(again, report(to=10)).status == 409
    later = again.control("POST", "/users", {"name": "Dogwood"})
    again.stop()
    third = make_hub("--state-dir", tmp_path)
    assert later in third.control("GET", "/users")["users"]
    third.control("POST", "/reset")
    before = everything(third)
    third.kill()
    assert everything(make_hub("--state-dir", tmp_path)) == before
    assert len(before[0]) == 2


def test_the_example_seed_is_read(hub):
    assert EXAMPLE.exists()
    limits = hub.control("GET", f"/quotas/{ACME}")["limits"]
    assert limits["requests_per_day"] is None and limits["vector_count"] == 1_000_000
    client = Client(hub.port)
    assert client.get("/health").status == 200
    client.close()
