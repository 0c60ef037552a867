"""The isolation matrix: every route of the node's own document, asked by those who must not get through, and about what is
another tenant's. New routes join by existing."""
import json
import re

import pytest

SUFFICIENT = {"R": "READ_ONLY", "A": "READ_ONLY", "P": "READ_ONLY", "W": "READ_WRITE", "D": "READ_WRITE", "C": "READ_WRITE",
              "T": "ADMIN", "O": None}
OF_THE_NODE = {"metrics"}  # functions that show the whole node: the operator's, whatever their class says
METHODS = {"get", "post", "put", "patch", "delete"}


class Route:
    def __init__(self, method, path, operation):
        self.method, self.path = method, path
        self.function = operation["x-waggle-function"]
        self.permission = "O" if self.function in OF_THE_NODE else operation["x-waggle-permission"]
        content = operation.get("requestBody", {}).get("content", {})
        self.example = content.get("application/json", {}).get("example")

    def ask(self, client, name="docs", id="v1", **headers):
        """The route with `name` wherever a collection is named."""
        path = self.path.replace("{name}", name).replace("{id}", id)
        body = json.loads(json.dumps(self.example).replace('"docs"', json.dumps(name))) if self.example else None
        return client.request(self.method, re.sub(r"\{\w+\}", "x", path), body, headers)

    def __repr__(self):
        return f"{self.method} {self.path}"


def routes_of(world):
    document = world.client("acme").ok("GET", "/openapi.json")
    found = [Route(method.upper(), path, operation) for path, operations in document["paths"].items()
             for method, operation in operations.items() if method in METHODS]
    assert len(found) > 90
    return found


def fill(client, name="docs"):
    client.ok("POST", "/collections", {"name": name, "dimension": 4})
    client.ok("POST", f"/collections/{name}/points", {"points": [
        {"id": id, "vector": [0.1, 0.2, 0.3, 0.4], "payload": {"kind": "a", "content": "honeybee dance"}} for id in ("v1", "v2")]})


def test_nobody_gets_through_without_a_good_key(world):
    hub, acme = world.hub, world.users["acme"]
    expired, revoked = hub.key(acme, "ADMIN"), hub.key(acme, "ADMIN")
    hub.act("keys", expired["id"], "expire")
    hub.act("keys", revoked["id"], "revoke")
    strangers = {
        "anonymous": (world.node.client(), "AUTH_MISSING_KEY"),
        "unknown key": (world.client({"key": "hh_live_" + "0" * 32}), "AUTH_INVALID_KEY"),
        "no key's shape": (world.client({"key": "secret"}), "AUTH_INVALID_FORMAT"),
        "expired": (world.client(expired), "AUTH_KEY_EXPIRED"),
        "revoked": (world.client(revoked), "AUTH_INVALID_KEY"),
        "forged service": (world.service(acme, "true"), "AUTH_SERVICE_REJECTED"),
        "forged service, own key": (world.client("acme", **{"x-hivehub-service": "true"}), "AUTH_SERVICE_REJECTED"),
    }
    for who, (client, code) in strangers.items():
        for route in routes_of(world):
            answer = route.ask(client)
            assert answer.status == 401 and answer.code == code, f"{who}: {route}: {answer!r}"
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for method, path in (("GET", "/no/such/route"), ("DELETE", "/health"), ("GET", "/")):
            assert client.request(method, path).status == 401, f"{who}: {method} {path}"


def test_a_suspended_user_is_refused_everywhere(world):
    world.hub.act("users", world.users["birch"], "suspend")
    client = world.client("birch")
    for route in routes_of(world):
        answer = route.ask(client)
        assert answer.status == 403 and answer.code == "TENANT_SUSPENDED", f"{route}: {answer!r}"


@pytest.mark.parametrize("permission", ["READ_ONLY", "READ_WRITE", "ADMIN", "MCP"])
def test_permissions(world, permission):
    client = world.client(world.hub.key(world.users["birch"], permission))
    order = ["READ_ONLY", "READ_WRITE", "ADMIN"]
    refused = 0
    for route in routes_of(world):
        answer = route.ask(client)
        needed = SUFFICIENT[route.permission]
        if permission == "MCP":
            allowed = route.function in ("health", "keys.validate_self")
        else:
            allowed = needed is not None and order.index(permission) >= order.index(needed)
        assert (answer.code == "FORBIDDEN") == (not allowed), f"{route}: {answer!r}"
        if not allowed:
            refused += 1
            body = answer.json()
            assert answer.status == 403 and body["granted"] == [permission] and body["required"]
    assert refused > 3


