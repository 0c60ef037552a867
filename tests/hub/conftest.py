import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mock_hub import MockHub, bearer  # noqa: E402
from node_fixtures import make_node, pytest_runtest_makereport  # noqa: E402,F401

INBOUND_SECRET = "inbound-secret-of-the-tests-0123456789"


@pytest.fixture
def make_hub():
    made = []

    def make(*arguments, **more):
        made.append(MockHub(*arguments, **more))
        return made[-1]

    yield make
    for hub in made:
        hub.stop()


@pytest.fixture
def hub(make_hub):
    return make_hub()


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


# Tests of other things must not meet these limits.
NO_LIMITS = {"auth.brute_force.failures": "10000", "rate_limiting.default_requests_per_minute": "1000000",
             "rate_limiting.default_requests_per_hour": "1000000", "rate_limiting.default_requests_per_day": "1000000"}


@pytest.fixture
def start_world(hub, make_node):
    def start(environment=None, **settings):
        node = make_node(settings=hub.settings(**{**NO_LIMITS, **settings}), environment={
            **hub.environment, "HIVEHUB_INBOUND_SERVICE_SECRET": INBOUND_SECRET, **(environment or {})})
        return World(hub, node.start())
    return start


@pytest.fixture
def world(start_world):
    return start_world()
