"""Requests that no honest client sends: smuggled, doubled, folded, disguised. None gets further than a plain one."""
import re
import socket

import pytest
from cluster_world import INBOUND_SECRET

LETTERS = "abcdefab-cdef-4abc-8def-abcdefabcdef"  # a UUID that has an upper case


def raw(world, request):
    """Status and code of each answer to these bytes."""
    with socket.create_connection(("127.0.0.1", world.node.port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)], re.findall(rb'"code":"(\w+)"', answer)


def get(world, *lines, path="/collections", method="GET"):
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""]
    return raw(world, "\r\n".join(head).encode())


@pytest.fixture
def key(world):
    return world.keys["acme"]["key"]


def test_smuggled_keys(world, key):
    ends = "Host: localhost\r\nConnection: close\r\n"
    for smuggled in (
            "POST /collections HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            f"GET /collections HTTP/1.1\r\n{ends}X-API-Key: {key}\r\n\r\n",
            f"GET /collections HTTP/1.1\r\n{ends}X-API-Key: {key}\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
            f"POST /search HTTP/1.1\r\n{ends}X-API-Key: {key}\r\nTransfer-Encoding: xchunked\r\n\r\n",
            f"GET /collections HTTP/1.1\r\n{ends}X: a\r\n X-API-Key: {key}\r\n\r\n",
            f"GET /collections HTTP/1.1\r\n{ends}X: a\nX-API-Key: {key}\r\n\r\n",
            f"GET /collections HTTP/1.1\r\n{ends}X: a\rX-API-Key: {key}\r\n\r\n",
            f"GET /collections HTTP/1.1\r\n{ends}X-API-Key : {key}\r\n\r\n",
            f"GET /collections HTTP/1.1\r\n{ends}X-API-Key: {key}\0\r\n\r\n",
            f"GET /collections HTTP/1.1\r\n{ends}X-API-Key\0: {key}\r\n\r\n"):
        assert raw(world, smuggled.encode()) == ([400], [b"BAD_REQUEST"]), smuggled
    # A trailer is no header, and a connection remembers no key.
    trailer = (f"POST /search HTTP/1.1\r\n{ends}Transfer-Encoding: chunked\r\n\r\n"
               f"2\r\n{{}}\r\n0\r\nX-API-Key: {key}\r\n\r\n")
    assert raw(world, trailer.encode()) == ([401], [b"AUTH_MISSING_KEY"])
    second = (f"GET /collections HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n"
              f"GET /collections HTTP/1.1\r\n{ends}\r\n")
    assert raw(world, second.encode()) == ([200, 401], [b"AUTH_MISSING_KEY"])


def test_doubled_headers(world, key):
    other, acme, birch = world.keys["birch"]["key"], world.users["acme"], world.users["birch"]
    good = f"x-hivehub-service: {INBOUND_SECRET}"
    for lines in ([f"Authorization: Bearer {key}", f"Authorization: Bearer {other}"],
                  [f"X-API-Key: {key}", f"X-API-Key: {other}"],
                  [good, "X-HiveHub-Service: true"], ["x-hivehub-service: true", good], [good, good],
                  [good, f"x-hivehub-user-id: {acme}", f"X-Hivehub-User-Id: {birch}"],
                  [f"X-API-Key: {key}", f"x-hivehub-user-id: {acme}", f"x-hivehub-user-id: {birch}"]):
        assert get(world, *lines) == ([400], [b"BAD_REQUEST"]), lines
    assert get(world, good, f"x-hivehub-user-id: {acme}, {birch}") == ([400], [b"INVALID_USER_ID"])
    assert get(world, good, "x-hivehub-user-id:") == ([400], [b"INVALID_USER_ID"])
    for secret in ("", INBOUND_SECRET + " x", INBOUND_SECRET[:-1], INBOUND_SECRET.upper(),
                   world.hub.environment["HIVEHUB_SERVICE_API_KEY"]):
        answer = get(world, f"X-API-Key: {key}", f"x-hivehub-service: {secret}")
        assert answer == ([401], [b"AUTH_SERVICE_REJECTED"]), secret
    underscored = get(world, f"x_hivehub_service: {INBOUND_SECRET}", f"x_hivehub_user_id: {acme}")
    assert underscored == ([401], [b"AUTH_MISSING_KEY"])


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/%6detrics", "/metrics?x", "/api/v1/metrics", "//metrics",
                                  "/METRICS", "/health/../metrics", "/health%2f..%2fmetrics", "/%2e%2e/metrics",
                                  "/collections/%2e%2e/metrics", "/metrics%00", "/metrics%20", "/metrics;", "*",
                                  "http://elsewhere/metrics"])
