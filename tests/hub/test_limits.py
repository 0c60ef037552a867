"""Rate limits, brute force, signed requests, and from where a service request is believed."""
import base64
import hashlib
import hmac
import threading
import time
import uuid

import pytest
from cluster_world import INBOUND_SECRET

SIGNING_SECRET = b"signing-secret-of-the-tests-0123"
SIGNING_ENVIRONMENT = {"HIVEHUB_SIGNING_SECRET": base64.b64encode(SIGNING_SECRET).decode()}


def test_requests_per_minute(start_world):
    world = start_world(**{"rate_limiting.default_requests_per_minute": "30"})
    client = world.client("acme")
    for n in range(30):
        answer = client.get("/collections")
        assert answer.status == 200
        assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("30", str(29 - n))
        assert abs(int(answer.headers["X-RateLimit-Reset"]) - time.time()) < 63
    refused = client.get("/collections")
    body = refused.json()
    assert refused.status == 429 and body["code"] == "RATE_LIMIT_EXCEEDED" and body["error"] == "Rate limit exceeded"
    assert body["details"]["window"] == "per_minute" and body["details"]["limit"] == 30
    assert 1 <= body["retry_after_seconds"] == int(refused.headers["Retry-After"]) <= 61
    # All keys of a tenant share its windows; another tenant has its own.
    assert world.client(world.hub.key(world.users["acme"], "READ_ONLY")).get("/collections").status == 429
    assert world.service(world.users["acme"]).get("/collections").status == 429
    assert world.client("birch").get("/collections").status == 200
    # Who may not call anyway is told so, and that costs nothing.
    assert world.client(world.hub.key(world.users["birch"], "READ_ONLY")).post("/collections").code == "FORBIDDEN"
    assert world.client("birch").get("/collections").headers["X-RateLimit-Remaining"] == "28"


def test_many_at_once_never_pass_the_limit(start_world):
    world = start_world(**{"rate_limiting.default_requests_per_minute": "100"})
    statuses = []

    def ask():
        client = world.client("acme")
        for _ in range(20):
            statuses.append(client.get("/collections").status)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert statuses.count(200) == 100 and statuses.count(429) == 220


def test_a_key_may_have_a_lower_limit(start_world):
    world = start_world(**{"rate_limiting.default_requests_per_minute": "50"})
    lower = world.hub.key(world.users["acme"], "READ_ONLY", rate_limit_override={"requests_per_minute": 3})
    higher = world.hub.key(world.users["birch"], "READ_ONLY", rate_limit_override={"requests_per_minute": 5000})
    assert world.client(lower).get("/collections").headers["X-RateLimit-Limit"] == "3"
    assert world.client(higher).get("/collections").headers["X-RateLimit-Limit"] == "50"


def test_brute_force(start_world):
    world = start_world(**{"auth.brute_force.failures": "5", "auth.brute_force.block_seconds": "2",
                           "auth.brute_force.window_seconds": "60"})
    known, guessing = world.client("acme"), world.node.client()
    assert known.get("/collections").status == 200
    for n in range(5):
        assert guessing.get("/collections", headers={"X-API-Key": f"hh_live_{n:032d}"}).status == 401
    asked = world.hub.asked()
    for key in ("hh_live_" + "9" * 32, world.keys["birch"]["key"]):  # also the right one, as long as nobody has seen it
        answer = guessing.get("/collections", headers={"X-API-Key": key})
        assert answer.status == 429 and answer.code == "AUTH_RATE_LIMIT"
        assert answer.json()["error"] == "Too many authentication failures" and 1 <= int(answer.headers["Retry-After"]) <= 2
    assert world.service(world.users["acme"]).get("/collections").code == "AUTH_RATE_LIMIT"
    assert world.hub.asked() == asked, "no validation is attempted during a block"
    assert known.get("/collections").status == 200, "what is known serves on"
    time.sleep(2.1)
    assert world.client("birch").get("/collections").status == 200


def test_missing_keys_block_nobody(start_world):
    world = start_world(**{"auth.brute_force.failures": "3"})
    for _ in range(10):
        assert world.node.client().get("/collections").code == "AUTH_MISSING_KEY"
    assert world.client("birch").get("/collections").status == 200


