"""Local API keys: what they open, how they end, that they survive restarts."""
import concurrent.futures
import json
import subprocess
import time

from node import built


def test_a_key_in_every_carrier(world):
    made = world.key(name="ci", permissions=["read"])
    key = made["api_key"]
    assert key.startswith(f"wk_{made['id']}_") and made["name"] == "ci" and made["permissions"] == ["read"]
    assert made["scopes"] is None and made["allowed_functions"] is None and made["expires_at"] is None and made["warning"]
    for headers in ({"Authorization": "Bearer " + key}, {"Authorization": key}, {"X-API-Key": key}, {"api-key": key}):
        assert world.node.client(headers=headers).get("/collections").status == 200, headers
    two = {"X-API-Key": key, "api-key": world.key()["api_key"]}
    assert world.node.client(headers=two).get("/collections").code == "BAD_REQUEST"
    for other, code in (("wk_short", "AUTH_INVALID_FORMAT"), ("hh_live_" + "0" * 32, "AUTH_INVALID_FORMAT"),
                        (key[:-1] + chr(ord(key[-1]) ^ 1), "AUTH_INVALID_KEY"),
                        ("wk_" + "0" * 12 + "_" + "0" * 32, "AUTH_INVALID_KEY")):
        assert world.client(other).get("/collections").code == code, other
    assert key not in world.node.log_path.read_text()
    secret = key.rsplit("_", 1)[1].encode()
    assert not any(secret in path.read_bytes() for path in world.node.data_dir.rglob("*") if path.is_file())


def test_an_unknown_id_costs_what_a_wrong_secret_costs(world):
    key, root = world.key()["api_key"], world.root()

    def digests(shown):
        before = world.metric("waggle_auth_key_digests_total", root)
        answer = world.client(shown).get("/collections")
        assert answer.code == "AUTH_INVALID_KEY"
        return world.metric("waggle_auth_key_digests_total", root) - before

    assert digests(key[:16] + "0" * 32) == digests("wk_" + "0" * 12 + "_" + "0" * 32) == 1


ASKED = [("GET", "/collections", None), ("POST", "/search", {"collection": "docs", "vector": [1, 0]}),
         ("POST", "/collections/docs/points", {"points": [{"id": "a", "vector": [1, 0]}]}),
         ("POST", "/delete", {"collection": "docs", "id": "zzz"}), ("POST", "/collections", {"name": "x", "dimension": 2}),
         ("DELETE", "/collections/x", None), ("GET", "/auth/keys", None), ("GET", "/auth/users", None), ("GET", "/auth/me", None)]


def allowed(client):
    return [f"{method} {path}" for method, path, body in ASKED if client.request(method, path, body).status != 403]


def test_permissions(world):
    world.root().ok("POST", "/collections", {"name": "docs", "dimension": 2})
    names = [f"{method} {path}" for method, path, _ in ASKED]
    lists, search, insert, delete, create, drop, keys, users, me = names
    for words, opened in ((["read"], [lists, search, me]), (["write"], [insert, me]), (["delete"], [delete, me]),
                          (["read", "write"], [lists, search, insert, me]), (["create_collection"], [create, me]),
                          (["delete_collection"], [drop, me]), (["manage_api_keys"], [keys, me]),
                          (["manage_users"], [users, me]), (["READ_ONLY"], [lists, search, me]),
                          (["READ_WRITE"], [lists, search, insert, delete, create, drop, me]), (["ADMIN"], names),
                          (["MCP"], [])):
        assert allowed(world.key_client(permissions=words)) == opened, words
    assert allowed(world.key_client(kind="mcp")) == []


def test_allowed_functions(world):
    client = world.key_client(permissions=["ADMIN"], allowed_functions=["list_collections", "auth.keys.*"])
    assert client.get("/collections").status == 200 and client.get("/auth/keys").status == 200
    answer = client.get("/auth/users")
    assert answer.code == "FUNCTION_NOT_ALLOWED" and answer.json()["function"] == "auth.users.list"
    assert answer.json()["error"] == "function_not_allowed"
    assert world.key_client(permissions=["ADMIN"], allowed_functions=[]).get("/auth/me").code == "FUNCTION_NOT_ALLOWED"


