"""Doors with a key of their own: the key in the query, the token of whoever collects metrics, the orchestrator's listener."""
import socket
import time

import pytest

from cluster_world import INBOUND_SECRET
from test_audit import ask, audit_dir, record_of
from test_isolation import routes_of

TOKEN = "scrape-token-of-the-tests-0123456789"


def everything_written(node):
    files = [node.log_path, *audit_dir(node).iterdir()]
    return b"".join(path.read_bytes() for path in files)


def test_a_key_in_the_query_counts_only_where_it_may(start_world):
    world = start_world()
    key = world.keys["acme"]["key"]
    assert world.node.client().get(f"/collections?api_key={key}").code == "AUTH_MISSING_KEY"
    assert world.client("birch").get(f"/collections?api_key={key}").headers["X-Tenant-ID"] == world.users["birch"]
    assert world.hub.asked() == 1


def test_a_key_in_the_query_reaches_no_log(start_world):
    world = start_world(**{"auth.allow_query_api_key": "true", "logging.level": "trace"})
    node, key, nobody = world.node, world.keys["acme"]["key"], world.node.client()
    wrong = "hh_live_" + "W" * 40
    answer = ask(nobody, "good", "GET", f"/collections?api_key={key}")
    assert answer.status == 200 and answer.headers["X-Tenant-ID"] == world.users["acme"]
    assert ask(nobody, "make", "POST", f"/collections?api_key={key}", {"name": "docs", "dimension": 2}).status == 200
    assert ask(nobody, "encoded", "GET", f"/collections?api%5Fkey={key}").status == 200
    assert ask(nobody, "wrong", "GET", f"/collections?api_key={wrong}").code == "AUTH_INVALID_KEY"
    assert ask(nobody, "shape", "GET", "/collections?api_key=hunter2hunter2").code == "AUTH_INVALID_FORMAT"
    assert ask(nobody, "empty", "GET", "/collections?api_key=").code == "AUTH_INVALID_FORMAT"
    # The same key twice is one key; two keys are a contradiction.
    assert ask(world.client("acme"), "same", "GET", f"/collections?api_key={key}").status == 200
    other = world.keys["birch"]["key"]
    assert ask(world.client("acme"), "two", "GET", f"/collections?api_key={other}").status == 400
    assert ask(nobody, "twice", "GET", f"/collections?api_key={key}&api_key={other}").status == 400
    # Never instead of a proof that is asked for.
    assert ask(world.service(secret="nobody's"), "service", "GET", f"/collections?api_key={key}").code == "AUTH_SERVICE_REJECTED"
    # What fails inside is logged with its path alone.
    assert ask(nobody, "lost", "GET", f"/no/such/route?api_key={key}").status == 404
    names = ("good", "make", "encoded", "wrong", "shape", "empty", "same", "two", "twice", "service", "lost")
    for name in names:
        record_of(node, name)
    assert record_of(node, "good")["actor"]["id"] == world.keys["acme"]["id"]
    written = everything_written(node)
    assert b'"path":"/collections"' in written, "the log tells of requests"
    for secret in (key, other, wrong, "hunter2hunter2"):
        assert secret[9:].encode() not in written, secret
    assert b"api_key" not in written and b"api%5Fkey" not in written


@pytest.fixture
def scraped(start_world):
    return start_world(**{"metrics.scrape_token": TOKEN})


def test_the_scrape_token_reads_metrics_and_nothing_else(scraped):
    world = scraped
    collector = world.node.client(headers={"Authorization": f"Bearer {TOKEN}"})
    for path in ("/metrics", "/prometheus/metrics"):
        assert "waggle_http_requests_total" in collector.get(path).text
    called = 0
    for route in routes_of(world):
        answer = route.ask(collector)
        if route.function == "metrics":
            assert answer.status == 200
            called += 1
        else:
            assert answer.status == 403 and answer.code == "FUNCTION_NOT_ALLOWED", f"{route}: {answer!r}"
    assert called == 2
    for path in (f"/collections?user_id={world.users['acme']}", f"/cluster/usage?tenant_id={world.users['acme']}"):
        assert collector.get(path).status == 403
    assert collector.get(f"/metrics?user_id={world.users['acme']}").status == 403
    acting = world.node.client(headers={"Authorization": f"Bearer {TOKEN}", "x-hivehub-user-id": world.users["acme"]})
    assert acting.get("/collections").code == "FUNCTION_NOT_ALLOWED"
    assert collector.get("/no/such/route").status == 404
    assert world.hub.asked() <= 1, "HiveHub hears nothing of it"


