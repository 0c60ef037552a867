#!/usr/bin/env python3
"""Many tenants on one node in cluster mode: what one costs that sleeps, its first request, a restart; throughput when requests come
from one, from hundred and from ten thousand of them (Zipf); and how often HiveHub (mock-hub) is asked.
`./waggle bench many_tenants`; BENCH_TENANTS (100000) of 100 points each."""
import http.client
import json
import os
import random
import subprocess
import threading
import time
import uuid

from support.harness import Node, data_directory, program

TENANTS = int(os.environ.get("BENCH_TENANTS", "100000"))
POINTS, DIMENSION, FIRST_REQUESTS, KEYED = 100, 16, 2000, 100
SERVICE_KEY, SECRET = "bench-service-key", "inbound-secret-of-the-bench-0123456789"
SETTINGS = {"hub.enabled": "true", "hub.paths.get_quota": "", "hub.paths.get_user": "", "tenancy.idle_hibernate_seconds": 20,
            "rate_limiting.default_requests_per_minute": 10**9, "rate_limiting.default_requests_per_hour": 10**9,
            "rate_limiting.default_requests_per_day": 10**9, "metrics.tenant_labels": "none", "hub.usage_report_interval": 3600}
ENVIRONMENT = {"HIVEHUB_SERVICE_API_KEY": SERVICE_KEY, "HIVEHUB_INBOUND_SERVICE_SECRET": SECRET}
OPERATOR = {"x-hivehub-service": SECRET}


def tenant(n):
    return str(uuid.UUID(int=(0x77 << 120) | (0x4 << 76) | (0x8 << 60) | n))


def acting(n):
    return {"x-hivehub-service": SECRET, "x-hivehub-user-id": tenant(n), "Content-Type": "application/json"}


def in_threads(count, work):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def points_of(n):
    rng = random.Random(n)
    return {"points": [{"id": str(i), "vector": [round(rng.gauss(0, 1), 3) for _ in range(DIMENSION)]} for i in range(POINTS)]}


def fill(node):
    shared = json.dumps(points_of(0))  # what they hold is alike: only who holds it counts here
    writers = 16

    def work(first):
        connection = node.connect()
        for n in range(first, TENANTS, writers):
            node.call("POST", "/collections", {"name": "c", "dimension": DIMENSION}, connection=connection, headers=acting(n))
            node.call("PUT", "/collections/c/points", shared, connection=connection, headers=acting(n))

    began = time.time()
    in_threads(writers, work)
    print(f"{TENANTS} tenants with {POINTS} points of {DIMENSION} each, made in {time.time() - began:.0f} s")


def states(node):
    """How many of the first thousand sleep, and of how many."""
    listed = node.call("GET", "/cluster/tenants?limit=1000", headers=OPERATOR)["tenants"]
    return sum(t["state"] == "hibernated" for t in listed), len(listed)


def sleep_all(node):
    while True:
        asleep, of = states(node)
        if asleep == of:
            break
        time.sleep(1)
    time.sleep(45)  # timers of those who slept last, and idle accounts, go


def first_requests(node):
    rng, times = random.Random(4), []
    body = json.dumps({"vector": [0.5] * DIMENSION, "limit": 10})
    connection = node.connect()
    for n in rng.sample(range(TENANTS), min(TENANTS, FIRST_REQUESTS)):
        began = time.perf_counter()
        answer = node.call("POST", "/collections/c/search", body, connection=connection, headers=acting(n))
        times.append(1000 * (time.perf_counter() - began))
        assert len(answer["results"]) == 10
    times.sort()
    print(f"first search of a tenant that sleeps: p50 {times[len(times) // 2]:.2f} ms, p99 {times[len(times) * 99 // 100]:.2f} ms "
          "(target 5)")


