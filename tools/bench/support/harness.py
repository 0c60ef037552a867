"""What the benches of a whole node share: a node pinned to core 0, load (wrk) pinned to core 1, and small tools.

Environment: WAGGLE_BUILD = build directory (default build/release), BENCH_DIR = where data goes (default: the checkout,
because /tmp may be memory), BENCH_SECONDS = length of one measurement."""
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("WAGGLE_BUILD", os.path.join(ROOT, "build", "release"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
PORT = 15877


def program(path):
    return os.path.join(BUILD, "tools", path)


def data_directory():
    return tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", ROOT), prefix=".bench-")


def slow_sync(microseconds):
    """The environment of a program whose every fsync takes that much longer."""
    if not microseconds:
        return dict(os.environ)
    return dict(os.environ, LD_PRELOAD=program("bench/slow_sync/slow_sync.so"), SLOW_SYNC_US=str(microseconds))


class Node:
    """A `waggled` with one worker, on core 0 unless told otherwise, as the figures per core ask for."""

    def __init__(self, directory, *settings, sync_us=0, cores="0", environment=None, headers=None):
        self.command = ["taskset", "-c", cores, program("waggled/waggled"), "--data-dir", directory, "--port", str(PORT)]
        for setting in ("server.threads=1", "logging.level=error", *settings):
            self.command += ["--set", setting]
        self.environment = {**slow_sync(sync_us), **(environment or {})}
        self.headers = headers or {}
        self.process, self.seconds_to_ready = None, 0.0
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        began = time.time()
        self.process = subprocess.Popen(self.command, env=self.environment)
        while True:
            try:
                if self.call("GET", "/readyz", raw=True) == b"ok":
                    break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("the node ended while starting")
            time.sleep(0.002)
        self.seconds_to_ready = time.time() - began

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def restart(self):
        self.stop()
        self.start()

    def rss_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def call(self, method, path, body=None, raw=False, connection=None, headers=None):
        c = connection or self.connect()
        c.request(method, path, body if body is None or isinstance(body, (str, bytes)) else json.dumps(body),
                  headers or self.headers)
        answer = c.getresponse()
        data = answer.read()
        if not connection:
            c.close()
        if raw:
            return data
        if answer.status not in (200, 201):
            sys.exit(f"{method} {path}: {answer.status} {data[:300]!r}")
        return json.loads(data)

    @staticmethod
    def connect():
        return http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)

    def load(self, connections, path, script=None, headers=None):
        """Runs wrk against `path`; its figures as a Load."""
        command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS:g}s", "--latency"]
        for name, value in (headers or self.headers).items():
            command += ["-H", f"{name}: {value}"]
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
            if script:
                lua.write(script)
                lua.flush()
                command += ["-s", lua.name]
            cpu = self.cpu_seconds()
            out = subprocess.run(command + [f"http://127.0.0.1:{PORT}{path}"], capture_output=True, text=True,
                                 check=True).stdout
            return Load(out, self.cpu_seconds() - cpu)


class Load:
    """rate in requests/s, p50 and p99 as wrk prints them, errors = answers other than 2xx, cpu_us of the node each."""

    def __init__(self, text, cpu):
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
        self.p50 = re.search(r"\n\s+50%\s+(\S+)", text).group(1)
        self.p99 = re.search(r"\n\s+99%\s+(\S+)", text).group(1)
        errors = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        self.errors = int(errors.group(1)) if errors else 0
        self.cpu_us = cpu / max(1.0, self.rate * SECONDS) * 1e6
