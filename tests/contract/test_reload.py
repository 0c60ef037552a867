"""SIGHUP (config.md §1): keys marked ↻ are applied to the running node, others are named as needing a restart, and a bad
file changes nothing. And the keys whose effect only shows on a running node.
"""
import http.client
import re
import ssl
import threading
import time

import pytest

from embedding_server import Certificate


def messages(events, message):
    return [e for e in events if e["message"] == message]


def test_log_level(file_node):
    node = file_node("logging: {level: info}\n")
    client = node.client()

    def requests_logged():
        client.get("/livez")
        time.sleep(0.2)
        return len([e for e in node.log_events() if e["message"] == "request"])

    assert requests_logged() == 0
    events = node.reload("logging: {level: debug}\n")
    assert messages(events, "changed")[0]["key"] == "logging.level" and messages(events, "reloaded")
    assert requests_logged() > 0
    assert messages(node.reload("logging: {level: error}\n"), "reloaded"), "said before the level takes it away"
    quiet = requests_logged()
    assert requests_logged() == quiet


def test_origins(file_node):
    node = file_node("server: {cors: {allowed_origins: ['https://one.example']}}\n")
    client = node.client()

    def allowed(origin):
        answer = client.get("/livez", headers={"Origin": origin})
        return answer.status == 200 and answer.headers["Access-Control-Allow-Origin"] == origin

    assert allowed("https://one.example") and not allowed("https://two.example")
    node.reload("server: {cors: {allowed_origins: ['https://two.example']}}\n")
    assert allowed("https://two.example") and not allowed("https://one.example")


def test_what_needs_a_restart(file_node):
    node = file_node()
    client = node.client()
    text = "limits: {max_batch: 1}\nserver: {keepalive_seconds: 5}\nlogging: {level: debug}\n"
    for _ in range(2):  # it is said again as long as it is so
        events = node.reload(text)
        assert {e["key"] for e in messages(events, "restart required")} == {"limits.max_batch", "server.keepalive_seconds"}
        assert messages(events, "reloaded")
    texts = {"collection": "docs", "texts": [{"text": "a"}, {"text": "b"}]}
    assert client.ok("POST", "/insert_texts", texts)["inserted"] == 2, "the running value stays"
    node.restart()
    assert node.client().post("/insert_texts", texts).code == "VALIDATION_ERROR"


@pytest.mark.parametrize("bad, why", [
    ("logging: {level: loud}\n", "logging.level"),
    ("logging: {levle: debug}\n", "did you mean logging.level"),
    ("logging: [debug\n", "node.yml"),
    ("logging: {level: debug}\nserver: {host: 0.0.0.0}\n", "not a loopback address"),
])
def test_a_bad_file_changes_nothing(file_node, bad, why):
    node = file_node("server: {cors: {allowed_origins: ['https://one.example']}}\n")
    events = node.reload(bad)
    refused = messages(events, "not reloaded; the running values stay")
    assert any(why in e["why"] for e in refused) and not messages(events, "reloaded"), events
    client = node.client()
    assert client.get("/livez", headers={"Origin": "https://one.example"}).status == 200
    assert not [e for e in node.log_events() if e["message"] == "request"], "the level is the old one"
    assert messages(node.reload("logging: {level: debug}\n"), "reloaded")


