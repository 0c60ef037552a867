#!/usr/bin/env python3
"""What tenancy costs, and what neighbours cost each other: the same search standalone and in cluster mode (keys, permissions,
limits, quotas, metering, audit), then a quiet tenant alone and beside one that floods. HiveHub's part is played by mock-hub.
`./waggle bench tenants`."""
import http.client
import json
import os
import random
import subprocess
import threading
import time

from support.harness import PORT, SECONDS, Node, data_directory, program

ROWS, DIMENSION, ROUNDS, QUIET_PER_SECOND = 20_000, 64, 3, 100
FLOOD_BEGINS = 1.0  # the load makes its connections and its requests; the quiet tenant comes after that, and goes before it ends
SERVICE_KEY = "bench-service-key"
KEYS = {"acme": "hh_test_00000000000000000000000000000001", "birch": "hh_test_00000000000000000000000000000003"}
LIMITS = {"rate_limiting.default_requests_per_minute": 10**9, "rate_limiting.default_requests_per_hour": 10**9,
          "rate_limiting.default_requests_per_day": 10**9, "quotas.defaults.vector_count": 10**9,
          "quotas.defaults.storage_bytes": 2**40, "hub.paths.get_quota": ""}
HUB = {"HIVEHUB_SERVICE_API_KEY": SERVICE_KEY}


def vector(rng):
    return [round(rng.gauss(0, 1), 3) for _ in range(DIMENSION)]


def search_script(limit):
    rng = random.Random(2)
    bodies = ",".join(f"[[{json.dumps({'vector': vector(rng), 'limit': limit})}]]" for _ in range(50))
    return ("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n"
            f"local bodies = {{{bodies}}}\nlocal n = 0\n"
            "request = function() n = n + 1 return wrk.format(nil, nil, nil, bodies[n % 50 + 1]) end\n")


def flood_script():
    """Searches for a thousand results, and every eighth time a batch of a hundred points for another collection."""
    rng = random.Random(6)
    batches = ",".join("[[" + json.dumps({"points": [{"id": f"{b}-{i}", "vector": vector(rng)} for i in range(100)]}) + "]]"
                       for b in range(20))
    return search_script(1000) + (
        f"local batches = {{{batches}}}\nlocal search = request\nlocal m = 0\n"
        "request = function() m = m + 1\n if m % 8 > 0 then return search() end\n"
        " return wrk.format('PUT', '/collections/bulk/points', nil, batches[m / 8 % 20 + 1]) end\n")


def key(who):
    return {"X-API-Key": KEYS[who]} if who else {}


def fill(node, who):
    rng = random.Random(1)
    node.call("POST", "/collections", {"name": "c", "dimension": DIMENSION}, headers=key(who))
    for at in range(0, ROWS, 1000):
        points = [{"id": str(i), "vector": vector(rng)} for i in range(at, at + 1000)]
        node.call("PUT", "/collections/c/points", {"points": points}, headers=key(who))
    while not node.call("POST", "/collections/c/force-save", headers=key(who))["flushed"]:
        pass


def median(values):
    return sorted(values)[len(values) // 2]


def mode(directory, hub_url, cores="0"):
    if not hub_url:
        return Node(directory, cores=cores)
    settings = [f"{k}={v}" for k, v in {"hub.enabled": "true", "hub.api_url": hub_url, **LIMITS}.items()]
    return Node(directory, *settings, cores=cores, environment=HUB, headers=key("acme"))


def overhead(root, hub_url):
    modes = {"standalone": None, "cluster mode": hub_url}
    for name, url in modes.items():
        with mode(f"{root}/{name}", url) as node:
            fill(node, "acme" if url else None)
    print(f"search, {ROWS} x {DIMENSION}, 10 results, one core (medians of {ROUNDS})\n"
          "               16 connections/s   p50 of 1 connection   node cpu us")
    rates = {}
    for _ in range(ROUNDS):
        for name, url in modes.items():
            with mode(f"{root}/{name}", url) as node:
                many, one = (node.load(n, "/collections/c/search", search_script(10)) for n in (16, 1))
                assert not many.errors and not one.errors
                rates.setdefault(name, []).append((many.rate, one.p50, many.cpu_us))
    for name, figures in rates.items():
        print(f"{name:14s} {median([f[0] for f in figures]):16.0f} {median([f[1] for f in figures]):>21} "
              f"{median([f[2] for f in figures]):13.1f}")
    base, ours = (median([f[0] for f in rates[name]]) for name in modes)
    print(f"cluster mode answers {100 * (1 - ours / base):.1f} % fewer (target: at most 3 %)")


class Quiet(threading.Thread):
    """A hundred searches a second, each at its time whether or not the last one was answered late."""

    def __init__(self, after=0.0):
        super().__init__()
        self.after, self.times = after, []
        self.start()

    def run(self):
        time.sleep(self.after)
        rng = random.Random(3)
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        began = time.perf_counter()
        for i in range(int(QUIET_PER_SECOND * (SECONDS - FLOOD_BEGINS - 0.2))):
            due = began + i / QUIET_PER_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.request("POST", "/collections/c/search", json.dumps({"vector": vector(rng), "limit": 10}), key("birch"))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            self.times.append(time.perf_counter() - due)

    def p99_ms(self):
        self.join()
        return 1000 * sorted(self.times)[len(self.times) * 99 // 100]


def neighbours(root, hub_url):
    with mode(f"{root}/shared", hub_url) as node:
        for who in KEYS:
            fill(node, who)
        node.call("POST", "/collections", {"name": "bulk", "dimension": DIMENSION}, headers=key("acme"))

        def flood():
            load = node.load(64, "/collections/c/search", flood_script())
            assert not load.errors
            return load
        quiet_alone, flood_alone = [], []
        beside = []
        for _ in range(ROUNDS):
            quiet_alone.append(Quiet().p99_ms())
            flood_alone.append(flood().rate)
            quiet = Quiet(after=FLOOD_BEGINS)
            busy = flood().rate
            beside.append((quiet.p99_ms(), busy))
    alone, flooded = median(quiet_alone), median([b[0] for b in beside])
    share = median([b[1] for b in beside]) / median(flood_alone)
    print(f"\na tenant with {QUIET_PER_SECOND} searches/s: p99 {alone:.2f} ms alone, {flooded:.2f} ms beside 64 connections of another's "
          f"heaviest searches and batch inserts ({flooded / alone:.1f} x, target 2 x)\n"
          f"the other: {median(flood_alone):.0f}/s alone, {100 * share:.0f} % of that beside (target 80 %)")


def main():
    os.sched_setaffinity(0, {1})  # the node has core 0 to itself
    hub = subprocess.Popen([program("mock-hub/mock-hub"), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--seed-file",
                            "tools/mock-hub/example.yml", "--rng-seed", "1", "--service-key", SERVICE_KEY],
                           stdout=subprocess.PIPE, text=True)
    try:
        url = hub.stdout.readline().split()[3].rstrip(",")
        with data_directory() as root:
            overhead(root, url)
            neighbours(root, url)
    finally:
        hub.terminate()
        hub.wait()


if __name__ == "__main__":
    main()
