"""Embedding endpoints (rest.md §4 to §6): texts are embedded by a configured OpenAI-compatible service; when it fails,
the request fails with a clear error and nothing is stored.
"""
import json
import re
import subprocess
import threading
import time

import pytest

from embedding_server import DIMENSION, Certificate, EmbeddingServer, embedding
from node import built

KEY = "sk-Zr3kQ-not-to-be-seen"
BEES = ["bees make honey", "the hive holds wax", "ships sail the sea", "a harbour shelters ships", "honey is sweet"]


@pytest.fixture
def endpoint():
    with EmbeddingServer() as server:
        yield server


def providers_file(directory, url, **more):
    """The value of embedding.providers_file: one provider `small`; an argument of None removes a member."""
    key_file = directory / "small.key"
    key_file.write_text(KEY + "\n")
    key_file.chmod(0o600)
    provider = {"name": "small", "url": url, "model": "text-small", "dimension": DIMENSION,
                "api_key_file": str(key_file), "timeout_ms": 1000, "batch_max": 4, **more}
    file = directory / "providers.json"
    file.write_text(json.dumps([{k: v for k, v in provider.items() if v is not None}]))
    return str(file)


@pytest.fixture
def make_client(make_node, tmp_path):
    """make_client(url, provider members…) → a client of a node with the provider `small` and a collection `docs`."""

    def make(url, settings=None, environment=None, **more):
        file = providers_file(tmp_path, url, **more)
        node = make_node({"embedding.providers_file": file, "server.threads": 1, **(settings or {})}, environment).start()
        client = node.client()
        client.node = node
        client.ok("POST", "/collections", {"name": "docs", "dimension": DIMENSION, "embedding_provider": "small"})
        return client

    return make


def texts(list_of_texts):
    return [{"id": f"t{n}", "text": text} for n, text in enumerate(list_of_texts)]


def count(client, name="docs"):
    return client.ok("GET", f"/collections/{name}")["vector_count"]


def ids(answer):
    return [r["id"] for r in answer["results"]]


def check_every_route(client, endpoint):
    assert client.ok("GET", "/collections/docs")["embedding_provider"] == "small"
    stored = client.ok("POST", "/insert", {"collection": "docs", "id": "one", "text": "bees make honey"})
    assert stored["vector_ids"] == ["one"]
    assert client.ok("GET", "/collections/docs/vectors/one")["vector"] == embedding("bees make honey")
    done = client.ok("POST", "/insert_texts", {"collection": "docs", "texts": texts(BEES)})
    assert done["inserted"] == len(BEES) and count(client) == len(BEES) + 1
    for n, text in enumerate(BEES):
        assert client.ok("GET", f"/collections/docs/vectors/t{n}")["vector"] == embedding(text)
    found = client.ok("POST", "/collections/docs/search/text", {"query": "ships in a harbour", "limit": 2})
    assert ids(found) == ["t3", "t2"] and found["query_type"] == "text"
    fused = client.ok("POST", "/collections/docs/hybrid_search", {"query": "sweet honey", "limit": 1})
    assert ids(fused) == ["t4"]
    many = client.ok("POST", "/batch_search", {"collection": "docs", "queries": [{"query": BEES[1], "limit": 1}]})
    assert ids(many["results"][0]) == ["t1"]
    made = client.ok("POST", "/embed", {"text": "wax", "model": "small"})
    assert made["embedding"] == embedding("wax") and made["dimension"] == DIMENSION and made["model"] == "small"
    client.ok("PUT", "/collections/docs/vectors/one", {"text": "wax"})
    assert client.ok("GET", "/collections/docs/vectors/one")["vector"] == embedding("wax")
    # What the service was asked.
    assert endpoint.inputs()[:3] == [["bees make honey"], BEES[:4], BEES[4:]], "batches of batch_max"
    for call in endpoint.calls:
        assert call["path"] == "/v1/embeddings" and call["headers"]["Authorization"] == f"Bearer {KEY}"
        assert call["headers"]["Content-Type"] == "application/json"
        assert call["headers"]["Host"] == f"127.0.0.1:{endpoint.port}"
        assert call["body"]["model"] == "text-small" and call["body"]["encoding_format"] == "float"
    assert endpoint.connections == 1, "one worker, one request at a time: the connection is used again"
    providers = client.ok("GET", "/stats")["providers"]
    assert {"name": "small", "dimension": DIMENSION, "default": False} in providers
    assert KEY not in client.node.log_path.read_text()


def test_every_route(make_client, endpoint):
    check_every_route(make_client(endpoint.url), endpoint)


def test_every_route_over_tls(make_client, tmp_path):
    own = Certificate(tmp_path)
    with EmbeddingServer(own) as endpoint:
        check_every_route(make_client(endpoint.url, environment={"SSL_CERT_FILE": str(own.certificate)}), endpoint)