def test_certificates(file_node, tmp_path):
    """A renewed certificate needs no new path; one that can't be used keeps the old one, and all else with it."""
    served, other = Certificate(tmp_path, "served"), Certificate(tmp_path, "other")
    tls = f"server: {{tls: {{enabled: true, cert_path: '{served.certificate}', key_path: '{served.key}'}}}}\n"
    node = file_node()

    def peer():
        context = ssl.create_default_context(cafile=None)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        asking = http.client.HTTPSConnection("127.0.0.1", node.port, timeout=10, context=context)
        asking.request("GET", "/livez")
        answer = asking.getresponse()
        assert answer.read() == b"ok" and answer.headers["Strict-Transport-Security"]
        found = asking.sock.getpeercert(binary_form=True)
        asking.close()
        return ssl.DER_cert_to_PEM_cert(found)

    open_before = node.client()
    assert open_before.get("/livez").headers["Strict-Transport-Security"] is None
    assert messages(node.reload(tls), "reloaded")
    first = served.certificate.read_text()
    assert peer().strip() == first.strip()
    assert open_before.get("/livez").status == 200, "an open connection stays what it is"
    # The files are replaced: first only one of the two, which does not fit.
    served.certificate.write_text(other.certificate.read_text())
    events = node.reload(tls + "logging: {level: debug}\n")
    assert "key" in messages(events, "not reloaded; the running values stay")[0]["why"]
    assert peer().strip() == first.strip()
    assert not [e for e in node.log_events() if e["message"] == "request"]
    served.key.write_text(other.key.read_text())
    assert messages(node.reload(tls), "reloaded")
    assert peer().strip() == other.certificate.read_text().strip()
    # And off again.
    assert messages(node.reload(""), "reloaded")
    assert node.client().get("/livez").status == 200


# ---- keys with an effect on a running node ----

def test_metrics_off(make_node):
    client = make_node({"metrics.enabled": "false"}).start().client()
    for path in ("/metrics", "/prometheus/metrics"):
        assert client.get(path).code == "ROUTE_NOT_FOUND"
    assert client.get("/health").status == 200


def searches(client, collection):
    found = re.search(rf'^vectorizer_search_requests_total{{collection="{collection}",search_type="vector",status="ok"}}'
                      r' (\d+)$', client.get("/metrics").text, re.M)
    return int(found[1]) if found else 0


def test_collection_labels(make_node):
    for named in (False, True):
        client = make_node({"metrics.collection_labels": str(named).lower()}).start().client()
        client.ok("POST", "/collections/docs/vectors", {"vectors": [{"vector": [1, 0]}]})
        client.ok("POST", "/collections/docs/search", {"vector": [1, 1]})
        client.ok("POST", "/search", {"collection": "docs", "vector": [1, 1]})
        assert client.post("/collections/none-such/search", {"vector": [1]}).status == 404
        assert searches(client, "docs" if named else "") == 2
        text = client.get("/metrics").text
        assert ('vectorizer_insert_requests_total{collection="docs",status="ok"} 1' in text) == named
        assert 'collection="none-such"' not in text, "only names that exist"


def test_high_water(make_node):
    """More writes at once than the high water: still accepted, and the log says so once."""
    node = make_node({"backpressure.upsert_queue_high_water": 2, "durability.group_commit_us": 20000}).start()
    node.client().ok("POST", "/collections", {"name": "docs", "dimension": 2})
    begin = threading.Barrier(8)
    statuses = []

    def write(n):
        client = node.client()
        begin.wait()
        for i in range(10):
            body = {"points": [{"id": f"{n}-{i}", "vector": [1, 1]}]}
            statuses.append(client.put("/collections/docs/points", body).status)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert statuses == [200] * 80
    said = [e for e in node.log_events() if e["message"].startswith("high water")]
    assert len(said) == 1 and said[0]["high_water"] == 2 and said[0]["waiting"] >= 2


def test_defaults_of_collections(make_node):
    node = make_node({"collections.defaults.hnsw.m": 24, "collections.defaults.hnsw.ef_construction": 77,
                      "collections.defaults.hnsw.ef_search": 55, "collections.defaults.metric": "dot",
                      "collections.defaults.dimension": 3}).start()
    client = node.client()
    made = client.ok("POST", "/collections", {"name": "a"})
    assert made["hnsw"] == {"m": 24, "ef_construction": 77, "ef_search": 55}
    assert made["dimension"] == 3 and made["similarity_metric"] == "dot_product"
    own = client.ok("POST", "/collections", {"name": "b", "hnsw": {"m": 8}})
    assert own["hnsw"] == {"m": 8, "ef_construction": 77, "ef_search": 55}
