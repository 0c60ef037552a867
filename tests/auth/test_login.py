"""Users: logging in and out, lockouts, passwords, who may do what."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import time

import pytest


def test_login_gives_a_token_that_lets_in(world):
    answer = world.login()
    assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer" and body["expires_in"] == 3600
    assert body["user"]["username"] == "root" and body["user"]["roles"] == ["Admin"]
    me = world.client(body["access_token"]).ok("GET", "/auth/me")
    assert me["kind"] == "jwt" and me["user_id"] == body["user"]["user_id"] and me["permissions"] == ["ADMIN"]
    for path in ("/api/auth/me", "/api/v1/auth/me"):
        assert world.client(body["access_token"]).get(path).status == 200


def test_the_public_part_is_open_and_the_rest_is_not(world):
    nobody = world.client()
    for path in ("/", "/health", "/readyz", "/openapi.json", "/metrics"):
        assert nobody.get(path).status == 200, path
    assert nobody.get("/no/such/route").code == "ROUTE_NOT_FOUND"
    for method, path in (("GET", "/collections"), ("POST", "/search"), ("GET", "/status"), ("GET", "/auth/me"),
                         ("GET", "/auth/keys"), ("GET", "/auth/users"), ("GET", "/config")):
        answer = nobody.request(method, path)
        assert answer.status == 401 and answer.code == "AUTH_MISSING_KEY", f"{method} {path}: {answer!r}"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    # Who shows something wrong is not nobody.
    assert world.client("wk_" + "0" * 12 + "_" + "0" * 32).get("/health").code == "AUTH_INVALID_KEY"


def test_wrong_passwords_and_unknown_names_are_one_answer_and_one_work(world):
    world.user("annie")
    root = world.root()

    def asked(username, password):
        before = world.metric("waggle_auth_password_hashes_total", root)
        answer = world.login(username, password)
        return answer, world.metric("waggle_auth_password_hashes_total", root) - before

    body = None
    for username, password in (("annie", "a wrong password"), ("nobody", "a wrong password"), ("annie", ""),
                               ("x" * 1000, "y"), ("annie", "z" * 100_000)):
        answer, hashes = asked(username, password)
        shown = {k: v for k, v in answer.json().items() if k != "request_id"}
        assert answer.status == 401 and shown["code"] == "INVALID_CREDENTIALS" and shown["error"] == "invalid_credentials"
        assert hashes == 1
        assert body in (None, shown)
        body = shown
    for wrong in ({}, {"username": "annie"}, {"username": 7, "password": "x"}, []):
        assert world.client().post("/auth/login", wrong).code == "VALIDATION_ERROR"


def test_five_failures_lock_a_name_for_the_right_password_too(world):
    name, password = world.user("annie")
    root = world.root()
    for _ in range(5):
        assert world.login(name, "a wrong password").code == "INVALID_CREDENTIALS"
    before = world.metric("waggle_auth_password_hashes_total", root)
    answer = world.login(name, password)
    assert answer.status == 429 and answer.code == "AUTH_RATE_LIMIT"
    assert 890 <= int(answer.headers["Retry-After"]) <= 900
    assert world.metric("waggle_auth_password_hashes_total", root) == before
    # A name that nobody has is locked just so.
    for _ in range(5):
        assert world.login("nobody", "a wrong password").code == "INVALID_CREDENTIALS"
    assert world.login("nobody", "x").code == "AUTH_RATE_LIMIT"
    assert world.login().status == 200
    assert world.metric("waggle_auth_lockouts_total", root) == 2


def test_many_at_once_are_no_way_around_the_lockout(world):
    name, _ = world.user("annie")

    def attempt(n):
        return world.login(name, f"a wrong password {n}").code

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(attempt, range(64)))
    assert codes.count("INVALID_CREDENTIALS") == 5 and set(codes) == {"INVALID_CREDENTIALS", "AUTH_RATE_LIMIT"}


def test_an_address_that_fails_too_often_is_blocked_but_not_its_known_keys(make_world):
    world = make_world(**{"auth.brute_force.failures": "5"}).start()
    used, unused = world.key(), world.key()
    known = world.client(used["api_key"])
    assert known.get("/collections").status == 200
    token = world.token()
    for n in range(5):
        assert world.login(f"user{n}", "a wrong password").code == "INVALID_CREDENTIALS"
    assert world.login().code == "AUTH_RATE_LIMIT"
    assert known.get("/collections").status == 200
    assert world.client(token).get("/collections").status == 200
    answer = world.client(unused["api_key"]).get("/collections")
    assert answer.status == 429 and int(answer.headers["Retry-After"]) > 250
    wrong = used["api_key"][:-1] + ("a" if used["api_key"][-1] != "a" else "b")
    assert world.client(wrong).get("/collections").code == "AUTH_RATE_LIMIT"


def test_wrong_keys_block_too(make_world):
    world = make_world(**{"auth.brute_force.failures": "5", "auth.brute_force.block_seconds": "1"}).start()
    for n in range(5):
        assert world.client("wk_" + "0" * 12 + "_" + str(n) * 32).get("/collections").code == "AUTH_INVALID_KEY"
    assert world.client("wk_" + "0" * 12 + "_" + "9" * 32).get("/collections").code == "AUTH_RATE_LIMIT"
    assert world.login().code == "AUTH_RATE_LIMIT"
    time.sleep(1.1)
    assert world.login().status == 200


def test_logout_voids_the_token_at_once_and_for_good(world):
    stays, goes = world.token(), world.token()
    client = world.client(goes)
    assert client.get("/auth/me").status == 200
    assert client.ok("POST", "/auth/logout")["status"] == "ok"
    assert client.get("/auth/me").code == "AUTH_INVALID_KEY"
    assert world.client(stays).get("/auth/me").status == 200
    world.node.restart()
    assert world.client(goes).get("/auth/me").code == "AUTH_INVALID_KEY"
    assert world.client(stays).get("/auth/me").status == 200
    assert world.key_client(permissions=["read"]).post("/auth/logout").code == "BAD_REQUEST"


def test_tokens_end_and_are_renewed(make_world):
    world = make_world(**{"auth.jwt_expiration": "2"}).start()
    client = world.root()
    fresh = client.ok("POST", "/auth/refresh")
    assert fresh["expires_in"] == 2
    time.sleep(2.1)
    for token_client in (client, world.client(fresh["access_token"])):
        answer = token_client.get("/auth/me")
        assert answer.status == 401 and answer.code == "AUTH_KEY_EXPIRED"
    assert world.login().status == 200


def test_roles(world):
    users = {role: world.user("user_" + role.lower(), roles=[role]) for role in ("Admin", "User", "ReadOnly", "ApiUser")}
    clients = {role: world.client(world.token(*user)) for role, user in users.items()}
    allowed = {role: [] for role in clients}
    for role, client in clients.items():
        for method, path, body in (("GET", "/auth/me", None), ("GET", "/collections", None),
                                   ("POST", "/collections", {"name": role, "dimension": 2}),
                                   ("GET", "/auth/keys", None), ("GET", "/auth/users", None)):
            answer = client.request(method, path, body)
            assert answer.status in (200, 403), repr(answer)
            if answer.status == 200:
                allowed[role].append(f"{method} {path}")
    everything = ["GET /auth/me", "GET /collections", "POST /collections", "GET /auth/keys", "GET /auth/users"]
    assert allowed == {"Admin": everything, "User": everything[:3], "ReadOnly": everything[:2], "ApiUser": everything[:1]}


def test_users_are_made_changed_and_deleted(world):
    root = world.root()
    name, password = world.user("annie", roles=["ReadOnly"])
    listed = root.ok("GET", "/auth/users")["users"]
    assert [user["username"] for user in listed] == ["annie", "root"] and "password" not in json.dumps(listed)
    again = root.post("/auth/users", {"username": name, "password": password})
    assert again.status == 409 and again.code == "USER_EXISTS"
    for wrong in ({"username": "ab"}, {"username": "a b c"}, {"username": "a" * 65}, {"username": "ünal"},
                  {"username": "bob", "password": "short"}, {"username": "bob", "roles": ["Root"]},
                  {"username": "bob", "roles": []}, {"username": "bob", "tenant_id": "550e8400-e29b-41d4-a716-446655440000"}):
        answer = root.post("/auth/users", {"password": password, **wrong})
        assert answer.status == 400, f"{wrong}: {answer!r}"

    annie = world.client(world.token(name, password))
    path, new = f"/auth/users/{name}/password", "another password"
    assert annie.put(path, {"password": new}).code == "VALIDATION_ERROR"
    assert annie.put(path, {"password": new, "current_password": "wrong"}).code == "INVALID_CREDENTIALS"
    assert annie.put("/auth/users/root/password", {"password": new, "current_password": password}).code == "FORBIDDEN"
    annie.ok("PUT", path, {"password": new, "current_password": password})
    assert annie.get("/auth/me").code == "AUTH_INVALID_KEY"  # tokens of the old password are void
    assert world.login(name, password).code == "INVALID_CREDENTIALS"
    annie = world.client(world.token(name, new))
    root.ok("PUT", path, {"password": password})
    assert annie.get("/auth/me").code == "AUTH_INVALID_KEY"
    annie = world.client(world.token(name, password))
    root.ok("DELETE", f"/auth/users/{name}")
    assert annie.get("/auth/me").code == "AUTH_INVALID_KEY"
    assert world.login(name, password).code == "INVALID_CREDENTIALS"
    assert root.delete(f"/auth/users/{name}").code == "USER_NOT_FOUND"
    # A new user of that name does not take over the old one's tokens.
    world.user(name, password)
    assert annie.get("/auth/me").code == "AUTH_INVALID_KEY"
    assert root.delete("/auth/users/root").code == "CONFLICT"


def test_one_of_many_users_of_one_name_is_made(world):
    root = world.token()

    def make(n):
        return world.client(root).post("/auth/users", {"username": "annie", "password": f"password of number {n}"}).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(make, range(8))) == [200] + [409] * 7


def b64(data):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_token_tricks(world):
    token = world.token()
    header, payload, signature = token.split(".")
    secret = (world.node.data_dir / "_node" / "jwt_secret.key").read_bytes().strip()

    def signed(header, payload, key=secret, digest=hashlib.sha256):
        text = f"{b64(header)}.{payload if isinstance(payload, str) else b64(payload)}"
        return f"{text}.{b64(hmac.new(key, text.encode(), digest).digest())}"

    def ask(text):
        return world.client(text).get("/auth/me")

    assert ask(signed({"alg": "HS256"}, payload)).status == 200  # the forger below would know how
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    wrong = [f"{b64({'alg': 'none'})}.{payload}.", f"{b64({'alg': 'none'})}.{payload}.x", f"{header}.{payload}.",
             signed({"alg": "none"}, payload), signed({"alg": "RS256"}, payload), signed({"alg": "HS384"}, payload),
             signed({"alg": "HS512"}, payload, digest=hashlib.sha512), signed({"alg": "HS256", "crit": ["x"]}, payload),
             signed({"alg": "HS256"}, payload, b""), signed({"alg": "HS256"}, payload, b"0" * 32),
             signed({"alg": "HS256", "jwk": {"kty": "oct", "k": b64(b"0" * 32)}}, payload, b"0" * 32),
             signed({"alg": "HS256", "kid": "../../dev/null"}, payload, b""),
             f"{header}.{b64({**claims, 'exp': claims['exp'] + 1})}.{signature}",
             signed({"alg": "HS256"}, {**claims, "user_id": "x", "sub": "x"}),
             signed({"alg": "HS256"}, {**claims, "gen": 2}), signed({"alg": "HS256"}, {**claims, "username": "other"}),
             signed({"alg": "HS256"}, {**claims, "iat": claims["iat"] + 3600, "exp": claims["exp"] + 3600}),
             signed({"alg": "HS256"}, {k: v for k, v in claims.items() if k != "jti"})]
    for text in wrong:
        answer = ask(text)
        assert answer.status == 401 and answer.code in ("AUTH_INVALID_KEY", "AUTH_INVALID_FORMAT"), f"{text}: {answer!r}"
    assert ask(signed({"alg": "HS256"}, {**claims, "exp": int(time.time())})).code == "AUTH_KEY_EXPIRED"
    # What a token says of its roles is not what counts.
    name, password = world.user("annie", roles=["ReadOnly"])
    _, body, _ = world.token(name, password).split(".")
    raised = {**json.loads(base64.urlsafe_b64decode(body + "==")), "roles": ["Admin"], "scopes": ["ADMIN"]}
    assert world.client(signed({"alg": "HS256"}, raised)).get("/auth/users").code == "FORBIDDEN"
    # Tokens come as Bearer only.
    assert world.node.client(headers={"X-API-Key": token}).get("/auth/me").code == "AUTH_INVALID_FORMAT"


def test_introspection_and_password_rules(world):
    root, token = world.root(), world.token()
    told = root.ok("POST", "/auth/introspect", {"token": token})
    assert told["active"] and told["username"] == "root" and told["scope"] == "ADMIN" and told["exp"] > time.time()
    world.client(token).ok("POST", "/auth/logout")
    for other in (token, "x.y.z", world.key()["api_key"]):
        assert root.ok("POST", "/auth/introspect", {"token": other}) == {"active": False}
    good = root.ok("POST", "/auth/validate-password", {"password": "Correct horse battery 1"})
    assert good["valid"] and good["errors"] == [] and good["strength_label"] == "strong"
    bad = root.ok("POST", "/auth/validate-password", {"password": "annie12345", "username": "annie"})
    assert not bad["valid"] and bad["errors"]


@pytest.mark.parametrize("header", ["x-hivehub-service", "X-HiveHub-Service"])
def test_nobody_vouches_for_services_here(world, header):
    root = world.root(**{header: "true"})
    assert root.get("/auth/me").code == "AUTH_SERVICE_REJECTED"
