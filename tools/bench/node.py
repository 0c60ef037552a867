#!/usr/bin/env python3
"""The node over HTTP, measured from outside in one run: health, durable writes against fdatasync, search with recall,
many collections, restart. The server is pinned to core 0, the load (wrk) to core 1. `./waggle bench node`.

Environment: WAGGLE_BUILD = build directory (default build/release), PARTS = comma-separated subset of
health,writes,search,collections."""
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("WAGGLE_BUILD", os.path.join(ROOT, "build", "release"))
PORT = 15877
SECONDS = 5


class Node:
    def __init__(self, directory, *settings):
        self.directory, self.settings = directory, settings
        self.start()

    def start(self):
        command = ["taskset", "-c", "0", os.path.join(BUILD, "tools/waggled/waggled"), "--data-dir", self.directory,
                   "--port", str(PORT), "--set", "server.threads=1", "--set", "logging.level=error"]
        for setting in self.settings:
            command += ["--set", setting]
        began = time.time()
        self.process = subprocess.Popen(command)
        while True:
            try:
                if self.call("GET", "/readyz", raw=True) == b"ok":
                    break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("the node ended while starting")
                time.sleep(0.005)
        self.seconds_to_ready = time.time() - began

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def rss_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024

    def call(self, method, path, body=None, raw=False, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        c.request(method, path, body if body is None or isinstance(body, (str, bytes)) else json.dumps(body))
        answer = c.getresponse()
        data = answer.read()
        if not connection:
            c.close()
        if raw:
            return data
        if answer.status != 200:
            sys.exit(f"{method} {path}: {answer.status} {data[:300]!r}")
        return json.loads(data)


def wrk(connections, path, script=None):
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
    if script:
        command += ["-s", script]
    out = subprocess.run(command + [f"http://127.0.0.1:{PORT}{path}"], capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    p50 = re.search(r"50%\s+(\S+)", out).group(1)
    p99 = re.search(r"99%\s+(\S+)", out).group(1)
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return rate, p50, p99, int(errors.group(1)) if errors else 0


def lua(text):
    handle = tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False)
    handle.write(text)
    handle.close()
    return handle.name


def fdatasync_rate(directory):
    """Appends of 600 bytes, each with its own fdatasync: what one sync per write would allow."""
    fd = os.open(os.path.join(directory, "probe"), os.O_CREAT | os.O_WRONLY, 0o600)
    began, n = time.time(), 0
    while time.time() - began < 2:
        os.write(fd, b"x" * 600)
        os.fdatasync(fd)
        n += 1
    os.close(fd)
    return n / (time.time() - began)


UPSERT = """
wrk.method = "POST"
local n = 0
request = function()
  n = n + 1
  local v = {}
  for i = 1, 16 do v[i] = string.format("%.4f", math.random()) end
  return wrk.format(nil, nil, nil, '{"points":[{"id":' .. n .. ',"vector":[' .. table.concat(v, ",") .. ']}]}')
end
"""
BATCH = """
wrk.method = "POST"
local v = {}
for i = 1, 64 do v[i] = string.format("%.4f", math.random()) end
local vector = table.concat(v, ",")
local n = 0
request = function()
  local rows = {}
  for i = 1, 500 do
    n = n + 1
    rows[i] = '{"id":' .. n .. ',"vector":[' .. vector .. ']}'
  end
  return wrk.format(nil, nil, nil, '{"points":[' .. table.concat(rows, ",") .. ']}')
end
"""


def bench_health():
    with tempfile.TemporaryDirectory() as d:
        node = Node(d)
        print("health            connections   requests/s      p50      p99")
        for connections in (1, 16):
            rate, p50, p99, errors = wrk(connections, "/health")
            print(f"GET /health       {connections:11d} {rate:12.0f} {p50:>8} {p99:>8}   target at 16: 60000   errors {errors}")
        node.stop()


def bench_writes():
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", ROOT)) as d:
        syncs = fdatasync_rate(d)
        node = Node(os.path.join(d, "single"))
        node.call("POST", "/collections", {"name": "c", "dimension": 16})
        rate, p50, p99, errors = wrk(16, "/collections/c/points", lua(UPSERT))
        print(f"single upserts, 16 connections: {rate:.0f}/s (p50 {p50}, p99 {p99}, errors {errors}); "
              f"fdatasync loop {syncs:.0f}/s; ratio {rate / syncs:.2f} (target 8)")
        node.stop()
        rates = {}
        for fsync in ("false", "true", "false", "true"):
            node = Node(os.path.join(d, "batch" + str(len(rates)) + fsync), f"durability.fsync={fsync}")
            node.call("POST", "/collections", {"name": "c", "dimension": 64})
            rate = wrk(2, "/collections/c/points", lua(BATCH))[0]
            rates.setdefault(fsync, []).append(rate * 500)
            node.stop()
        best = {k: max(v) for k, v in rates.items()}
        print(f"batches of 500 x 64: {best['true']:.0f} points/s durable, {best['false']:.0f} without fsync; "
              f"ratio {best['true'] / best['false']:.2f} (target 0.90)")


def clustered(n, dimension, seed):
    """Gaussian clusters, as text vectors for JSON."""
    rng = random.Random(seed)
    centres = [[rng.gauss(0, 1) for _ in range(dimension)] for _ in range(1000)]
    for _ in range(n):
        centre = centres[rng.randrange(1000)]
        yield [round(c + rng.gauss(0, 0.6), 5) for c in centre]


def bench_search():
    rows, dimension, queries = 100_000, 128, 200
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", ROOT)) as d:
        node = Node(d)
        node.call("POST", "/collections", {"name": "c", "dimension": dimension, "metric": "euclidean"})
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        began, batch, n = time.time(), [], 0
        held = []
        for v in clustered(rows + queries, dimension, 7):
            if n >= rows:
                held.append(v)
                continue
            batch.append({"id": n, "vector": v})
            n += 1
            if len(batch) == 500:
                node.call("POST", "/collections/c/points", {"points": batch}, connection=connection)
                batch = []
        loaded = time.time() - began
        node.call("POST", "/collections/c/force-save", connection=connection)
        while node.call("GET", "/indexing/progress")["is_indexing"]:
            time.sleep(1)
        built = time.time() - began
        print(f"search: {rows} x {dimension} clustered, euclidean; loaded in {loaded:.0f} s, indexed after {built:.0f} s")
        ask = {"limit": 10, "include_vectors": False, "include_metadata": False}

        def ids(v, **params):
            return [r["id"] for r in node.call("POST", "/collections/c/search", dict(ask, vector=v, params=params),
                                               connection=connection)["results"]]
        truth = [ids(v, exact=True) for v in held]
        print("  ef   recall@10   queries/s      p50      p99")
        for ef in (16, 32, 64, 128, 256):
            hit = sum(len(set(ids(v, ef=ef)) & set(t)) for v, t in zip(held, truth))
            bodies = ",".join(json.dumps(json.dumps(dict(ask, vector=v, params={"ef": ef}))) for v in held[:100])
            script = lua('wrk.method = "POST"\nlocal b = {' + bodies.replace("\\/", "/") + '}\nlocal n = 0\n'
                         'request = function() n = n % #b + 1 return wrk.format(nil, nil, nil, b[n]) end\n')
            rate, p50, p99, errors = wrk(4, "/collections/c/search", script)
            print(f"{ef:4d} {hit / (10 * len(held)):11.4f} {rate:11.0f} {p50:>8} {p99:>8}   errors {errors}")
        node.stop()
        node.start()
        began = time.time()
        assert ids(held[0], exact=True) == truth[0]
        print(f"restart: ready after {node.seconds_to_ready:.2f} s, first answer {time.time() - began:.2f} s later "
              f"(target 1 s together)")
        node.stop()


def bench_collections():
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", ROOT)) as d:
        node = Node(d)
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        before, began, count = node.rss_mib(), time.time(), 10_000
        for i in range(count):
            node.call("POST", "/collections", json.dumps({"name": f"c{i}", "dimension": 8}), connection=connection)
        seconds = time.time() - began
        print(f"{count} empty collections: {count / seconds:.0f} created/s from one client (target 300), "
              f"RSS growth {node.rss_mib() - before:.0f} MiB (target 100)")
        node.stop()
        node.start()
        began = time.time()
        total = node.call("GET", "/status")["collections_count"]
        print(f"restart with {total} collections: ready after {node.seconds_to_ready:.2f} s, listed "
              f"{time.time() - began:.2f} s later (target 2 s)")
        node.stop()


if __name__ == "__main__":
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    parts = os.environ.get("PARTS", "health,writes,search,collections").split(",")
    for part in parts:
        globals()["bench_" + part]()
