"""A node in cluster mode, and who asks it."""
from mock_hub import bearer

INBOUND_SECRET = "inbound-secret-of-the-tests-0123456789"


class World:
    """A node in cluster mode and two tenants, each with keys of several kinds."""

    def __init__(self, hub, node):
        self.hub, self.node = hub, node
        self.users = {name: hub.user(name) for name in ("acme", "birch")}
        self.keys = {name: hub.key(user, "ADMIN") for name, user in self.users.items()}

    def client(self, who, **headers):
        """`who`: a tenant's name, or a key."""
        return self.node.client(headers={**bearer(self.keys.get(who, who) if isinstance(who, str) else who), **headers})

    def service(self, user=None, secret=INBOUND_SECRET):
        headers = {"x-hivehub-service": secret}
        if user:
            headers["x-hivehub-user-id"] = user
        return self.node.client(headers=headers)
