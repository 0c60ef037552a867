"""One `mock-hub` under test: started on free loopback ports, spoken to at both, stopped through its own handle."""
import re
import subprocess

from client import Client
from node import REPOSITORY, built

SERVICE_KEY = "service-key-of-the-tests"
EXAMPLE = REPOSITORY / "tools" / "mock-hub" / "example.yml"
READY = re.compile(r"mock-hub listens on (https?)://127\.0\.0\.1:(\d+), control on http://127\.0\.0\.1:(\d+)\n")


class MockHub:
    def __init__(self, *arguments, seed_file=EXAMPLE, rng_seed=1):
        self.command = [str(built("tools/mock-hub/mock-hub")), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
                        "--seed-file", str(seed_file), "--rng-seed", str(rng_seed), "--service-key", SERVICE_KEY,
                        *map(str, arguments)]
        self._clients = []
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        ready = READY.fullmatch(line)
        if not ready:
            self.process.kill()
            raise RuntimeError(f"mock-hub did not start: {line!r} {self.process.communicate()[1]!r}")
        self.url, self.port = f"{ready[1]}://127.0.0.1:{ready[2]}", int(ready[2])
        self._control = self._client(int(ready[3]))

    def _client(self, port, timeout=20.0):
        client = Client(port, timeout=timeout)
        self._clients.append(client)
        return client

    def client(self, timeout=20.0):
        """A connection of its own to the hub's port."""
        return self._client(self.port, timeout)

    def call(self, method, path, body=None, client=None, **headers):
        """A request with the service key, on a new connection unless told otherwise."""
        given = {"Authorization": "Bearer " + SERVICE_KEY, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if client:
            return client.request(method, path, body, headers=given)
        client = self.client()
        try:
            return client.request(method, path, body, headers=given)
        finally:
            client.close()

    def control(self, method, path, body=None):
        """The JSON answer of a control call that must succeed."""
        return self._control.ok(method, "/__mock" + path, body)

    def try_control(self, method, path, body=None):
        return self._control.request(method, "/__mock" + path, body)

    def fault(self, kind, **more):
        return self.control("POST", "/faults", {"kind": kind, **more})["id"]

    def heal(self):
        """No faults any more."""
        self.control("DELETE", "/faults")

    def settings(self, **more):
        """What a node needs to trust this hub."""
        return {"hub.enabled": "true", "hub.api_url": self.url, "hub.retries": "1", **more}

    environment = {"HIVEHUB_SERVICE_API_KEY": SERVICE_KEY}

    def user(self, name):
        """The id of a new user."""
        return self.control("POST", "/users", {"name": name})["id"]

    def key(self, user, *permissions, **more):
        """A new key of that user."""
        return self.control("POST", "/keys", {"user_id": user, "permissions": list(permissions), **more})

    def ip_lists(self, user, allow=(), block=()):
        """From where the user's clients may come."""
        return self.control("PATCH", f"/users/{user}", {"ip_lists": {"allowlist": list(allow), "blocklist": list(block)}})

    def act(self, what, id, act):
        """act("keys", id, "revoke"), act("users", id, "suspend"), …"""
        return self.control("POST", f"/{what}/{id}/{act}", {})

    def asked(self, operation="validate_key"):
        """How often nodes asked this, so far."""
        return self.control("GET", "/journal")["counts"].get(operation, 0)

    def validate(self, key, **more):
        return self.call("POST", "/api/v1/access-keys/validate", {"access_key": key}, **more)

    def stop(self):
        """SIGTERM; the exit status."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def bearer(key):
    return {"Authorization": f"Bearer {key['key'] if isinstance(key, dict) else key}"}
