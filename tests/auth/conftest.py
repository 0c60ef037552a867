import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from identity_world import IdentityWorld  # noqa: E402
from mock_hub import MockHub  # noqa: E402
from node_fixtures import make_node, pytest_runtest_makereport  # noqa: E402,F401


@pytest.fixture
def make_world(make_node):
    """make_world(**settings) → a node with local identity, and its administrator."""
    def make(environment=None, **settings):
        return IdentityWorld(make_node(settings=settings, environment=environment))
    return make


@pytest.fixture
def world(make_world):
    return make_world().start()


@pytest.fixture
def tenants(make_world):
    """Cluster mode in which local keys are the only trust anchor."""
    return make_world(**{"cluster.enabled": "true", "cluster.trust": "local"}).start()


@pytest.fixture
def hub():
    made = MockHub()
    yield made
    made.stop()