def zipf_script(active):
    rng = random.Random(5)
    weights = [1 / (i + 1) for i in range(active)]
    chosen = ",".join(f"'{tenant(n)}'" for n in rng.choices(range(active), weights, k=20_000))
    body = json.dumps({"vector": [0.5] * DIMENSION, "limit": 10})
    return ("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n"
            f"local tenants = {{{chosen}}}\nlocal n = 0\nlocal body = [[{body}]]\n"
            "request = function() n = n + 1\n"
            f" return wrk.format(nil, nil, {{['x-hivehub-service'] = '{SECRET}', ['x-hivehub-user-id'] = tenants[n % 20000 + 1],"
            " ['Content-Type'] = 'application/json'}, body) end\n")


def zipf(node):
    print("searches/s, 16 connections, by active tenants (Zipf)")
    base = None
    for active in (1, 100, min(10_000, TENANTS)):
        node.load(16, "/collections/c/search", zipf_script(active), headers={})  # awake
        figures = sorted(node.load(16, "/collections/c/search", zipf_script(active), headers={}).rate for _ in range(3))
        base = base or figures[1]
        print(f"{active:8d} {figures[1]:10.0f}   {100 * (figures[1] / base - 1):+.1f} % (target: within 10 %)")


def hub_calls(node, control):
    """Steady traffic of keys, each validated by HiveHub."""
    def post(path, body):
        c = http.client.HTTPConnection("127.0.0.1", int(control), timeout=30)
        c.request("GET" if body is None else "POST", "/__mock" + path, None if body is None else json.dumps(body))
        return json.loads(c.getresponse().read())

    keys = [post("/keys", {"user_id": post("/users", {"name": f"t{n}"})["id"], "permissions": ["ADMIN"]})["key"] for n in range(KEYED)]
    chosen = ",".join(f"'{k}'" for k in keys)
    script = (f"local keys = {{{chosen}}}\nlocal n = 0\n"
              f"request = function() n = n + 1 return wrk.format('GET', nil, {{['X-API-Key'] = keys[n % {KEYED} + 1]}}) end\n")
    before = sum(post("/journal", None)["counts"].values())
    requests = 0
    for _ in range(3):
        load = node.load(16, "/collections", script, headers={})
        assert not load.errors
        requests += int(load.rate * float(os.environ.get("BENCH_SECONDS", "5")))
    calls = sum(post("/journal", None)["counts"].values()) - before
    print(f"{KEYED} tenants with keys: {requests} requests, {calls} calls to HiveHub: {100 * (1 - calls / requests):.3f} % fewer (target 99.9 %)")


def main():
    hub = subprocess.Popen([program("mock-hub/mock-hub"), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--rng-seed", "1",
                            "--service-key", SERVICE_KEY], stdout=subprocess.PIPE, text=True)
    try:
        words = hub.stdout.readline().replace(",", " ").split()
        url = words[3]
        control = words[-1].rsplit(":", 1)[1]
        settings = [f"{k}={v}" for k, v in {**SETTINGS, "hub.api_url": url}.items()]
        with data_directory() as root, Node(f"{root}/many", *settings, cores="0,1", environment=ENVIRONMENT, headers=OPERATOR) as node:
            empty = node.rss_mib()
            fill(node)
            full = node.rss_mib()
            sleep_all(node)
            asleep = node.rss_mib()
            print(f"RSS: {empty:.0f} MiB empty, {full:.0f} MiB after writing, {asleep:.0f} MiB when all sleep: "
                  f"{(asleep - empty) * 1024 / TENANTS:.2f} KiB each (target 8)")
            node.restart()
            print(f"restart: ready after {node.seconds_to_ready:.2f} s (target 10), RSS {node.rss_mib():.0f} MiB: "
                  f"{(node.rss_mib() - empty) * 1024 / TENANTS:.2f} KiB each")
            first_requests(node)
            node.stop()
            node.command[2] = "0"  # throughput on one core
            node.start()
            zipf(node)
            hub_calls(node, control)
    finally:
        hub.terminate()
        hub.wait()


if __name__ == "__main__":
    main()
