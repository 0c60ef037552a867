"""A running `mock-hub` and what a test does with it: users, keys, faults, the journal of what it was asked."""
import re
import subprocess

from client import Client
from node import built

SERVICE_KEY = "service-key-of-the-tests-0123456789"


class MockHub:
    def __init__(self, rng_seed=1):
        self._process = subprocess.Popen(
            [str(built("tools/mock-hub/mock-hub")), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--rng-seed",
             str(rng_seed), "--service-key", SERVICE_KEY], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        self.url, control = re.search(r"listens on (\S+), control on \S+:(\d+)", line).groups()
        self.control = Client(int(control))

    def settings(self, **more):
        """What a node needs to trust this hub."""
        return {"hub.enabled": "true", "hub.api_url": self.url, "hub.retries": "1", **more}

    @property
    def environment(self):
        return {"HIVEHUB_SERVICE_API_KEY": SERVICE_KEY}

    def user(self, name):
        """The id of a new user."""
        return self.control.ok("POST", "/__mock/users", {"name": name})["id"]

    def key(self, user, *permissions, **more):
        """A new key of that user."""
        return self.control.ok("POST", "/__mock/keys", {"user_id": user, "permissions": list(permissions), **more})

    def act(self, what, id, act, body=None):
        """act("keys", id, "revoke"), act("users", id, "suspend"), …"""
        return self.control.ok("POST", f"/__mock/{what}/{id}/{act}", body if body is not None else {})

    def fault(self, kind, operation="validate_key", **more):
        return self.control.ok("POST", "/__mock/faults", {"kind": kind, "operation": operation, **more})["id"]

    def heal(self):
        self.control.ok("DELETE", "/__mock/faults")

    def asked(self, operation="validate_key"):
        """How often nodes asked this, so far."""
        return self.control.ok("GET", "/__mock/journal")["counts"].get(operation, 0)

    def close(self):
        self.control.close()
        self._process.terminate()
        self._process.wait(20)
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def bearer(key):
    return {"Authorization": f"Bearer {key['key'] if isinstance(key, dict) else key}"}
