"""The served document against the served routes: every route answers, every example works."""
import re

import pytest

METHODS = {"get", "post", "put", "patch", "delete"}


def routes(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                yield method.upper(), path, operation


def example_of(operation):
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


def prepare(client):
    """The things that the examples name."""
    for name in ("docs", "archive"):
        if client.get(f"/collections/{name}").status == 404:
            client.ok("POST", "/collections", {"name": name, "dimension": 4})
    client.ok("POST", "/collections/docs/points", {"points": [
        {"id": id, "vector": [0.1, 0.2, 0.3, 0.4], "payload": {"kind": "a", "content": "honeybee dance"}} for id in ("v1", "v2")]})


def test_every_route_answers(node):
    client = node.client()
    document = client.ok("GET", "/openapi.json")
    asked = 0
    for method, path, operation in routes(document):
        prepare(client)
        body = example_of(operation)
        real = path.replace("{name}", "docs").replace("{id}", "v1")
        if "/snapshots/" in path:
            real = path.replace("{name}", "docs").replace("{id}", client.ok("POST", "/collections/docs/snapshot")["id"])
        answer = client.request(method, real, body)
        elsewhere = ((answer.status, answer.code) in ((404, "CLUSTER_MODE_DISABLED"), (503, "HUB_DISABLED")) or
                     path.startswith("/auth/") and (answer.status, answer.code) == (404, "ROUTE_NOT_FOUND"))
        assert elsewhere or answer.status not in (404, 405, 500), f"{method} {real}: {answer!r}"
        assert elsewhere or answer.status < 500 or answer.code == "NOT_IMPLEMENTED", f"{method} {real}: {answer!r}"
        if method == "POST" and path.endswith("/rename") and answer.status == 200:
            client.ok("DELETE", f"/collections/{body['new_name']}")
        asked += 1
    assert asked > 60


def test_every_example_works(node):
    client = node.client()
    document = client.ok("GET", "/openapi.json")
    found = [(method, path, example_of(operation)) for method, path, operation in routes(document) if example_of(operation)]
    found.sort(key=lambda r: r[1] != "/collections")  # the collection first
    assert len(found) > 25
    for method, path, body in found:
        if path != "/collections":
            prepare(client)
        real = path.replace("{name}", "docs").replace("{id}", "v1")
        answer = client.request(method, real, body)
        assert answer.status == 200, f"{method} {real} {body}: {answer!r}"
        assert answer.json().get("success") is not False, f"{method} {real} {body}: {answer!r}"
        if "matched" in answer.json():
            assert answer.json()["matched"] > 0, f"{method} {real} {body}: matches nothing: {answer!r}"
        if path.endswith("/rename"):
            client.ok("DELETE", f"/collections/{body['new_name']}")


def test_the_document_describes_itself(node):
    client = node.client()
    document = client.ok("GET", "/openapi.json")
    ids = [operation["operationId"] for _, _, operation in routes(document)]
    assert len(ids) == len(set(ids))
    for method, path, operation in routes(document):
        assert operation["summary"], path
        named = re.findall(r"\{(\w+)\}", path)
        assert [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"] == named, path
        assert "200" in operation["responses"], path
    error = document["components"]["schemas"]["Error"]
    answer = client.get("/collections/none").json()
    assert set(error["required"]) <= answer.keys()


@pytest.mark.parametrize("prefix", ["/mcp", "/graphql", "/qdrant"])
def test_protocols_named_are_served(node, prefix):
    """GET / says which protocols there are: those, and no others."""
    client = node.client()
    named = prefix[1:] in client.ok("GET", "/")["api"]
    served = client.post(prefix, {}).status != 404 or client.get(prefix).status != 404
    assert named == served


def test_the_page_lists_every_route(node):
    client = node.client()
    page = client.get("/docs").text
    for _, path, _ in routes(client.ok("GET", "/openapi.json")):
        assert path in page, path
