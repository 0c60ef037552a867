#!/usr/bin/env python3
"""What a database per tenant costs (`hub.tenant_isolation: storage`) beside one for all (`collection`): memory of each tenant that
has written, writes by many tenants, and the start after a kill. HiveHub's part is played by the service secret alone.
`./waggle bench own_stores`."""
import json
import sys
import tempfile
import threading
import time
import pathlib
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "support"))
from mock_hub import MockHub  # noqa: E402
from node import Node  # noqa: E402

TENANTS, SECONDS, WRITERS, DIMENSION = 200, 5, 16, 64
SECRET = "bench-inbound-secret-0123456789abcdef"


def resident_kib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def open_files(node):
    return len(list(pathlib.Path(f"/proc/{node.process.pid}/fd").iterdir()))


def client_of(node, tenant):
    return node.client(headers={"x-hivehub-service": SECRET, "x-hivehub-user-id": tenant})


def start(directory, hub, mode):
    settings = hub.settings(**{"hub.tenant_isolation": mode, "hub.paths.get_user": "", "hub.paths.get_quota": "",
                               "hub.paths.report_usage": "", "rate_limiting.default_requests_per_minute": 10**9,
                               "rate_limiting.default_requests_per_hour": 10**9,
                               "rate_limiting.default_requests_per_day": 10**9})
    return Node(directory, settings, {**hub.environment, "HIVEHUB_INBOUND_SERVICE_SECRET": SECRET}).start()


def one_write(client, n):
    body = {"points": [{"id": str(n), "vector": [float(n % 97 + i) for i in range(DIMENSION)], "payload": {"n": n}}]}
    client.ok("PUT", "/collections/c/points", body)


def writes_per_second(node, tenants):
    done, stop = [0] * WRITERS, time.monotonic() + SECONDS

    def work(w):
        clients = [client_of(node, t) for t in tenants[w::WRITERS]]
        while time.monotonic() < stop:
            one_write(clients[done[w] % len(clients)], done[w])
            done[w] += 1

    threads = [threading.Thread(target=work, args=(w,)) for w in range(WRITERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sum(done) / SECONDS


def run(root, hub, mode):
    tenants = [str(uuid.uuid5(uuid.NAMESPACE_DNS, str(n))) for n in range(TENANTS)]
    node = start(root / mode, hub, mode)
    before, files = resident_kib(node), open_files(node)
    for tenant in tenants:
        client = client_of(node, tenant)
        client.ok("POST", "/collections", {"name": "c", "dimension": DIMENSION})
        one_write(client, 0)
        client.close()
    files_each = (open_files(node) - files) / TENANTS
    each = (resident_kib(node) - before) / TENANTS
    few, many = writes_per_second(node, tenants[:WRITERS]), writes_per_second(node, tenants)
    node.kill9()
    began = time.monotonic()
    node.start(600)
    killed = time.monotonic() - began
    node.stop()
    began = time.monotonic()
    node.start(600)
    print(json.dumps({"mode": mode, "tenants": TENANTS, "kib_per_tenant": round(each),
                      "files_per_tenant": round(files_each, 1), "writes_per_s_16_tenants": round(few),
                      f"writes_per_s_{TENANTS}_tenants": round(many), "start_after_kill_s": round(killed, 2),
                      "start_after_stop_s": round(time.monotonic() - began, 2)}))
    node.stop()


def main():
    with tempfile.TemporaryDirectory() as root, MockHub() as hub:
        for mode in ("collection", "storage"):
            run(pathlib.Path(root), hub, mode)


if __name__ == "__main__":
    main()
