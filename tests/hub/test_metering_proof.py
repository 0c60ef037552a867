"""A hundred thousand mixed operations of many clients, with kill -9 of the node and faults of HiveHub all the way: what HiveHub is
told is what the ledger says, and what the ledger says of writes is what the clients know was done, to the unit."""
import json
import random
import threading
import time

from client import Disconnected
from test_usage_reports import COUNTERS, report_all, stats, told_of

OPERATIONS = 100_000
CLIENTS = 8
KILLS = 5


class Writer(threading.Thread):
    """One client with a collection of its own: it knows what it holds. A write whose answer was lost is repeated under its id."""

    def __init__(self, world, who, number, share):
        super().__init__()
        self.world, self.who, self.name, self.share = world, who, f"c{number}", share
        self.rng = random.Random(number)
        self.held = {}
        self.done = dict.fromkeys(COUNTERS, 0)
        self.operations = 0
        self.requests = 0
        self.failed = None

    def send(self, method, path, body, repeat=True):
        """Until it is answered, whatever happens to the node."""
        self.requests += 1
        id = f"{self.name}-{self.requests}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                answer = self.client.request(method, path, body, headers={"X-Waggle-Request-Id": id} if repeat else None)
                if answer.status == 200:
                    return answer.json()
                assert answer.status in (429, 503), answer
            except (Disconnected, OSError):
                if not repeat:
                    return None
            time.sleep(0.05)
            if self.world.node.port:  # another one after each start
                self.client = self.world.client(self.who)
        raise AssertionError("the node never came back")

    def run(self):
        try:
            self.client = self.world.client(self.who)
            self.send("POST", "/collections", {"name": self.name, "dimension": 2})
            self.done["collections_created"] += 1
            while self.operations < self.share:
                self.step()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.failed = error

    def step(self):
        ids = [str(n) for n in self.rng.sample(range(400), self.rng.randrange(10, 40))]
        self.operations += len(ids)
        what = self.rng.randrange(5)
        if what == 0:
            self.send("POST", "/batch_delete", {"collection": self.name, "ids": ids})
            self.done["vectors_deleted"] += sum(self.held.pop(id, None) is not None for id in ids)
        elif what == 1:
            queries = [{"vector": [1, 0], "limit": 1} for _ in ids]
            self.send("POST", "/batch_search", {"collection": self.name, "queries": queries}, repeat=False)
        else:
            points = [{"id": id, "vector": [1, 0], "payload": {"x": "y" * self.rng.randrange(20)}} for id in ids]
            self.send("PUT", f"/collections/{self.name}/points", {"points": points})
            self.done["vectors_inserted"] += sum(id not in self.held for id in ids)
            for point in points:
                payload = json.dumps(point["payload"], separators=(",", ":"))
                self.held[point["id"]] = 4 * 2 + len(point["id"]) + len(payload)


def test_the_bill_is_right_to_the_unit(start_world):
    world = start_world(**{"hub.usage_report_interval": "10"})
    rng = random.Random(7)
    writers = [Writer(world, ("acme", "birch")[n % 2], n, OPERATIONS // CLIENTS) for n in range(CLIENTS)]
    for writer in writers:
        writer.start()
    kills = 0
    while any(writer.is_alive() for writer in writers):
        time.sleep(rng.uniform(0.5, 1.5))
        world.hub.heal()
        fault = rng.choice([None, {"kind": "status", "status": 503, "probability": .5}, {"kind": "duplicate"}, {"kind": "reset", "when": "after"}])
        if fault:
            world.hub.fault(operation="report_usage", **fault)
        progress = sum(writer.operations for writer in writers)
        if kills < KILLS and progress > OPERATIONS * kills / KILLS:
            world.node.kill9()
            world.node.start()
            kills += 1
    failed = [writer.failed for writer in writers if writer.failed]
    assert not failed, failed[0]
    assert kills >= KILLS - 1 and sum(writer.operations for writer in writers) >= OPERATIONS
    world.hub.heal()
    counted = {who: stats(world.client(who)) for who in ("acme", "birch")}
    report_all(world)
    for who in ("acme", "birch"):
        told, mine = told_of(world, who), [writer for writer in writers if writer.who == who]
        assert {name: told["totals"].get(name, 0) for name in COUNTERS} == {name: counted[who][name] for name in COUNTERS}
        assert (told["overlaps"], told["gaps"], told["altered"]) == (0, [], 0)
        for name in ("vectors_inserted", "vectors_deleted", "collections_created"):
            assert counted[who][name] == sum(writer.done[name] for writer in mine), name
        held = [bytes for writer in mine for bytes in writer.held.values()]
        assert counted[who]["total_vectors"] == len(held) and counted[who]["total_storage"] == sum(held)
        assert counted[who]["storage_added"] - counted[who]["storage_freed"] == sum(held)