def test_a_key_calls_only_its_functions(world):
    key = world.hub.key(world.users["birch"], "ADMIN", functions=["list_collections", "search", "keys.*"])
    client = world.client(key)
    for route in routes_of(world):
        if route.permission == "O":
            continue
        allowed = route.function in ("list_collections", "search") or route.function.startswith("keys.")
        answer = route.ask(client)
        assert (answer.code == "FUNCTION_NOT_ALLOWED") == (not allowed), f"{route}: {answer!r}"
        if not allowed:
            assert answer.status == 403 and answer.json()["function"] == route.function
    none = world.client(world.hub.key(world.users["birch"], "ADMIN", functions=[]))
    assert none.get("/collections").code == "FUNCTION_NOT_ALLOWED"


def same_but_for(name, answer):
    """Status and body, without the name that was asked for and what differs from request to request."""
    text = answer.text.replace(name, "NAME")
    return answer.status, re.sub(r'"(request_id|timestamp|duration_ms|took_ms|time_ms)":("[^"]*"|[\d.e-]+)', "", text)


def test_what_is_anothers_is_what_is_not_there(world):
    acme, birch = world.client("acme"), world.client("birch")
    # Collections that a stranger's write would create are no concern here: what is asked must name one that is there.
    creating = {"/insert", "/insert_texts", "/batch_insert", "/insert_vectors", "/collections", "/embed",
                "/collections/{name}/points", "/collections/{name}/vectors"}
    checked = 0
    for route in routes_of(world):
        named = "{name}" in route.path or (route.example and '"docs"' in json.dumps(route.example))
        if not named or (route.path in creating and route.method in ("POST", "PUT")):
            continue
        acme.request("DELETE", "/collections/theirs")
        fill(acme, "theirs")
        before = acme.ok("GET", "/collections/theirs/vectors")
        absent = same_but_for("absent", route.ask(birch, "absent"))
        for name in ("theirs", f"user_{world.users['acme']}:theirs", f"{world.users['acme']}:theirs"):
            assert same_but_for(name, route.ask(birch, name)) == absent, f"{route} about {name}"
        assert acme.ok("GET", "/collections/theirs/vectors") == before, route
        checked += 1
    assert checked > 30
    assert birch.ok("GET", "/collections")["total"] == 0


def test_two_tenants_use_one_name(world):
    clients = {name: world.client(name) for name in ("acme", "birch")}
    for n, (name, client) in enumerate(clients.items()):
        client.ok("POST", "/collections", {"name": "docs", "dimension": 2, "metric": "euclidean"})
        client.ok("POST", "/collections/docs/points", {"points": [{"id": i, "vector": [n, i]} for i in range(5 + n)]})
    world.node.restart()
    for n, (name, user) in enumerate(world.users.items()):
        client = world.client(name)
        shown = client.ok("GET", "/collections/docs")
        assert shown["name"] == "docs" and shown["full_name"] == f"user_{user}:docs" and shown["owner_id"] == user
        assert shown["vector_count"] == 5 + n
        for own in ("docs", f"user_{user}:docs", f"{user}:docs"):
            found = client.ok("POST", "/search", {"collection": own, "vector": [n, 0], "limit": 20})["results"]
            assert len(found) == 5 + n and found[0]["id"] == "0"
        assert client.get("/health").headers["X-Tenant-ID"] == user
    clients = {name: world.client(name) for name in ("acme", "birch")}
    clients["acme"].ok("DELETE", "/collections/docs")
    assert clients["acme"].get("/collections/docs").status == 404
    assert clients["birch"].ok("GET", "/collections/docs")["vector_count"] == 6


def test_one_tenants_answers_do_not_depend_on_another(start_world):
    """A fixed history of one tenant gives the same answers, whatever the other tenant does meanwhile."""
    def history(world, between):
        client, told = world.client("acme"), []
        def ask(method, path, body=None):
            between()
            told.append(same_but_for("\0", client.request(method, path, body)))
        ask("POST", "/collections", {"name": "docs", "dimension": 2})
        for n in range(20):
            ask("POST", "/insert", {"collection": "docs", "id": f"t{n}", "text": f"bee number {n % 7} and honey"})
            ask("POST", "/collections/docs/search/text", {"query": "honey bee", "limit": 3, "include_vectors": False})
        ask("DELETE", "/collections/docs/vectors/t3")
        for path in ("/collections/docs/vectors", "/collections/empty", "/indexing/progress"):
            ask("GET", path)
        ask("GET", "/collections/none")
        times = r'"(created_at|updated_at|last_updated|at|start_time|end_time)":("[^"]*"|null)'
        uuids = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
        return [(status, re.sub(uuids, "", re.sub(times, "", text))) for status, text in told]

    alone = history(start_world(), lambda: None)
    world = start_world()
    other = world.client("birch")
    steps = iter(range(1000))

    def busy():
        n = next(steps)
        other.request("POST", "/insert", {"collection": "docs" if n % 2 else f"c{n % 5}", "text": f"honey bee {n}"})
        if n % 10 == 9:
            other.request("DELETE", f"/collections/c{n % 5}")

    assert history(world, busy) == alone