def test_a_certificate_that_nobody_signed(make_client, tmp_path):
    with EmbeddingServer(Certificate(tmp_path)) as endpoint:
        client = make_client(endpoint.url)
        answer = client.post("/insert", {"collection": "docs", "text": "bees"})
        assert answer.status == 503 and "TLS certificate" in answer.json()["error"], answer
        assert endpoint.calls == [], "nothing, above all no key, was said to it"


def test_no_key_and_no_model(make_client, endpoint):
    client = make_client(endpoint.url, api_key_file=None, model=None)
    client.ok("POST", "/insert", {"collection": "docs", "text": "bees"})
    assert endpoint.calls[0]["headers"]["Authorization"] is None and "model" not in endpoint.calls[0]["body"]


def test_chunks(make_client, endpoint):
    client = make_client(endpoint.url)
    text = " ".join(f"word{n}" for n in range(60))
    done = client.ok("POST", "/insert", {"collection": "docs", "id": "long", "text": text, "chunk_size": 64,
                                         "chunk_overlap": 0})
    assert done["chunked"] and done["vectors_created"] > 4
    for id in done["vector_ids"]:
        point = client.ok("GET", f"/collections/docs/vectors/{id.replace('#', '%23')}")
        assert point["vector"] == embedding(point["payload"]["content"])


def test_an_answer_in_small_pieces(make_client, endpoint):
    endpoint.mode = "in pieces"
    client = make_client(endpoint.url)
    client.ok("POST", "/insert_texts", {"collection": "docs", "texts": texts(BEES)})
    assert client.ok("GET", "/collections/docs/vectors/t0")["vector"] == embedding(BEES[0])
    assert endpoint.calls


def test_order_of_the_answer_does_not_matter(make_client, endpoint):
    endpoint.mode = "reversed"
    client = make_client(endpoint.url)
    client.ok("POST", "/insert_texts", {"collection": "docs", "texts": texts(BEES)})
    for n, text in enumerate(BEES):
        assert client.ok("GET", f"/collections/docs/vectors/t{n}")["vector"] == embedding(text)


FAULTS = {
    "status 500": "it answered status 500", "status 401": "it answered status 401", "status 429": "it answered status 429",
    "redirect": "it answered status 302", "garbage": "its answer is not JSON",
    # The parser in use aborts on this one, unless it is kept from it.
    "nothing in pieces": "its answer is not JSON",
    "other json": "its answer has no list of embeddings", "too few": "it answered 3 embeddings for 4 texts",
    "too many": "it answered 5 embeddings for 4 texts", "dimension": f"it answered dimension {DIMENSION - 1}, not {DIMENSION}",
    "index twice": "its answer has a bad index", "index out of range": "its answer has a bad index",
    "no numbers": "its answer has an embedding that is no list of 32-bit floats",
    "too large a number": "its answer has an embedding that is no list of 32-bit floats",
    "zeros": "it answered a vector of zeros", "reset": "the connection broke", "half": "the connection broke",
    "huge": "the answer is too large", "hang": "no answer in time", "drip": "no answer in time",
    "refused": "it can't be reached",
}


def check_failed(answer, reason):
    body = answer.json()
    assert answer.status == 503 and body["code"] == "NOT_READY", answer
    assert body["error"] == f"Embedding provider 'small' failed: {reason}"
    assert body["details"] == {"provider": "small", "reason": reason} and int(answer.headers["Retry-After"]) >= 1
    assert not re.search(r"127\.0\.0\.1|sk-|secret-of", answer.text)


@pytest.mark.parametrize("mode", FAULTS)
def test_faults(make_client, endpoint, mode):
    client = make_client(endpoint.url, timeout_ms=700)
    if mode == "refused":
        endpoint.close()
    endpoint.mode = mode
    begun = time.monotonic()
    check_failed(client.post("/insert_texts", {"collection": "docs", "texts": texts(BEES[:4])}), FAULTS[mode])
    assert time.monotonic() - begun < 5
    assert count(client) == 0
    if mode == "status 500":
        check_failed(client.post("/insert", {"collection": "docs", "text": "x"}), FAULTS[mode])
        check_failed(client.post("/collections/docs/search/text", {"query": "x"}), FAULTS[mode])
        check_failed(client.post("/collections/docs/hybrid_search", {"query": "x"}), FAULTS[mode])
        check_failed(client.post("/embed", {"text": "x", "model": "small"}), FAULTS[mode])
        many = client.ok("POST", "/batch_search", {"collection": "docs", "queries": [{"query": "x"}]})
        assert "it answered status 500" in many["results"][0]["error"]
    log = client.node.log_path.read_text()
    assert KEY not in log and "secret-of" not in log
    limit = time.monotonic() + 5
    while not any(FAULTS[mode] in e.get("why", "") for e in client.node.log_events()):
        assert time.monotonic() < limit, "the log does not say why"
        time.sleep(0.01)
    if mode != "refused":
        endpoint.mode = "ok"
        assert client.ok("POST", "/insert_texts", {"collection": "docs", "texts": texts(BEES)})["inserted"] == 5


