"""pytest fixtures for tests that run a node. A conftest.py imports them by name.

A failed test shows the tail of its nodes' logs; the files of a passed one are removed.
"""
import shutil

import pytest

from node import FileNode, Node

_outcome = pytest.StashKey()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.stash[_outcome] = report
    for node in getattr(item, "_waggle_nodes", []):
        if report.failed:
            report.sections.append((f"log of the node in {node.directory}", node.log_tail()))


@pytest.fixture
def make_node(request, tmp_path):
    """make_node(settings=…, environment=…, directory=…) → a Node that is not started yet."""
    nodes = request.node._waggle_nodes = []

    def make(settings=None, environment=None, directory=None):
        node = Node(directory or tmp_path / f"node{len(nodes)}", settings, environment)
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.close()
    report = request.node.stash.get(_outcome, None)
    if report is not None and report.passed:
        for node in nodes:
            shutil.rmtree(node.directory, ignore_errors=True)


@pytest.fixture
def node(make_node):
    """A running node on an empty data directory."""
    return make_node().start()


@pytest.fixture
def file_node(tmp_path):
    nodes = []

    def make(text=""):
        nodes.append(FileNode(tmp_path / "node", text))
        return nodes[-1].start()

    yield make
    for node in nodes:
        node.close()