def test_the_scrape_token_is_shown_as_bearer_only(scraped):
    node = scraped.node
    for headers in ({"X-API-Key": TOKEN}, {"Authorization": TOKEN}, {"api-key": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"},
                    {"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": f"Basic {TOKEN}"}):
        assert node.client(headers=headers).get("/metrics").code == "AUTH_INVALID_FORMAT", headers
    assert node.client().get(f"/metrics?api_key={TOKEN}").code == "AUTH_MISSING_KEY"
    both = {"Authorization": f"Bearer {TOKEN}", "x-hivehub-service": INBOUND_SECRET}
    assert node.client(headers=both).get("/cluster/health").status == 200, "the service that has proven itself"
    two = {"Authorization": f"Bearer {TOKEN}", "X-API-Key": scraped.keys["acme"]["key"]}
    assert node.client(headers=two).get("/metrics").status == 400
    assert ask(node.client(headers={"Authorization": f"Bearer {TOKEN}"}), "scrape", "GET", "/metrics").status == 200
    record = record_of(node, "scrape")
    assert record["actor"] == {"kind": "service", "id": "metrics.scrape_token", "key_prefix": ""}
    assert TOKEN[8:].encode() not in everything_written(node)


def test_without_a_token_nobody_has_it(world):
    for shown in ("Bearer ", "Bearer", "Bearer null"):
        assert world.node.client(headers={"Authorization": shown}).get("/metrics").status == 401


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def connect(where, timeout=10):
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where), timeout)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(where)
    return connection


def converse(where, sent):
    with connect(where) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def get(where, path, method="GET"):
    """Status and body."""
    head, _, body = converse(where, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


@pytest.fixture(params=["tcp", "unix"])
def orchestrated(request, start_world, tmp_path):
    where = free_port() if request.param == "tcp" else str(tmp_path / "live.sock")
    listen = f"127.0.0.1:{where}" if request.param == "tcp" else f"unix:{where}"
    return start_world(**{"server.liveness.listen": listen}), where


def test_the_orchestrators_listener(orchestrated):
    world, where = orchestrated
    assert get(where, "/livez") == (200, "ok") and get(where, "/readyz") == (200, "ok")
    head = converse(where, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")[0].lower()
    assert b"server:" not in head and b"connection: close" in head
    assert world.node.client().get("/livez").status == 401, "the node's own listener asks for a key"
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"):
        assert get(where, "/livez", method) == (405, ""), method
    key = world.keys["acme"]["key"]
    for path in ("/", "/health", "/healthz", "/metrics", "/collections", "/livez/", "/livez?x=1", "/api/v1/livez", "//livez"):
        assert get(where, path) == (404, ""), path
    sent = f"GET /collections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    assert b" 404 " in converse(where, sent).split(b"\r\n")[0]
    # What is malformed, endless or silent ends (with a reset, where bytes were left unread), and stops nobody else.
    for wrong in (b"\x00\xff\r\n\r\n", b"GET /livez HTTP/1.1\r\nX: " + b"x" * 3000 + b"\r\nY: " + b"y" * 3000 + b"\r\n\r\n"):
        try:
            assert converse(where, wrong) == b""
        except ConnectionResetError:
            pass
    silent = [connect(where) for _ in range(20)]
    assert get(where, "/livez") == (200, "ok")
    assert silent[0].recv(100) == b""
    for each in silent:
        each.close()


def test_readiness_ends_with_the_drain(orchestrated):
    world, where = orchestrated
    began = connect(world.node.port)
    body = b'{"name":"docs","dimension":2}'
    head = (f"POST /collections HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.keys['acme']['key']}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    began.sendall(head.encode() + body[:5])
    time.sleep(0.3)
    world.node.terminate()
    deadline = time.monotonic() + 10
    while get(where, "/readyz") != (503, "unavailable"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert get(where, "/livez") == (200, "ok")
    began.sendall(body[5:])
    assert b" 200 " in began.recv(65536).split(b"\r\n")[0]
    began.close()
    assert world.node.wait() == 0


def test_a_socket_that_a_killed_node_left_is_replaced(start_world, tmp_path):
    where = str(tmp_path / "live.sock")
    world = start_world(**{"server.liveness.listen": f"unix:{where}"})
    world.node.kill9()
    world.node.start()
    assert get(where, "/readyz") == (200, "ok")
    assert world.node.stop() == 0
    with pytest.raises(FileNotFoundError):
        connect(where)


def test_off_by_default_and_refused_where_it_can_not_listen(hub, make_node):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    port = taken.getsockname()[1]
    node = make_node(settings=hub.settings(**{"server.liveness.listen": f"127.0.0.1:{port}"}), environment=hub.environment).spawn()
    assert node.wait() == 1 and "server.liveness.listen" in node.log_tail()
    taken.close()
