"""One `waggled` under test: started on its own data directory, stopped, killed and started again.

The binary comes from the build directory in WAGGLE_BUILD_DIR (default build/check of this repository). A process is
only ever signalled through its own handle.
"""
import json
import os
import pathlib
import signal
import subprocess
import time

from client import Client, Disconnected

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TENANT = "00000000-0000-0000-0000-000000000000"  # the implicit tenant of a standalone node


def build_dir():
    return pathlib.Path(os.environ.get("WAGGLE_BUILD_DIR", REPOSITORY / "build" / "check")).resolve()


def built(relative):
    path = build_dir() / relative
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built; build it, or set WAGGLE_BUILD_DIR to the meson build directory")
    return path


class NodeFailed(Exception):
    """The process ended, or did not become ready."""


class Node:
    """`settings` are configuration keys (`--set`), `environment` is added to this process's own."""

    def __init__(self, directory, settings=None, environment=None):
        self.directory = pathlib.Path(directory)
        self.data_dir = self.directory / "data"
        self.log_path = self.directory / "node.log"
        self.settings = {"logging.format": "json", **(settings or {})}
        self.environment = dict(environment or {})
        self.process = None
        self.port = None
        self._clients = []
        self._log_start = 0
        self.directory.mkdir(parents=True, exist_ok=True)

    # ---- life ----

    def command(self):
        command = [str(built("tools/waggled/waggled")), "--data-dir", str(self.data_dir), "--port", "0"]
        for key, value in self.settings.items():
            command += ["--set", f"{key}={value}"]
        return command

    def spawn(self):
        """Starts the process and returns at once."""
        assert self.process is None or self.process.poll() is not None, "already running"
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self.port = None
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **self.environment})
        return self

    def start(self, timeout=60.0):
        """Starts the process and returns when it is ready."""
        self.spawn()
        return self.wait_ready(timeout)

    def wait_ready(self, timeout=60.0):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise NodeFailed(f"the node ended with {self.process.returncode}\n{self.log_tail()}")
            if self.port is None:
                self.port = self._announced_port()
            if self.port is not None:
                asking = Client(self.port, timeout=5)
                try:
                    # A node in cluster mode answers nobody without a key; it listens once it is ready.
                    if asking.get("/readyz").status in (200, 401):
                        return self
                except Disconnected:
                    pass
                finally:
                    asking.close()
            time.sleep(0.004)
        raise NodeFailed(f"the node is not ready after {timeout} s\n{self.log_tail()}")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout=60.0):
        code = self.process.wait(timeout)
        self._forget_clients()
        return code

    def stop(self, timeout=60.0):
        """SIGTERM, and the exit code."""
        self.terminate()
        return self.wait(timeout)

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self._forget_clients()

    def restart(self):
        code = self.stop()
        assert code == 0, f"stopped with {code}\n{self.log_tail()}"
        return self.start()

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def close(self):
        """For teardown: whatever state the process is in, it is gone afterwards."""
        if self.running:
            self.kill9()
        self._forget_clients()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- talking to it ----

    def client(self, timeout=40.0, headers=None):
        """A client of the running process, closed with it. `headers` go with every request."""
        made = Client(self.port, timeout, headers=headers)
        self._clients.append(made)
        return made

    def _forget_clients(self):
        for each in self._clients:
            each.close()
        self._clients = []

    # ---- what it wrote ----

    def log_events(self):
        """The log lines of the current (or last) process, as objects; lines that are none are left out."""
        events = []
        if not self.log_path.exists():
            return events
        with open(self.log_path, "rb") as log:
            log.seek(self._log_start)
            for line in log:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict):
                    events.append(event)
        return events

    def log_tail(self, lines=60):
        if not self.log_path.exists():
            return "(no log)"
        text = self.log_path.read_text("utf-8", "replace").splitlines()
        return "\n".join(text[-lines:])

    def _announced_port(self):
        for event in self.log_events():
            if event.get("message") == "listening" and event.get("port"):
                return int(event["port"])
        return None

    # ---- its files ----

    def segment_files(self):
        """Sealed segment files of the implicit tenant, in a fixed order."""
        base = self.data_dir / TENANT
        return sorted(path for path in base.rglob("*") if path.is_file() and not path.name.endswith(".tmp"))


class FileNode(Node):
    """A node with a configuration file that the test rewrites."""

    def __init__(self, directory, text=""):
        super().__init__(directory, environment={})
        self.file = self.directory / "node.yml"
        self.write(text)

    def command(self):
        return super().command() + ["--config", str(self.file)]

    def write(self, text):
        self.file.write_text(text)

    def reload(self, text=None):
        """Rewrites the file, sends SIGHUP; the log events up to the one that says how it went."""
        if text is not None:
            self.write(text)
        before = len(self.log_events())
        self.process.send_signal(signal.SIGHUP)
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            events = [e for e in self.log_events()[before:] if e.get("component") == "config"]
            if any(e["message"].startswith(("reloaded", "not reloaded")) for e in events):
                return events
            time.sleep(0.01)
        raise AssertionError(f"no word about the reload\n{self.log_tail()}")
