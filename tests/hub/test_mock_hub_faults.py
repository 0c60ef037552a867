"""Every fault of mock-hub on the wire. `validate_key` and `report_usage` stand for all operations."""
import http.client
import json
import socket
import ssl
import time

import pytest

from client import Disconnected
from embedding_server import Certificate
from mock_hub import SERVICE_KEY
from test_mock_hub import ACME, ADMIN_KEY, report, send


def outcomes(hub, count):
    return "".join("." if hub.validate(ADMIN_KEY).status == 200 else "x" for _ in range(count))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 429, 500, 502, 503, 504])
def test_status(hub, status):
    hub.fault("status", operation="validate_key", status=status, retry_after_seconds=7, count=1)
    hit = hub.validate(ADMIN_KEY)
    assert hit.status == status and hit.headers["Retry-After"] == "7" and "error" in hit.json()
    assert hub.validate(ADMIN_KEY).status == 200


def test_a_fault_is_of_its_operation_until_it_is_cleared(hub):
    one = hub.fault("status", operation="get_user")
    assert hub.validate(ADMIN_KEY).status == 200
    assert hub.call("GET", f"/api/internal/users/{ACME}").status == 503
    hub.fault("status", status=500)
    assert hub.validate(ADMIN_KEY).status == 500
    hub.control("DELETE", f"/faults/{one}")
    assert hub.call("GET", f"/api/internal/users/{ACME}").status == 500
    assert hub.control("GET", "/faults")["faults"][0]["fired"] == 2
    hub.control("DELETE", "/faults")
    assert hub.call("GET", f"/api/internal/users/{ACME}").status == 200
    assert hub.try_control("DELETE", "/faults/99").status == 404
    assert hub.try_control("POST", "/faults", {"kind": "explode"}).status == 400
    assert hub.try_control("POST", "/faults", {"kind": "status", "operation": "no_such"}).status == 400


def test_the_same_seed_and_order_hit_the_same_requests(make_hub):
    seen = []
    for seed in (5, 5, 6):
        hub = make_hub(rng_seed=seed)
        hub.fault("status", probability=0.5)
        seen.append(outcomes(hub, 40))
        assert "." in seen[-1] and "x" in seen[-1]
    assert seen[0] == seen[1] != seen[2]


def test_flapping(hub):
    hub.fault("status", **{"pass": 2, "fail": 1})
    assert outcomes(hub, 7) == "..x..x."


def test_latency(hub):
    hub.fault("latency", ms=150, ms_max=200, count=1)
    begin = time.monotonic()
    assert hub.validate(ADMIN_KEY).status == 200
    assert time.monotonic() - begin >= 0.15


def test_latency_does_not_hold_up_others(hub):
    hub.fault("latency", operation="validate_key", ms=60_000)
    slow = hub.client(timeout=0.3)
    with pytest.raises(Disconnected):
        hub.validate(ADMIN_KEY, client=slow)
    assert hub.call("GET", f"/api/internal/users/{ACME}").status == 200


def test_reset_before_does_nothing_and_after_loses_the_acknowledgement(hub):
    hub.fault("reset", operation="report_usage", count=1)
    with pytest.raises(Disconnected, match="ConnectionReset"):
        send(hub, report(to=10))
    assert hub.control("GET", "/usage")["tenants"] == []
    hub.fault("reset", operation="report_usage", when="after", count=1)
    with pytest.raises(Disconnected, match="ConnectionReset"):
        send(hub, report(to=10))
    assert send(hub, report(to=10)).status == 409
    assert hub.control("GET", f"/usage/{ACME}")["totals"]["vectors_inserted"] == 10
    first, second, third = hub.control("GET", "/journal")["requests"]
    assert [r["carried_out"] for r in (first, second, third)] == [0, 1, 1]
    assert [r["status"] for r in (first, second, third)] == [None, None, 409]
    assert len(first["faults"]) == 1


def test_a_status_after_processing(hub):
    hub.fault("status", operation="report_usage", when="after", status=504, count=1)
    assert send(hub, report(to=10)).status == 504
    assert send(hub, report(to=10)).status == 409


@pytest.mark.parametrize("when, carried_out", [("before", 0), ("after", 1)])
def test_hang_and_half_open(hub, when, carried_out):
    hub.fault("hang", operation="report_usage", when=when, count=1)
    with pytest.raises(Disconnected, match="[Tt]ime"):
        send(hub, report(to=10), client=hub.client(timeout=0.3))
    assert hub.control("GET", "/journal")["requests"][0]["carried_out"] == carried_out
    assert send(hub, report(to=10)).status == (409 if carried_out else 200)


