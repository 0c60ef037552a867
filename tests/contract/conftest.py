import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from node_fixtures import file_node, make_node, node, pytest_runtest_makereport  # noqa: E402,F401
