"""A node with local keys and users, and who asks it."""
import uuid

from mock_hub import bearer

# Tests of other things must not meet the limit on failures.
NO_BLOCKS = {"auth.brute_force.failures": "10000"}


class IdentityWorld:
    def __init__(self, node):
        node.settings = {"auth.enabled": "true", **NO_BLOCKS, **node.settings}
        self.node = node

    def start(self):
        self.node.start()
        return self

    # ---- the administrator ----

    @property
    def credentials_file(self):
        return self.node.data_dir / "_node" / ".root_credentials"

    def root_credentials(self):
        lines = dict(line.split(": ", 1) for line in self.credentials_file.read_text().splitlines())
        return lines["username"], lines["password"]

    def login(self, username=None, password=None):
        """The whole answer."""
        if username is None:
            username, password = self.root_credentials()
        return self.node.client().post("/auth/login", {"username": username, "password": password})

    def token(self, username=None, password=None):
        answer = self.login(username, password)
        assert answer.status == 200, repr(answer)
        return answer.json()["access_token"]

    def root(self, **headers):
        """A client with the administrator's token."""
        return self.client(self.token(), **headers)

    # ---- everybody else ----

    def client(self, credential=None, **headers):
        shown = bearer({"key": credential}) if credential else {}
        return self.node.client(headers={**shown, **headers})

    def key(self, by=None, **body):
        """A fresh key: {"api_key", "id", …}."""
        return (by or self.root()).ok("POST", "/auth/keys", {"name": "test", **body})

    def key_client(self, by=None, **body):
        return self.client(self.key(by, **body)["api_key"])

    def user(self, username, password="a password of the tests", roles=("User",), **more):
        self.root().ok("POST", "/auth/users", {"username": username, "password": password, "roles": list(roles), **more})
        return username, password

    def metric(self, name, client=None):
        text = (client or self.root()).get("/metrics").text
        values = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + " ")]
        assert len(values) == 1, name
        return values[0]


def new_tenant():
    return str(uuid.uuid4())
