"""`security.ip` and trusted proxies (auth.md §8): who may talk to the node, by address, on every path and before
anything else is looked at. Every address of 127.0.0.0/8 reaches a loopback listener, so a test can be several clients.
"""
import http.client
import json
import re
import subprocess
import time

import pytest

PROXY = "127.0.0.1"


def ask(node, path="/livez", source=PROXY, forwarded=(), header="X-Forwarded-For", method="GET", extra=()):
    """(status, body, headers) of a request from `source`, with a header line for each entry of `forwarded`."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20, source_address=(source, 0))
    try:
        connection.putrequest(method, path)
        for line in forwarded:
            connection.putheader(header, line)
        for name, value in extra:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def status(node, **kw):
    return ask(node, **kw)[0]


def start(make_node, **keys):
    settings = {"security.ip.enabled": "true", "logging.level": "debug"}
    settings.update({f"security.{key}".replace("__", "."): value for key, value in keys.items()})
    return make_node(settings).start()


def logged(node, message, count):
    """The first `count` events of that message and any after them; lines are written by a thread of their own."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        found = [e for e in node.log_events() if e["message"] == message]
        if len(found) >= count:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{len(found)} of {count} lines '{message}'")


def messages(events, message):
    return [e for e in events if e["message"] == message]


def test_off_by_default(make_node):
    node = make_node({"security.ip.global_blocklist": "127.0.0.0/8", "security.ip.default_policy": "deny"}).start()
    assert status(node, source="127.0.0.2") == 200


def test_a_blocked_address(make_node):
    node = start(make_node, ip__global_blocklist="127.0.0.2, 127.0.3.0/24")
    assert status(node) == 200 and status(node, source="127.0.0.3") == 200
    before = node.client().get("/metrics").text
    for source in ("127.0.0.2", "127.0.3.0", "127.0.3.255"):
        code, body, headers = ask(node, "/livez", source, extra=[("X-Correlation-ID", f"from-{source}")])
        body = json.loads(body)
        assert code == 403 and body["code"] == "IP_DENIED" and body["error_type"] == "ip_denied", body
        assert body["message"] == body["error"] == "Requests from this address are not allowed"
        assert body["request_id"] == headers["X-Correlation-ID"] == f"from-{source}"
        assert headers["X-Content-Type-Options"] == "nosniff" and source not in body["message"]
    said = logged(node, "address denied", 3)
    assert [e["client"] for e in said] == ["127.0.0.2", "127.0.3.0", "127.0.3.255"], "once for each"
    assert said[0]["correlation_id"] == "from-127.0.0.2"

    def counted(text):
        line = r'^vectorizer_api_errors_total\{endpoint="unmatched",error_type="ip_denied",status_code="403"\} (\d+)$'
        return int(re.search(line, text, re.M)[1])

    assert counted(before) == 0 and counted(node.client().get("/metrics").text) == 3


