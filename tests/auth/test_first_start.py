"""What a node makes for itself when it first starts, and what it refuses to start with."""
import os
import stat
import subprocess

import pytest

from client import Client
from node import REPOSITORY


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_random_credentials_that_only_their_owner_reads(make_world):
    world = make_world().start()
    secret = world.node.data_dir / "_node" / "jwt_secret.key"
    assert mode_of(world.credentials_file) == mode_of(secret) == 0o600
    username, password = world.root_credentials()
    assert username == "root" and len(password) == 32
    assert len(secret.read_text().strip()) >= 32
    other = make_world().start()
    assert other.root_credentials()[1] != password and (other.node.data_dir / "_node" / "jwt_secret.key").read_text() != secret.read_text()
    assert password not in world.node.log_path.read_text()
    token = world.token()
    world.node.restart()
    assert world.root_credentials() == (username, password)
    assert world.client(token).get("/auth/me").status == 200
    assert world.login().status == 200


def test_configured_credentials_count_once(make_world, tmp_path):
    secret = "0123456789abcdef0123456789abcdef"
    world = make_world(environment={"VECTORIZER_ADMIN_USERNAME": "annie", "VECTORIZER_ADMIN_PASSWORD": "the first password",
                                    "VECTORIZER_JWT_SECRET": secret}).start()
    assert not world.credentials_file.exists() and not (world.node.data_dir / "_node" / "jwt_secret.key").exists()
    assert world.login("annie", "the first password").status == 200
    world.node.stop()
    world.node.environment["VECTORIZER_ADMIN_PASSWORD"] = "another password"
    world.node.start()
    assert world.login("annie", "another password").status == 401
    assert world.login("annie", "the first password").status == 200


def test_credentials_by_the_command_line(make_world, tmp_path):
    file = tmp_path / "password"
    file.write_text("a password in a file\n")
    file.chmod(0o600)
    world = make_world()
    plain = world.node.command
    world.node.command = lambda: plain() + ["--root-user", "boss", "--root-password-file", str(file)]
    world.start()
    assert world.login("boss", "a password in a file").status == 200


def test_a_node_with_keys_may_listen_everywhere(make_world):
    world = make_world(**{"server.host": "0.0.0.0"}).start()
    asked = Client(world.node.port, headers={"Host": "waggle.example.com"})
    assert asked.get("/health").status == 200 and asked.get("/collections").status == 401
    asked.close()


def test_the_shipped_configuration_starts(make_world):
    world = make_world()
    del world.node.settings["auth.enabled"]
    plain = world.node.command
    world.node.command = lambda: plain() + ["--config", str(REPOSITORY / "deploy" / "config" / "local-auth.yml")]
    world.start()
    assert world.login().status == 200 and world.client().get("/collections").status == 401


@pytest.mark.parametrize("settings, told", [
    ({"server.host": "0.0.0.0", "auth.enabled": "false"}, "without authentication a node only listens on loopback"),
    ({"auth.require_authentication": "false"}, "contradicts auth.enabled"),
    ({"cluster.trust": "local"}, "needs cluster.enabled"),
    ({"cluster.trust": "local", "cluster.enabled": "true", "auth.enabled": "false"}, "needs auth.enabled"),
    ({"cluster.trust": "local", "cluster.enabled": "true", "hub.enabled": "true"}, "contradicts hub.enabled"),
    ({"cluster.enabled": "true"}, "hub.service_api_key"),
    ({"auth.jwt_secret": "too short"}, "at least 32 bytes"),
    ({"auth.root_user": "a b"}, "auth.root_user"),
    ({"hub.signing.required": "all"}, "can't be all with auth.enabled"),
])
def test_refused(make_world, settings, told):
    node = make_world(**settings).node
    ended = subprocess.run(node.command(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 78 and told in ended.stderr, ended.stderr


def test_a_first_password_that_may_not_be_used_stops_the_start(make_world):
    node = make_world(environment={"VECTORIZER_ADMIN_PASSWORD": "short"}).node
    ended = subprocess.run(node.command(), capture_output=True, text=True, timeout=60, env={**os.environ, **node.environment})
    assert ended.returncode == 1 and "at least 10 characters" in ended.stderr


@pytest.mark.parametrize("spoil, told", [(lambda path: path.chmod(0o640), "chmod 600"),
                                         (lambda path: path.write_text("short\n"), "too short")])
def test_a_secret_that_others_read_or_that_is_too_short_stops_the_start(make_world, spoil, told):
    world = make_world().start()
    world.node.stop()
    spoil(world.node.data_dir / "_node" / "jwt_secret.key")
    ended = subprocess.run(world.node.command(), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and told in ended.stderr