def test_a_key_for_some_collections(world):
    root = world.root()
    for name in ("docs", "more", "secret"):
        root.ok("POST", "/collections", {"name": name, "dimension": 2})
        root.ok("POST", f"/collections/{name}/points", {"points": [{"id": "a", "vector": [1, 0], "payload": {"content": "bee"}}]})
    client = world.key_client(permissions=["read"], scopes=[{"collection": "docs", "permissions": ["read", "write"]},
                                                            {"collection": "more", "permissions": ["read"]}])
    assert [c["name"] for c in client.ok("GET", "/collections")["collections"]] == ["docs", "more"]
    assert client.ok("GET", "/stats")["total_collections"] == 2
    assert client.post("/collections/docs/points", {"points": [{"id": "b", "vector": [0, 1]}]}).status == 200
    assert client.post("/collections/more/points", {"points": [{"id": "b", "vector": [0, 1]}]}).code == "FORBIDDEN"
    assert client.post("/search", {"collection": "more", "vector": [1, 0]}).status == 200
    # What is outside of the scopes is not there, whether it is there or not.
    for method, path, body in (("GET", "/collections/{}", None), ("POST", "/search", {"collection": "{}", "vector": [1, 0]}),
                               ("GET", "/collections/{}/vectors", None), ("POST", "/collections/{}/search/text", {"query": "bee"}),
                               ("POST", "/collections/{}/points", {"points": [{"id": "b", "vector": [0, 1]}]}),
                               ("POST", "/insert", {"collection": "{}", "text": "x"}),
                               ("POST", "/collections/docs/vectors/copy", {"destination": "{}", "ids": ["a"]})):
        told = []
        for name in ("secret", "absent"):
            filled = {k: v.replace("{}", name) if isinstance(v, str) else v for k, v in body.items()} if body else None
            answer = client.request(method, path.format(name), filled)
            told.append((answer.status, {k: str(v).replace(name, "NAME") for k, v in answer.json().items() if k != "request_id"}))
        assert told[0] == told[1] and told[0][0] == 404, f"{method} {path}: {told}"
    found = client.post("/multi_collection_search", {"query": "bee", "collections": ["docs", "secret"]})
    assert "secret" not in {hit.get("collection") for hit in found.json().get("results", [])}
    assert "secret" not in client.post("/intelligent_search", {"query": "bee"}).text
    assert root.get("/collections/absent").status == 404
    # Such a key makes keys for its own collections at most.
    maker = world.key_client(permissions=["read", "manage_api_keys"], scopes=[{"collection": "docs", "permissions": ["read"]}])
    wanted = {"name": "n", "permissions": ["read"]}
    assert maker.post("/auth/keys", wanted).code == "FORBIDDEN"
    assert maker.post("/auth/keys", {**wanted, "scopes": [{"collection": "more"}]}).code == "FORBIDDEN"
    assert maker.post("/auth/keys", {**wanted, "scopes": [{"collection": "docs", "permissions": ["write"]}]}).code == "FORBIDDEN"
    assert maker.post("/auth/keys", {**wanted, "scopes": [{"collection": "docs"}]}).status == 200


def test_nobody_gives_what_they_have_not(world):
    admin = world.key(permissions=["ADMIN"])
    clerk = world.key_client(permissions=["read", "manage_api_keys"])
    limited = world.key_client(permissions=["ADMIN"], allowed_functions=["auth.keys.*", "search"])
    users = world.key_client(permissions=["manage_users"])
    for who, body in ((clerk, {"permissions": ["write"]}), (clerk, {"permissions": ["ADMIN"]}),
                      (clerk, {"permissions": ["read", "manage_users"]}), (limited, {"permissions": ["read"]}),
                      (limited, {"permissions": ["read"], "allowed_functions": ["list_collections"]})):
        answer = who.post("/auth/keys", {"name": "n", **body})
        assert answer.status == 403 and answer.code == "FORBIDDEN", f"{body}: {answer!r}"
    assert clerk.ok("POST", "/auth/keys", {"name": "n"})["permissions"] == ["read"]
    assert limited.post("/auth/keys", {"name": "n", "allowed_functions": ["search"]}).status == 200
    # Nor by the way round: another key's secret, another user's password.
    assert clerk.post(f"/auth/keys/{admin['id']}/rotate").code == "FORBIDDEN"
    assert clerk.put(f"/auth/keys/{admin['id']}/permissions", {"permissions": ["ADMIN"]}).code == "FORBIDDEN"
    assert users.put("/auth/users/root/password", {"password": "another password"}).code == "FORBIDDEN"
    assert users.delete("/auth/users/root").code == "FORBIDDEN"
    boss = {"username": "boss", "password": "a password of the tests", "roles": ["Admin"]}
    assert users.post("/auth/users", boss).code == "FORBIDDEN"