def test_on_every_path(make_node):
    """Before the route, the method, the body, the Host and the Origin are judged."""
    node = start(make_node, ip__global_blocklist="127.0.0.2")
    pretence = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "GET"),
                ("Authorization", "Bearer x"), ("x-hivehub-service", "true"), ("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1")]
    for method, path in [("GET", "/health"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/no-such-route"),
                         ("HEAD", "/"), ("DELETE", "/livez"), ("POST", "/collections"), ("OPTIONS", "/collections"),
                         ("GET", "/hub/usage")]:
        code, body, _ = ask(node, path, "127.0.0.2", method=method, extra=pretence)
        assert code == 403 and (method == "HEAD" or json.loads(body)["code"] == "IP_DENIED"), (method, path)


def test_a_body_is_not_taken(make_node):
    node = start(make_node, ip__global_blocklist="127.0.0.2")
    code, body, headers = ask(node, "/collections", "127.0.0.2", method="POST", extra=[("Content-Length", "1000000")])
    assert code == 403 and headers["Connection"] == "close" and json.loads(body)["code"] == "IP_DENIED"


def test_policy_and_lists(make_node):
    strict = start(make_node, ip__default_policy="deny", ip__allow_localhost="false",
                   ip__global_allowlist="127.0.0.1,127.7.0.0/16", ip__global_blocklist="127.7.7.7")
    for source, expected in (("127.0.0.1", 200), ("127.7.1.1", 200), ("127.7.7.7", 403), ("127.0.0.2", 403)):
        assert status(strict, source=source) == expected, source
    local = start(make_node, ip__default_policy="deny")
    assert status(local, source="127.0.0.2") == 200, "allow_localhost"


def test_private_and_public_behind_a_proxy(make_node):
    def allowed(node, address):
        return status(node, forwarded=[address]) == 200

    # Readiness is asked by the proxy itself, so it is on the list.
    common = {"trusted_proxies": PROXY, "ip__default_policy": "deny",
              "ip__global_allowlist": "127.0.0.1,2001:db8:1::/48"}
    node = start(make_node, **common)
    assert allowed(node, "10.1.2.3") and allowed(node, "fd00::1") and allowed(node, "::ffff:192.168.0.1")
    assert not allowed(node, "8.8.8.8") and not allowed(node, "2001:db8:2::1") and allowed(node, "2001:db8:1::1")
    assert not allowed(node, "172.32.0.1") and not allowed(node, "fe80::1")
    node = start(make_node, **common, ip__allow_private="false", ip__allow_localhost="false")
    assert not allowed(node, "10.1.2.3") and not allowed(node, "fd00::1") and not allowed(node, "127.0.0.9")


def test_a_client_cannot_choose_its_address(make_node):
    """Spoofing: what stands left of the last untrusted address was written by the client."""
    node = start(make_node, trusted_proxies="127.0.0.1, 127.0.9.0/24", ip__default_policy="deny",
                 ip__global_allowlist="198.51.100.7, 127.0.0.1", ip__allow_private="false", ip__allow_localhost="false")
    good, evil = "198.51.100.7", "203.0.113.66"
    admitted = [[good], [f"{evil}, {good}"], [f"{good}, 127.0.9.1, 127.0.9.2"], [evil, good],
                [evil, f"{good},127.0.9.1"], [f"::ffff:{good}"], [f"{good}:4711"]]
    for lines in admitted:
        assert status(node, forwarded=lines) == 200, lines
    refused = [[evil], [f"{good}, {evil}"], [f"127.0.0.1, {evil}"], [f"{good}, {evil}, 127.0.9.1"], [good, evil],
               [good, f"{evil}, 127.0.0.1"], ["10.0.0.1"], ["::1"], ["::ffff:127.0.0.5"]]
    for lines in refused:
        code, body, _ = ask(node, forwarded=lines)
        assert code == 403 and json.loads(body)["code"] == "IP_DENIED", lines
    first = logged(node, "address denied", 1)[0]
    assert first["client"] == evil and first["peer"] == PROXY
    # A peer that is no proxy is itself, whatever it says.
    assert status(node, source="127.0.0.2", forwarded=[good]) == 403
    # Other headers name nobody.
    for header in ("X-Real-IP", "Forwarded", "X-Client-IP", "X_Forwarded_For"):
        assert status(node, source="127.0.0.2", forwarded=[good], header=header) == 403
        assert status(node, forwarded=[evil], header=header) == 200


def test_a_header_that_cannot_be_read(make_node):
    node = make_node({"security.trusted_proxies": PROXY}).start()  # also without lists: the client's address is logged
    for lines in (["garbage"], [""], ["198.51.100.1, "], ["unknown, 198.51.100.1"], ["for=198.51.100.1"],
                  ["198.51.100.1 198.51.100.2"], ["garbage", "198.51.100.1"], ["010.0.0.1"], ["2130706433"]):
        code, body, _ = ask(node, forwarded=lines)
        assert code == 400 and json.loads(body)["code"] == "BAD_REQUEST", (lines, body)
        assert "X-Forwarded-For" in json.loads(body)["message"]
        assert status(node, source="127.0.0.2", forwarded=lines) == 200, "not from a proxy, so not read"


def test_each_request_has_its_own_client(make_node):
    """A proxy sends many clients' requests over one connection."""
    node = start(make_node, trusted_proxies=PROXY, ip__global_blocklist="203.0.113.66")
    client = node.client()
    for _ in range(3):
        assert client.get("/livez", headers={"X-Forwarded-For": "198.51.100.7"}).status == 200
        assert client.get("/livez").status == 200
    requests = logged(node, "request", 7)  # the first asked whether the node is ready
    seen = [e["client"] for e in requests if e["path"] == "/livez"]
    assert seen == ["198.51.100.7", "127.0.0.1"] * 3
    assert client.get("/livez", headers={"X-Forwarded-For": "203.0.113.66"}).status == 403


def test_another_header(make_node):
    node = start(make_node, trusted_proxies=PROXY, forwarded_header="CF-Connecting-IP",
                 ip__global_blocklist="203.0.113.66")
    assert status(node, forwarded=["203.0.113.66"]) == 200
    assert status(node, forwarded=["203.0.113.66"], header="cf-connecting-ip") == 403


def test_reload(file_node):
    node = file_node("security: {ip: {enabled: true}}\n")
    held = node.client()
    assert status(node, source="127.0.0.2") == 200 and held.get("/livez").status == 200
    events = node.reload("security: {ip: {enabled: true, global_blocklist: [127.0.0.2]}}\n")
    assert [e["key"] for e in messages(events, "changed")] == ["security.ip.global_blocklist"]
    assert not [e for e in events if e["level"] == "warn"], "in effect"
    assert status(node, source="127.0.0.2") == 403 and held.get("/livez").status == 200
    events = node.reload("security: {ip: {enabled: true, global_blocklist: [127.0.0.2, nonsense]}}\n")
    assert "'nonsense'" in messages(events, "not reloaded; the running values stay")[0]["why"]
    assert status(node, source="127.0.0.2") == 403
    node.reload("security: {ip: {enabled: true, global_blocklist: [127.0.0.1]}}\n")
    assert held.get("/livez").status == 403, "requests of open connections too"
    node.reload("security: {ip: {enabled: true, global_blocklist: [203.0.113.66]}, trusted_proxies: [127.0.0.0/8]}\n")
    assert status(node, forwarded=["203.0.113.66"]) == 403 and status(node, forwarded=["203.0.113.67"]) == 200
    node.reload("")
    assert status(node, forwarded=["203.0.113.66"]) == 200


@pytest.mark.parametrize("setting, named", [
    ("security.ip.global_allowlist=10.0.0.0/8,10.0.0.0/33", "'10.0.0.0/33'"),
    ("security.ip.global_blocklist=example.com", "'example.com'"),
    ("security.trusted_proxies=::1,fe80::1%eth0", "'fe80::1%eth0'"),
    ("security.forwarded_header=Forwarded", "X-Forwarded-For"),
    ("security.forwarded_header=X Forwarded", "'X Forwarded' is not a header name"),
    ("security.ip.default_policy=maybe", "allow"),
])
def test_what_cannot_be_read_stops_the_start(make_node, setting, named):
    node = make_node()
    done = subprocess.run(node.command() + ["--set", setting], capture_output=True, text=True, timeout=60)
    assert done.returncode == 78 and named in done.stderr and setting.split("=")[0] in done.stderr, done.stderr