def signed(method, path, body="", query="", user="", version=2, **change):
    """The headers of a request that is signed as auth.md §7 says; `change` replaces some after signing."""
    timestamp, nonce = change.pop("at", str(int(time.time()))), change.pop("nonce", str(uuid.uuid4()))
    digest = hashlib.sha256(body.encode()).hexdigest()
    lines = [method, path, timestamp, nonce, digest if body else ""] if version == 1 else \
        ["WAGGLE-HMAC-V2", method, path, query, timestamp, nonce, user, digest]
    signature = hmac.new(SIGNING_SECRET, "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    headers = {"x-hivehub-service": "hub-gateway", "x-hivehub-signature": signature, "x-hivehub-timestamp": timestamp,
               "x-hivehub-nonce": nonce, "x-hivehub-signature-version": str(version)}
    if user:
        headers["x-hivehub-user-id"] = user
    return {**headers, **change}


@pytest.fixture
def signing_world(start_world):
    return start_world(environment=SIGNING_ENVIRONMENT)


def test_signed_service_requests(signing_world):
    world, acme = signing_world, signing_world.users["acme"]
    client = world.node.client()
    body = '{"name":"docs","dimension":2}'
    assert client.post("/collections", body, headers=signed("POST", "/collections", body, user=acme)).status == 200
    assert world.client("acme").get("/collections/docs").status == 200
    ask = signed("GET", "/api/v1/collections", query="limit=1", user=acme)
    assert client.get("/api/v1/collections?limit=1", headers=ask).status == 200
    assert client.get("/api/v1/collections?limit=1", headers=ask).json()["message"] == \
        "Duplicate request nonce (possible replay attack)"
    assert client.get("/collections", headers=signed("GET", "/collections", user=acme, version=1)).status == 200
    for headers, message in (
            (signed("GET", "/collections", user=acme, **{"x-hivehub-user-id": world.users["birch"]}), "Invalid request signature"),
            (signed("POST", "/collections", user=acme), "Invalid request signature"),
            (signed("GET", "/collections", query="limit=2", user=acme), "Invalid request signature"),
            (signed("GET", "/collections", user=acme, at=str(int(time.time()) - 400)),
             "Request timestamp expired or too far in future"),
            (signed("GET", "/collections", user=acme, **{"x-hivehub-timestamp": "now"}), "Invalid timestamp format")):
        answer = client.get("/collections", headers=headers)
        assert answer.status == 401 and answer.code == "AUTH_SIGNATURE_INVALID" and answer.json()["message"] == message


def test_every_request_signed(start_world):
    """hub.signing.required: all. A service that its signature proves is asked for no second one, a key needs one too."""
    world = start_world(environment=SIGNING_ENVIRONMENT, **{"hub.signing.required": "all"})
    acme, client = world.users["acme"], world.node.client()
    ask = signed("GET", "/collections", user=acme)
    assert client.get("/collections", headers=ask).status == 200
    assert client.get("/collections", headers=ask).json()["message"] == "Duplicate request nonce (possible replay attack)"
    by_secret = {**signed("GET", "/collections", user=acme), "x-hivehub-service": INBOUND_SECRET}
    assert client.get("/collections", headers=by_secret).status == 200
    by_key = signed("GET", "/collections")
    del by_key["x-hivehub-service"]
    assert world.client("acme").get("/collections", headers=by_key).status == 200
    for unsigned in (world.client("acme"), world.service(acme)):
        assert unsigned.get("/collections").json()["message"] == "Missing signature header"


def test_a_nonce_counts_once_under_contention(signing_world):
    headers = signed("GET", "/collections", user=signing_world.users["acme"])
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(
        signing_world.node.client().get("/collections", headers=headers).status)) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(statuses) == [200] + [401] * 15


def test_literal_true_only_from_named_peers(start_world):
    world = start_world(**{"hub.inbound.allow_literal_true": "true", "hub.inbound.allowed_peers": "127.0.0.1"})
    acme = world.users["acme"]
    assert world.service(acme, "true").get("/collections").status == 200
    forwarded = world.node.client(headers={"x-hivehub-service": "true", "x-hivehub-user-id": acme})
    assert forwarded.get("/collections", headers={"X-Forwarded-For": "10.0.0.9"}).status == 200  # the peer counts
    elsewhere = start_world(**{"hub.inbound.allow_literal_true": "true", "hub.inbound.allowed_peers": "10.0.0.0/8"})
    for secret in ("true", None):
        client = elsewhere.service(acme, secret) if secret else elsewhere.service(acme)
        assert client.get("/collections", headers={"X-Forwarded-For": "10.0.0.9"}).code == "AUTH_SERVICE_REJECTED"