def test_bad_requests(world):
    root = world.root()
    for body in ({}, {"name": ""}, {"name": "n" * 129}, {"name": 7}, {"name": "n", "permissions": []},
                 {"name": "n", "permissions": ["rule"]}, {"name": "n", "permissions": "read"}, {"name": "n", "expires_in": 0},
                 {"name": "n", "expires_in": -1}, {"name": "n", "kind": "web"}, {"name": "n", "scopes": {"collection": "docs"}},
                 {"name": "n", "scopes": [{"collection": "docs", "permissions": ["ADMIN"]}]}, {"name": "n", "scopes": ["docs"]},
                 {"name": "n", "allowed_functions": [7]}, {"name": "n", "tenant_id": "x"},
                 {"name": "n", "tenant_id": "550e8400-e29b-41d4-a716-446655440000"}, {"name": "n", "rate_limits": 5}):
        answer = root.post("/auth/keys", body)
        assert answer.status == 400 and answer.code == "VALIDATION_ERROR", f"{body}: {answer!r}"
    for method, path in (("DELETE", "/auth/keys/zzzzzzzzzzzz"), ("POST", "/auth/keys/zzzzzzzzzzzz/rotate"),
                         ("PUT", "/auth/keys/zzzzzzzzzzzz/permissions"), ("GET", "/auth/keys/zzzzzzzzzzzz/usage")):
        assert root.request(method, path, {} if method == "PUT" else None).code == "KEY_NOT_FOUND"


def test_expiry(world):
    made = world.key(expires_in=2)
    client = world.client(made["api_key"])
    assert client.get("/collections").status == 200
    assert 0 <= made["expires_at"] - time.time() <= 2
    time.sleep(2.1)
    answer = client.get("/collections")
    assert answer.status == 401 and answer.code == "AUTH_KEY_EXPIRED"
    shown = world.root().ok("GET", "/auth/keys")["keys"][0]
    assert shown["rotation_status"] == "expired" and not shown["active"]


def test_revocation_is_effective_before_its_answer_and_survives_a_kill(world):
    root = world.root()
    made = [world.key(by=root) for _ in range(8)]
    clients = [world.client(key["api_key"]) for key in made]
    for client in clients:
        assert client.get("/collections").status == 200
    for key, client in zip(made[:4], clients[:4]):
        root.ok("DELETE", f"/auth/keys/{key['id']}")
        assert client.get("/collections").code == "AUTH_INVALID_KEY"
    assert root.delete(f"/auth/keys/{made[0]['id']}").code == "KEY_NOT_FOUND"
    world.node.kill9()
    world.node.start()
    codes = [world.client(key["api_key"]).get("/collections").status for key in made]
    assert codes == [401] * 4 + [200] * 4
    assert len(world.root().ok("GET", "/auth/keys")["keys"]) == 4


def test_revoked_while_it_is_used(world):
    """No answer but 401 to a request that began after the 200 of the revocation."""
    root = world.root()
    for _ in range(5):
        key = world.key(by=root)
        done = []

        def use(n):
            client, late = world.client(key["api_key"]), []
            for _ in range(60):
                began_after = bool(done)
                status = client.get("/collections").status
                if began_after:
                    late.append(status)
            return late

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            users = [pool.submit(use, n) for n in range(3)]
            time.sleep(0.01)
            root.ok("DELETE", f"/auth/keys/{key['id']}")
            done.append(True)
            assert all(set(user.result()) <= {401} for user in users)


def test_rotation(make_world):
    world = make_world(**{"auth.rotation_grace_seconds": "2"}).start()
    root = world.root()
    old = world.key(by=root, permissions=["read"], allowed_functions=["list_collections"])
    client = world.client(old["api_key"])
    rotated = root.ok("POST", f"/auth/keys/{old['id']}/rotate")
    assert rotated["old_key_id"] == old["id"] and rotated["new_token"].startswith(f"wk_{rotated['new_key_id']}_")
    both = client.get("/collections"), world.client(rotated["new_token"]).get("/collections")
    assert both[0].status == both[1].status == 200
    assert both[0].headers["X-API-Key-Deprecated"] == "true" and both[0].headers["X-API-Key-Expires"].endswith("Z")
    assert "X-API-Key-Deprecated" not in both[1].headers
    assert world.client(rotated["new_token"]).get("/stats").code == "FUNCTION_NOT_ALLOWED"
    assert root.post(f"/auth/keys/{old['id']}/rotate").code == "CONFLICT"
    listed = {key["id"]: key["rotation_status"] for key in root.ok("GET", "/auth/keys")["keys"]}
    assert listed == {old["id"]: "deprecated", rotated["new_key_id"]: "active"}
    time.sleep(max(0, rotated["grace_until"] - time.time()) + 0.1)
    assert client.get("/collections").code == "AUTH_KEY_EXPIRED"
    assert world.client(rotated["new_token"]).get("/collections").status == 200
    # The next key sweeps up what was replaced.
    world.key(by=root)
    assert old["id"] not in {key["id"] for key in root.ok("GET", "/auth/keys")["keys"]}
    assert client.get("/collections").code == "AUTH_INVALID_KEY"


def test_one_of_many_rotations_wins(world):
    key, root = world.key(), world.token()

    def rotate(_):
        return world.client(root).post(f"/auth/keys/{key['id']}/rotate").status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(rotate, range(8))) == [200] + [409] * 7
    assert len(world.root().ok("GET", "/auth/keys")["keys"]) == 2