def test_disguised_paths(world, key, path):
    """The operator's function by another name: nobody gets it with a tenant's key, and nothing at all without one."""
    (status,), _ = get(world, f"X-API-Key: {key}", path=path)
    assert status in (400, 403, 404)
    (status,), _ = get(world, path=path)
    assert status in (400, 401, 403)


def test_huge_keys(world, key):
    for size, status in ((100, 401), (9_000, 401), (100_000, 431)):
        assert get(world, "X-API-Key: hh_live_" + "a" * size)[0] == [status]
    assert world.hub.asked() == 0


def test_long_keys_meet_no_pattern(start_world):
    """A pattern is a regular expression, and what it costs grows with the key."""
    world = start_world(**{"hub.key_patterns": "^hh_live_[A-Za-z0-9]*$"})
    for size, code in ((248, "AUTH_INVALID_KEY"), (249, "AUTH_INVALID_FORMAT"), (9_000, "AUTH_INVALID_FORMAT")):
        assert get(world, "X-API-Key: hh_live_" + "a" * size) == ([401], [code.encode()])
    assert world.hub.asked() == 1


def test_names_with_uuids_in_other_spellings(world):
    owner = world.hub.control("POST", "/users", {"id": LETTERS, "name": "letters"})["id"]
    own, other = world.client(world.hub.key(owner, "ADMIN")), world.client("birch")
    own.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    for name in (f"user_{owner}:docs", f"{owner}:docs", f"user_{owner}%3Adocs", f"user_{owner.upper()}:docs",
                 f"USER_{owner}:docs", f"user_{owner.replace('-', '')}:docs", f"user_{owner}:", "user_:docs",
                 f"user_{owner}:user_{owner}:docs"):
        assert other.get(f"/collections/{name}").code == "COLLECTION_NOT_FOUND", name
    for name in (f"user_{owner}:x", f"{owner}:x", f"user_{owner.upper()}:x", "user_:x"):
        assert other.post("/collections", {"name": name, "dimension": 2}).code == "VALIDATION_ERROR", name
    other.ok("POST", "/collections", {"name": "mine", "dimension": 2})
    assert other.post("/collections/mine/rename", {"new_name": f"user_{owner}:docs"}).code == "VALIDATION_ERROR"
    assert own.ok("GET", "/collections")["total"] == 1
    # A UUID has no case, for its owner; nor as a user id.
    for name in (f"user_{owner}:docs", f"{owner}:docs", f"user_{owner.upper()}:docs", f"{owner.upper()}:docs",
                 f"user_{owner.upper()}%3Adocs"):
        assert own.ok("GET", f"/collections/{name}")["full_name"] == f"user_{owner}:docs", name
    mixed = f"user_{owner.capitalize()}:upper"
    assert own.ok("POST", "/collections", {"name": mixed, "dimension": 2})["full_name"] == f"user_{owner}:upper"
    own.ok("POST", "/insert", {"collection": mixed, "id": "a", "text": "bee"})
    assert own.ok("GET", f"/collections/upper/vectors/a")["id"] == "a"
    assert other.get(f"/collections/{mixed}").json()["message"].replace(mixed, "x") == \
        other.get("/collections/nothing").json()["message"].replace("nothing", "x")
    assert world.service(owner.upper()).ok("GET", "/collections/docs")["owner_id"] == owner


def test_request_ids_and_cursors_are_each_tenants_own(world):
    acme, birch = world.client("acme"), world.client("birch")
    named = {"X-Waggle-Request-Id": "the-same"}
    for client, id in ((acme, "a"), (birch, "b")):  # two bodies under one id: a conflict, were it one tenant
        client.ok("POST", "/insert", {"collection": "docs", "id": id, "text": "bee"}, headers=named)
    assert acme.post("/insert", {"collection": "docs", "id": "c", "text": "bee"}, headers=named).code == "CONFLICT"
    for n in range(4):
        acme.ok("POST", "/insert", {"collection": "docs", "id": f"a{n}", "text": "bee"})
    cursor = acme.ok("GET", "/collections/docs/vectors?limit=2")["next_cursor"]
    seen = birch.ok("GET", f"/collections/docs/vectors?limit=10&cursor={cursor}")["vectors"]
    assert [point["id"] for point in seen] == ["b"]
