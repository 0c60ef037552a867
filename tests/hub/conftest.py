import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from cluster_world import INBOUND_SECRET, World  # noqa: E402
from mock_hub import MockHub  # noqa: E402
from node_fixtures import make_node, pytest_runtest_makereport  # noqa: E402,F401


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


# Tests of other things must not meet these limits.
NO_LIMITS = {"auth.brute_force.failures": "10000", "rate_limiting.default_requests_per_minute": "1000000",
             "rate_limiting.default_requests_per_hour": "1000000", "rate_limiting.default_requests_per_day": "1000000",
             "quotas.defaults.collection_count": "1000000", "quotas.defaults.vector_count": "1000000000",
             "hub.paths.get_quota": ""}  # the limits of the configuration


@pytest.fixture
def no_limits():
    return NO_LIMITS


@pytest.fixture
def start_world(hub, make_node):
    def start(environment=None, **settings):
        wanted = {key: value for key, value in {**NO_LIMITS, **settings}.items() if value is not None}  # None: as it ships
        node = make_node(settings=hub.settings(**wanted), environment={
            **hub.environment, "HIVEHUB_INBOUND_SERVICE_SECRET": INBOUND_SECRET, **(environment or {})})
        return World(hub, node.start())
    return start


@pytest.fixture
def world(start_world):
    return start_world()