def test_a_batch_that_fails_later_stores_nothing(make_client, endpoint):
    endpoint.mode, endpoint.fail_from = "status 500", 1
    client = make_client(endpoint.url)
    check_failed(client.post("/insert_texts", {"collection": "docs", "texts": texts(BEES)}), FAULTS["status 500"])
    assert len(endpoint.calls) == 2 and count(client) == 0


def test_a_failed_update_changes_nothing(make_client, endpoint):
    client = make_client(endpoint.url)
    client.ok("POST", "/insert", {"collection": "docs", "id": "one", "text": "bees"})
    before = client.ok("GET", "/collections/docs/vectors/one")
    endpoint.mode = "status 500"
    check_failed(client.put("/collections/docs/vectors/one", {"text": "wax"}), FAULTS["status 500"])
    assert client.ok("GET", "/collections/docs/vectors/one") == before


def test_deadline_of_the_request(make_client, endpoint):
    """The request's deadline covers all calls; it is not the provider's fault when it passes."""
    endpoint.mode = "hang"
    client = make_client(endpoint.url, timeout_ms=30000)
    begun = time.monotonic()
    answer = client.post("/insert", {"collection": "docs", "text": "x"}, headers={"X-Request-Timeout-Ms": "300"})
    assert answer.status == 504 and answer.code == "DEADLINE_EXCEEDED", answer
    assert 0.2 < time.monotonic() - begun < 3
    assert count(client) == 0


def test_a_slow_endpoint_delays_nobody_else(make_client, endpoint):
    """No thread waits for an endpoint: one worker serves others while 40 calls hang."""
    endpoint.mode = "hang"
    client = make_client(endpoint.url, timeout_ms=20000)
    client.ok("POST", "/collections", {"name": "other", "dimension": 2})
    waiting = []

    def ask():
        mine = client.node.client()
        try:
            waiting.append(mine.post("/embed", {"text": "x", "model": "small"}))
        finally:
            mine.close()

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for t in threads:
        t.start()
    limit = time.monotonic() + 10
    while len(endpoint.calls) < 40 and time.monotonic() < limit:
        time.sleep(0.01)
    assert len(endpoint.calls) == 40
    begun = time.monotonic()
    for n in range(20):
        client.ok("PUT", "/collections/other/points", {"points": [{"id": str(n), "vector": [1, n]}]})
    client.ok("POST", "/collections/other/search", {"vector": [1, 1]})
    assert time.monotonic() - begun < 5 and not waiting
    endpoint.released.set()
    for t in threads:
        t.join(30)
    assert [a.status for a in waiting] == [503] * 40


def test_connections_that_the_endpoint_closed(make_client, endpoint):
    endpoint.mode = "close unsaid"
    client = make_client(endpoint.url)
    for n in range(5):
        client.ok("POST", "/insert", {"collection": "docs", "id": str(n), "text": "bees"})
        time.sleep(0.05)
    assert endpoint.connections == 5 and count(client) == 5


def test_stop_while_a_call_hangs(make_client, endpoint):
    endpoint.mode = "hang"
    client = make_client(endpoint.url, settings={"server.drain_seconds": 1}, timeout_ms=60000)
    thread = threading.Thread(target=lambda: pytest.raises(Exception, client.post, "/embed",
                                                           {"text": "x", "model": "small"}))
    thread.start()
    while not endpoint.calls:
        time.sleep(0.01)
    assert client.node.stop(20) == 0
    thread.join(20)


def test_as_the_default_provider(make_client, endpoint):
    client = make_client(endpoint.url, {"collections.defaults.embedding_provider": "small",
                                        "collections.defaults.dimension": DIMENSION})
    client.ok("POST", "/insert", {"collection": "new", "id": "a", "text": "bees"})
    assert client.ok("GET", "/collections/new")["embedding_provider"] == "small"
    assert client.ok("GET", "/collections/new/vectors/a")["vector"] == embedding("bees")
    assert client.ok("POST", "/embed", {"text": "wax"})["model"] == "small"
    assert client.ok("GET", "/stats")["default_provider"] == "small"
    refused = client.post("/collections/other/vectors", {"vectors": [{"vector": [1, 2]}]})
    assert refused.code == "INVALID_DIMENSION", refused
    # A text that can't be embedded makes no collection either.
    endpoint.mode = "status 500"
    check_failed(client.post("/insert", {"collection": "unmade", "text": "x"}), FAULTS["status 500"])
    check_failed(client.post("/insert_texts", {"collection": "unmade", "texts": texts(["x"])}), FAULTS["status 500"])
    assert client.get("/collections/unmade").code == "COLLECTION_NOT_FOUND"


