import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mock_hub import MockHub  # noqa: E402


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