def test_a_change_never_brings_a_revoked_key_back(world):
    token = world.token()
    for _ in range(10):
        key = world.key()

        def change(_):
            return world.client(token).put(f"/auth/keys/{key['id']}/permissions", {"permissions": ["read", "write"]}).status

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            changes = [pool.submit(change, n) for n in range(3)]
            world.client(token).ok("DELETE", f"/auth/keys/{key['id']}")
            assert {c.result() for c in changes} <= {200, 404, 409}
        assert world.client(key["api_key"]).get("/collections").code == "AUTH_INVALID_KEY"


def test_permissions_change_at_once(world):
    root, key = world.root(), world.key(permissions=["read"], allowed_functions=["list_collections"])
    client = world.client(key["api_key"])
    path = f"/auth/keys/{key['id']}/permissions"
    assert client.get("/stats").code == "FUNCTION_NOT_ALLOWED"
    shown = root.ok("PUT", path, {"allowed_functions": None})
    assert shown["allowed_functions"] is None and shown["permissions"] == ["read"]
    assert client.get("/stats").status == 200
    root.ok("PUT", path, {"permissions": ["write"]})
    assert client.get("/stats").code == "FORBIDDEN"
    world.node.restart()
    assert world.client(key["api_key"]).get("/stats").code == "FORBIDDEN"


def test_usage(world):
    root, key = world.root(), world.key()
    client = world.client(key["api_key"])
    for _ in range(7):
        client.get("/collections")
    shown = root.ok("GET", f"/auth/keys/{key['id']}/usage?window=3")
    assert [bucket["count"] for bucket in shown["buckets"]] == [0, 0, 7] and shown["window_total"] == 7
    view = shown["key"]
    assert view["usage_count"] == view["usage_24h"] == 7 and abs(view["last_used"] - time.time()) < 60
    assert root.get(f"/auth/keys/{key['id']}/usage?window=0").code == "VALIDATION_ERROR"


def test_rate_limits_of_a_key(make_world):
    world = make_world(**{"auth.rate_limit_per_minute": "5"}).start()
    one, other = world.key_client(), world.key_client()
    own = world.key_client(rate_limits={"requests_per_minute": 8})
    for client, limit in ((one, 5), (other, 5), (own, 8)):
        statuses = [client.get("/collections").status for _ in range(12)]
        assert statuses == [200] * limit + [429] * (12 - limit)
        answer = client.get("/collections")
        assert answer.code == "RATE_LIMIT_EXCEEDED" and 1 <= int(answer.headers["Retry-After"]) <= 61
    root = world.root()
    assert all(root.get("/collections").status == 200 for _ in range(12))


def test_the_command_line_looks_after_keys(world, tmp_path):
    username, password = world.root_credentials()
    file = tmp_path / "password"
    file.write_text(password + "\n")
    file.chmod(0o600)

    def wagglectl(*arguments):
        ended = subprocess.run([str(built("tools/wagglectl/wagglectl")), "--endpoint", f"http://127.0.0.1:{world.node.port}",
                                "--user", username, "--password-file", str(file), "--output", "json", *arguments],
                               capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    made = wagglectl("keys", "create", "ci", "--permission", "read,write", "--expires-in", "600")
    client = world.client(made["api_key"])
    assert client.get("/collections").status == 200
    assert [key["id"] for key in wagglectl("keys", "list")["keys"]] == [made["id"]]
    rotated = wagglectl("keys", "rotate", made["id"])
    wagglectl("keys", "revoke", made["id"], "--yes")
    assert client.get("/collections").code == "AUTH_INVALID_KEY"
    assert world.client(rotated["new_token"]).get("/collections").status == 200


def test_identity_is_recorded(world):
    root = world.root()
    world.login("annie", "a wrong password")
    key = world.key(by=root)
    root.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    root.ok("DELETE", f"/auth/keys/{key['id']}")
    root.ok("DELETE", "/collections/docs")
    assert world.node.stop() == 0
    lines = [json.loads(line) for path in sorted((world.node.data_dir / "_node" / "audit").iterdir())
             for line in path.read_text().splitlines()]
    told = [(r["event"], r["function"], r["actor"]["kind"], r["target"], r["status"]) for r in lines if "function" in r]
    assert told == [("AUTH_SUCCESS", "auth.login", "jwt", "", 200), ("AUTH_FAILURE", "auth.login", "anonymous", "", 401),
                    ("AUTH_SUCCESS", "auth.keys.create", "jwt", "", 200),
                    ("AUTH_SUCCESS", "auth.keys.revoke", "jwt", key["id"], 200),
                    ("AUTH_SUCCESS", "delete_collection", "jwt", "docs", 200)]
    everything = json.dumps(lines)
    assert key["api_key"].rsplit("_", 1)[1] not in everything and "a wrong password" not in everything
