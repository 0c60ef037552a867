"""Who is known by the head alone is asked for no body, and nobody else's is taken: memory belongs to those who may use it."""
import re
import socket
import time

import pytest
from cluster_world import INBOUND_SECRET
from test_limits import SIGNING_ENVIRONMENT, signed

PIECE = b"x" * 65536


def head(*lines, method="POST", path="/collections"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def connect(world):
    return socket.create_connection(("127.0.0.1", world.node.port), timeout=10)


def answer(connection):
    """The next answer on this connection: status, head, body."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        assert more, got
        got += more
    top, _, body = got.partition(b"\r\n\r\n")
    length = int((re.search(rb"Content-Length: (\d+)", top) or [0, b"0"])[1])
    while len(body) < length:
        body += connection.recv(65536)
    assert len(body) == length, "no second answer was asked for"
    return int(top.split()[1]), top, body


def rss_mib(world):
    with open(f"/proc/{world.node.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


HUGE = {"length": ["Content-Length: 99000000"], "chunked": ["Transfer-Encoding: chunked"],
        "packed": ["Content-Length: 99000000", "Content-Encoding: gzip"],
        "length, expect": ["Content-Length: 99000000", "Expect: 100-continue"],
        "chunked, expect": ["Transfer-Encoding: chunked", "Expect: 100-continue"]}


@pytest.mark.parametrize("how", HUGE)
def test_a_strangers_body_is_not_taken(world, how):
    wrong = "X-API-Key: hh_live_" + "w" * 40
    for credential, code in (([], b"AUTH_MISSING_KEY"), ([wrong], b"AUTH_INVALID_KEY"),
                             (["x-hivehub-service: nobody"], b"AUTH_SERVICE_REJECTED"),
                             ([f"X-API-Key: {world.hub.key(world.users['acme'], 'READ_ONLY')['key']}"], b"FORBIDDEN")):
        with connect(world) as connection:
            began = time.monotonic()
            connection.sendall(head(*credential, *HUGE[how]))
            status, top, body = answer(connection)
            assert status in (401, 403) and b'"%s"' % code in body and b"Connection: close" in top
            assert time.monotonic() - began < 2


def test_many_strangers_take_no_memory(world):
    """Sixty half-sent bodies; what they have sent is gone, whether they listen to the answer or not."""
    world.client("acme").ok("GET", "/collections")
    before = rss_mib(world)
    connections = [connect(world) for _ in range(60)]
    for n, connection in enumerate(connections):
        chunked = n % 2 == 0
        connection.settimeout(1)
        connection.sendall(head("Transfer-Encoding: chunked" if chunked else "Content-Length: 99000000"))
        try:
            if chunked:
                connection.sendall(b"2000000\r\n")
            for _ in range(64):
                connection.sendall(PIECE)
        except OSError:
            pass  # the node has had enough
    assert rss_mib(world) - before < 24
    for connection in connections:
        assert answer(connection)[0] == 401
        connection.close()


def test_a_body_is_never_the_next_request(world):
    key = f"X-API-Key: {world.keys['acme']['key']}"
    smuggled = head(key, "Content-Length: 0", method="DELETE", path="/collections/docs")
    world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    wanted = head(key, method="GET")
    for lines, more in (([f"Content-Length: {len(smuggled)}"], True),
                        ([f"Content-Length: {len(smuggled)}", "Content-Encoding: gzip"], True),
                        ([f"Content-Length: {len(smuggled)}", "Expect: 100-continue"], False),
                        (["Content-Length: 70000"], False), (["Transfer-Encoding: chunked"], False)):
        with connect(world) as connection:
            connection.sendall(head(*lines) + smuggled + wanted)
            connection.shutdown(socket.SHUT_WR)
            answers = b"".join(iter(lambda: connection.recv(65536), b""))
        assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"401", b"200"][:1 + more], lines
    assert world.client("acme").get("/collections/docs").status == 200


def test_a_refused_client_may_go_on(world):
    """Many refused requests with small bodies on one connection, then a good one."""
    with connect(world) as connection:
        for n in range(50):
            connection.sendall(head("Content-Length: 1000") + b"y" * 1000)
            assert answer(connection)[0] == 401
        connection.sendall(head(f"X-API-Key: {world.keys['acme']['key']}", method="GET"))
        assert answer(connection)[0] == 200


def test_who_is_known_is_asked_for_the_body(world):
    body = b'{"name":"docs","dimension":2}'
    with connect(world) as connection:
        connection.sendall(head(f"X-API-Key: {world.keys['acme']['key']}", f"Content-Length: {len(body)}",
                                "Expect: 100-continue"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert answer(connection)[0] == 200


def test_over_the_rate_limit_no_body_is_taken(start_world):
    world = start_world(**{"rate_limiting.default_requests_per_minute": "1"})
    world.client("acme").ok("GET", "/collections")
    with connect(world) as connection:
        connection.sendall(head(f"X-API-Key: {world.keys['acme']['key']}", "Content-Length: 99000000",
                                "Expect: 100-continue"))
        assert answer(connection)[0] == 429


def lines_of(headers):
    return [f"{name}: {value}" for name, value in headers.items()]


def test_a_signed_body_is_taken_only_with_a_head_that_may_hold(start_world):
    world = start_world(environment=SIGNING_ENVIRONMENT)
    acme = world.users["acme"]
    for change, message in (({"at": str(int(time.time()) - 400)}, b"Request timestamp expired"),
                            ({"x-hivehub-nonce": ""}, b"Missing nonce header")):
        with connect(world) as connection:
            connection.sendall(head(*lines_of(signed("POST", "/collections", "{}", user=acme, **change)),
                                    "Content-Length: 99000000", "Expect: 100-continue"))
            status, _, body = answer(connection)
            assert status == 401 and message in body
    # A large one, and a second look at the nonce although the body came in between.
    point = '{"id":"%d","vector":[1,0],"payload":{"text":"' + "x" * 3000 + '"}}'
    points = '{"points":[' + ",".join(point % n for n in range(900)) + "]}"
    world.client("acme").ok("POST", "/collections", {"name": "docs", "dimension": 2})
    client, path = world.node.client(), "/collections/docs/points"
    headers = signed("PUT", path, points, user=acme)
    assert client.put(path, points, headers=headers).status == 200
    assert client.put(path, points, headers=headers).code == "AUTH_SIGNATURE_INVALID"
    assert client.put(path, points[:-1] + " }", headers=signed("PUT", path, points, user=acme)).json()["message"] == \
        "Invalid request signature"


def test_a_secret_proves_before_the_body(world):
    lines = [f"x-hivehub-service: {INBOUND_SECRET}", f"x-hivehub-user-id: {world.users['acme']}"]
    with connect(world) as connection:
        connection.sendall(head(*lines, "Content-Length: 99000000", "Expect: 100-continue", path="/metrics/none"))
        assert answer(connection)[0] == 404