def test_duplicate_processing(hub):
    hub.fault("duplicate", operation="report_usage")
    assert send(hub, report(to=10)).status == 200
    usage = hub.control("GET", f"/usage/{ACME}")
    assert usage["duplicates"] == 1 and usage["totals"]["vectors_inserted"] == 10 and usage["raw"]["vectors_inserted"] == 20


def test_slow_body(hub):
    hub.fault("slow", ms=10, bytes=20, count=1)
    begin = time.monotonic()
    answer = hub.validate(ADMIN_KEY)
    assert answer.json()["valid"] is True
    assert time.monotonic() - begin >= 0.01 * (len(answer.body) // 20 - 1)


def test_truncated_body(hub):
    hub.fault("truncated", count=1)
    with pytest.raises(Disconnected, match="IncompleteRead"):
        hub.validate(ADMIN_KEY)
    assert hub.validate(ADMIN_KEY).json()["valid"] is True


def test_malformed_and_wrong_type_and_oversized_bodies(hub):
    hub.fault("malformed", count=1)
    malformed = hub.validate(ADMIN_KEY)
    assert malformed.status == 200
    with pytest.raises(ValueError):
        malformed.json()
    hub.fault("wrong_type", count=1)
    mistyped = hub.validate(ADMIN_KEY).json()
    assert mistyped["valid"] == "yes" and mistyped["permissions"] == {} and mistyped["tenant_id"] == 7
    hub.fault("oversized", bytes=3_000_000, count=1)
    big = hub.validate(ADMIN_KEY)
    assert len(big.body) > 3_000_000 and big.json()["valid"] is True


def test_rejected_service_key(hub):
    hub.fault("reject_key", operation="validate_key", count=1)
    assert hub.validate(ADMIN_KEY).status == 401
    assert hub.control("GET", "/journal")["requests"][0]["service_key_right"] is True


def test_refused_connections(hub):
    kept = hub.client()
    assert hub.validate(ADMIN_KEY, client=kept).status == 200
    hub.fault("refuse")
    with pytest.raises(Disconnected):
        hub.validate(ADMIN_KEY, client=kept)  # the open connection is cut off
    for _ in range(3):
        with pytest.raises(Disconnected, match="ConnectionRefused"):
            hub.validate(ADMIN_KEY)
    hub.control("DELETE", "/faults")
    assert hub.validate(ADMIN_KEY).status == 200
    hub.fault("refuse", ms=200)
    deadline = time.monotonic() + 20
    while True:
        try:
            assert hub.validate(ADMIN_KEY).status == 200
            break
        except Disconnected:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_requests_of_a_connection_follow_each_other(hub):
    client = hub.client()
    for _ in range(5):
        assert hub.validate(ADMIN_KEY, client=client).status == 200
    with socket.create_connection(("127.0.0.1", hub.port), timeout=20) as raw:
        raw.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 2 + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answered = b""
        while piece := raw.recv(4096):
            answered += piece
    assert answered.count(b"HTTP/1.1 200 OK") == 3


def test_tls_and_its_failure(make_hub, tmp_path):
    certificate = Certificate(tmp_path)
    hub = make_hub("--tls-cert", certificate.certificate, "--tls-key", certificate.key)
    assert hub.url.startswith("https://")

    def validate(context):
        connection = http.client.HTTPSConnection("127.0.0.1", hub.port, timeout=20, context=context)
        try:
            connection.request("POST", "/api/v1/access-keys/validate", json.dumps({"access_key": ADMIN_KEY}),
                               {"Authorization": "Bearer " + SERVICE_KEY})
            return json.loads(connection.getresponse().read())["valid"]
        finally:
            connection.close()

    trusting = ssl.create_default_context(cafile=certificate.certificate)
    assert validate(trusting) is True
    with pytest.raises(ssl.SSLCertVerificationError):
        validate(ssl.create_default_context())
    hub.fault("tls", count=2)
    for _ in range(2):
        with pytest.raises(ssl.SSLError):
            validate(trusting)
    assert validate(trusting) is True
    hub.fault("reset", count=1)
    with pytest.raises(OSError):
        validate(trusting)