def test_unknown_names_and_other_dimensions(make_client, endpoint):
    client = make_client(endpoint.url)
    answer = client.post("/collections", {"name": "c", "embedding_provider": "large", "dimension": DIMENSION})
    assert answer.status == 400 and answer.code == "UNSUPPORTED_PROVIDER"
    assert answer.json()["details"] == {"requested": "large", "available": ["bm25", "small"]}
    answer = client.post("/collections", {"name": "c", "embedding_provider": "small", "dimension": 8})
    assert answer.status == 400 and answer.code == "INVALID_DIMENSION"


def test_a_provider_that_is_gone(make_client, endpoint):
    """The collection stays readable and searchable by vector; texts need the provider."""
    client = make_client(endpoint.url)
    client.ok("POST", "/insert", {"collection": "docs", "id": "one", "text": "bees"})
    node = client.node
    del node.settings["embedding.providers_file"]
    node.restart()
    client = node.client()
    assert ids(client.ok("POST", "/collections/docs/search", {"vector": embedding("bees")})) == ["one"]
    for path, body in [("/insert", {"collection": "docs", "text": "x"}), ("/collections/docs/search/text", {"query": "x"})]:
        assert client.post(path, body).code == "UNSUPPORTED_PROVIDER"


# ---- the configuration ----

def check_config(tmp_path, **settings):
    command = [str(built("tools/waggled/waggled")), "--check-config", "--data-dir", str(tmp_path / "data")]
    for key, value in settings.items():
        command += ["--set", f"{key.replace('__', '.')}={value}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("more, why", [
    ({"url": "ftp://example.com"}, "must begin with http:// or https://"),
    ({"url": "http://user:pass@example.com/"}, "must not hold a user name"),
    ({"url": "http://example.com:x/"}, "port"),
    ({"url": None}, "must begin with http:// or https://"),
    ({"dimension": None}, "dimension must be an integer between 1 and 65536"),
    ({"dimension": "64"}, "dimension must be an integer"),
    ({"timeout_ms": 0}, "timeout_ms must be an integer between 1 and 300000"),
    ({"timeout_ms": "1s"}, "timeout_ms must be an integer"),
    ({"batch_max": -1}, "batch_max must be an integer between 1 and 2048"),
    ({"model": 7}, "model must be a string"),
    ({"modle": "m"}, "unknown member 'modle'"),
    ({"name": "bm25"}, "a name other than bm25"),
    ({"name": None}, "a name other than bm25"),
    ({"api_key_file": "missing.key"}, "can't be read"),
])
def test_wrong_provider_files(tmp_path, more, why):
    file = providers_file(tmp_path, **{"url": "http://127.0.0.1:1/v1/embeddings", **more})
    checked = check_config(tmp_path, embedding__providers_file=file)
    assert checked.returncode == 78 and why in checked.stderr and KEY not in checked.stderr, checked


def test_key_files_are_private(tmp_path):
    file = providers_file(tmp_path, "http://127.0.0.1:1/")
    (tmp_path / "small.key").chmod(0o640)
    checked = check_config(tmp_path, embedding__providers_file=file)
    assert checked.returncode == 78 and "must not be accessible by group or others" in checked.stderr
    (tmp_path / "small.key").chmod(0o600)
    for text in ["", "two words\n", "line\nX-Injected: yes\n"]:
        (tmp_path / "small.key").write_text(text)
        checked = check_config(tmp_path, embedding__providers_file=file)
        assert checked.returncode == 78 and "one key of visible ASCII characters" in checked.stderr, checked


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[{]", '[{"name":"a","url":"http://h","dimension":1}, '
                                                         '{"name":"a","url":"http://h","dimension":1}]'])
def test_wrong_json(tmp_path, text):
    (tmp_path / "p.json").write_text(text)
    assert check_config(tmp_path, embedding__providers_file=tmp_path / "p.json").returncode == 78


def test_the_default_names_a_known_provider(tmp_path):
    file = providers_file(tmp_path, "http://127.0.0.1:1/")
    asked = {"embedding__providers_file": file, "collections__defaults__embedding_provider": "small"}
    good = check_config(tmp_path, collections__defaults__dimension=DIMENSION, **asked)
    assert good.returncode == 0 and KEY not in good.stdout, good
    wrong = check_config(tmp_path, **asked)
    assert wrong.returncode == 78 and f"collections.defaults.dimension: must be {DIMENSION}" in wrong.stderr
    asked["collections__defaults__embedding_provider"] = "larg"
    unknown = check_config(tmp_path, **asked)
    assert unknown.returncode == 78 and "'larg' is not a configured provider; known: bm25, small" in unknown.stderr
