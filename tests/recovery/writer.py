"""A client thread that makes up writes and keeps the book of what must be in the database."""
import json
import random
import threading
from dataclasses import dataclass
from typing import Callable, Optional

from client import Client, Disconnected
from world import DIMENSION, Collection, Value, canonical

SHARED = {"shared-a": 1, "shared-b": 3}  # name → shards
KEYS_MAX = 60
OWN_MAX = 3
WORDS = "hive comb wax queen drone nectar pollen meadow clover linden heather smoke frame brood swarm scout".split()


@dataclass
class Step:
    """One request and the world it leads to."""
    what: str
    method: str
    path: str
    body: Optional[dict]
    after: dict
    statuses: tuple = (200,)
    repeated_statuses: tuple = ()           # also fine when the request is sent again after it was done
    check: Optional[Callable] = None        # answer → fault or None
    learn: Optional[Callable] = None        # (answer, world) → world with the ids the answer names
    split_over: Optional[str] = None        # collection whose shards take their part of the write one by one
    request_id: str = ""


class Writer(threading.Thread):
    """`begin_round` before each start of the node; `pending` afterwards is the step whose answer never came."""

    def __init__(self, number, seed):
        super().__init__(daemon=True)
        self.number = number
        self.random = random.Random(seed * 100 + number)
        self.world = {name: Collection() for name in SHARED}
        self.serial = 0
        self.acked = 0
        self.refused = 0
        self.pending = self.last_acked = self.problem = None
        self.state = "not done"  # what became of `pending`, once the node was asked
        self.own_prefix = f"own-{number}-"
        self.client = None
        self.enough = threading.Event()

    def next_round(self, port):
        """A fresh thread with the same book."""
        again = Writer(self.number, 0)
        again.__dict__.update({k: self.__dict__[k] for k in ("random", "world", "serial", "acked", "refused")})
        again.client = Client(port)
        return again

    def run(self):
        try:
            while not self.enough.is_set() and not self.problem:
                self.one_step()
        except Disconnected:
            pass  # `pending` says whether a write was under way
        except Exception as error:  # a fault of the test must not look like a quiet thread
            self.problem = f"{type(error).__name__}: {error}"
        finally:
            self.client.close()

    def one_step(self):
        step = self.choose()
        if step is None:
            return
        step.request_id = f"w{self.number}-{self.serial}-{self.random.getrandbits(48):x}"
        self.pending = step
        answer = self.send(step)
        fault = self.judge(step, answer)
        if fault:
            self.problem = f"{step.what}: {step.method} {step.path} {step.body}: {fault}: {answer!r}"
            return
        self.world = step.learn(answer.json(), step.after) if step.learn else step.after
        self.pending, self.last_acked = None, step
        self.acked += 1

    def send(self, step, client=None):
        headers = {"X-Waggle-Request-Id": step.request_id}
        return (client or self.client).request(step.method, step.path, step.body, headers)

    @staticmethod
    def judge(step, answer):
        if answer.status not in step.statuses:
            return f"status {answer.status}, expected {step.statuses}"
        return step.check(answer.json()) if step.check else None

    # ---- making things up ----

    def nonce(self):
        self.serial += 1
        return self.serial * 8 + self.number

    def payload(self, group=None):
        n = self.nonce()
        return {"t": self.number, "g": self.random.randrange(4) if group is None else group, "n": n}

    def vector(self, n):
        """Exact as 32-bit floats, and no two alike."""
        spread = [(n >> 3 & 255) / 4 + 1, (n >> 11 & 255) / 4 + 1, n % 8 + 1]
        return spread + [self.random.randrange(-40, 41) / 8 for _ in range(DIMENSION - 3)]

    def any_id(self, points):
        plain = [key for key in points if key.startswith("t")]
        if plain and (len(points) >= KEYS_MAX or self.random.random() < 0.4):
            return self.random.choice(plain)
        return f"t{self.number}-p{self.random.randrange(400)}"

    def known_id(self, points):
        plain = [key for key in points if key.startswith("t")]
        return self.random.choice(plain) if plain else None

    def any_collection(self, single_shard=False):
        names = [n for n in self.world if not (single_shard and SHARED.get(n, 1) > 1)]
        return self.random.choice(sorted(names))

    def point(self, id, group=None):
        payload = self.payload(group)
        vector = self.vector(payload["n"])
        return {"id": id, "vector": vector, "payload": payload}, Value(canonical(payload), tuple(vector))

    def changed(self, name, changes):
        return {**self.world, name: self.world[name].with_points(changes)}

    def split(self, name):
        return name if SHARED.get(name, 1) > 1 else None

    def choose(self):
        kinds = [
            (30, self.upsert_one), (18, self.upsert_batch), (5, self.insert_vectors), (3, self.insert_without_id),
            (10, self.update), (2, self.update_stale), (10, self.delete_one), (5, self.delete_batch),
            (5, self.delete_by_filter), (4, self.patch_by_filter), (6, self.insert_text), (4, self.insert_long_text),
            (3, self.insert_text_without_id), (3, self.insert_texts), (3, self.create), (2, self.drop),
            (2, self.rename), (3, self.snapshot), (2, self.restore), (2, self.force_save), (3, self.move),
        ]
        weights, makers = zip(*kinds)
        return self.random.choices(makers, weights)[0]()

    # ---- points ----

    def upsert_one(self):
        name = self.any_collection()
        body, value = self.point(self.any_id(self.world[name].points))
        return Step("upsert", "PUT", f"/collections/{name}/points", {"points": [body]},
                    self.changed(name, {body["id"]: value}))

    def upsert_batch(self):
        name = self.any_collection()
        bodies, changes = {}, {}
        for _ in range(self.random.randrange(2, 25)):
            body, value = self.point(self.any_id({**self.world[name].points, **changes}))
            bodies[body["id"]], changes[body["id"]] = body, value
        return Step("batch", "POST", f"/collections/{name}/points", {"points": list(bodies.values())},
                    self.changed(name, changes), split_over=self.split(name),
                    check=lambda a: None if a["inserted"] + a["updated"] == len(bodies) else "wrong count")

    def insert_vectors(self):
        """Items are independent: the one of another dimension fails alone."""
        name = self.any_collection()
        bodies, changes = {}, {}
        for _ in range(self.random.randrange(1, 8)):
            body, value = self.point(self.any_id({**self.world[name].points, **changes}))
            bodies[body["id"]], changes[body["id"]] = body, value
        items = list(bodies.values()) + [{"id": f"t{self.number}-bad", "vector": [1.0]}]
        return Step("insert_vectors", "POST", "/insert_vectors", {"collection": name, "vectors": items},
                    self.changed(name, changes), split_over=self.split(name),
                    check=lambda a: None if (a["inserted"], a["failed"]) == (len(bodies), 1) else "wrong counts")

    def insert_without_id(self):
        name = self.any_collection(single_shard=True)
        body, value = self.point("unused")
        del body["id"]
        key = f"?{body['payload']['n']}"
        return Step("insert without id", "POST", f"/collections/{name}/vectors", {"vectors": [body]},
                    self.changed(name, {key: value}),
                    learn=lambda a, w: self.with_id(w, name, key, a["results"][0]["id"]))

    @staticmethod
    def with_id(world, name, key, id):
        value = world[name].points[key]
        return {**world, name: world[name].with_points({key: Value(value.payload, value.vector, id=id)})}

    def update(self):
        name = self.any_collection()
        id = self.known_id(self.world[name].points)
        if not id:
            return None
        self.pending = None
        found = self.client.ok("GET", f"/collections/{name}/vectors/{id}")
        payload = self.payload()
        value = Value(canonical(payload), self.world[name].points[id].vector)
        return Step("update", "PUT", f"/collections/{name}/vectors/{id}",
                    {"payload": payload, "if_version": found["version"]}, self.changed(name, {id: value}))

    def update_stale(self):
        name = self.any_collection()
        id = self.known_id(self.world[name].points)
        if not id:
            return None
        self.refused += 1
        return Step("stale update", "PUT", f"/collections/{name}/vectors/{id}",
                    {"payload": self.payload(), "if_version": 2**63}, self.world, statuses=(412,))

    def delete_one(self):
        name = self.any_collection()
        id = self.known_id(self.world[name].points)
        if not id:
            return None
        return Step("delete", "DELETE", f"/collections/{name}/vectors/{id}", None, self.changed(name, {id: None}))

    def delete_batch(self):
        name = self.any_collection()
        plain = sorted(k for k in self.world[name].points if k.startswith("t"))
        ids = self.random.sample(plain, min(len(plain), self.random.randrange(1, 12)))
        if not ids:
            return None
        return Step("batch_delete", "POST", "/batch_delete",
                    {"collection": name, "ids": ids + [f"t{self.number}-never"]},
                    self.changed(name, {id: None for id in ids}), split_over=self.split(name),
                    check=lambda a: None if (a["deleted"], a["failed"]) == (len(ids), 1) else "wrong counts")

    def mine(self, group):
        return {"must": [{"key": "t", "match": {"value": self.number}}, {"key": "g", "match": {"value": group}}]}

    def in_group(self, name, group):
        found = f'"g": {group},'
        return [key for key, value in self.world[name].points.items() if found in value.payload]

    def points_of(self, name, keys):
        """How many points the keys stand for, or None when a text's chunks are not known."""
        counts = [1 if not key.startswith("doc:") else len(self.world[name].points[key].chunks or ()) for key in keys]
        return sum(counts) if all(counts) else None

    def delete_by_filter(self):
        name, group = self.any_collection(), self.random.randrange(4)
        gone = self.in_group(name, group)
        expected = self.points_of(name, gone)
        return Step("delete_by_filter", "POST", f"/collections/{name}/vectors/delete_by_filter",
                    {"filter": self.mine(group)}, self.changed(name, {key: None for key in gone}),
                    split_over=self.split(name),
                    check=lambda a: None if expected in (None, a["deleted"]) else f"deleted, expected {expected}")

    def patch_by_filter(self):
        name, group = self.any_collection(single_shard=True), self.random.randrange(4)
        mark, changes = self.nonce(), {}
        for key in self.in_group(name, group):
            old = self.world[name].points[key]
            payload = {**json.loads(old.payload), "mark": mark}
            changes[key] = Value(canonical(payload), old.vector, old.id, old.text, old.chunks)
        return Step("bulk_update_metadata", "POST", f"/collections/{name}/vectors/bulk_update_metadata",
                    {"filter": self.mine(group), "patch": {"mark": mark}}, self.changed(name, changes))

    # ---- texts ----

    def text(self, words, n):
        return " ".join([f"w{n}"] + self.random.choices(WORDS, k=words) + [f"end{n}"])

    def insert_text(self):
        name = self.any_collection()
        id, payload = f"t{self.number}-x{self.random.randrange(20)}", self.payload()
        text = self.text(self.random.randrange(3, 9), payload["n"])
        value = Value(canonical({"content": text, **payload}))
        # The same id may have been a long text before: its chunks go.
        return Step("insert text", "POST", "/insert", {"collection": name, "id": id, "text": text, "metadata": payload},
                    self.changed(name, {id: value, f"doc:{id}": None}))

    def insert_long_text(self):
        name = self.any_collection()
        id, payload = f"t{self.number}-x{self.random.randrange(20)}", self.payload()
        text = self.text(self.random.randrange(40, 120), payload["n"])
        key, value = f"doc:{id}", Value(canonical(payload), text=text)

        def learn(answer, world):
            known = Value(value.payload, text=text, chunks=tuple(answer["vector_ids"]))
            return {**world, name: world[name].with_points({key: known})}

        return Step("insert long text", "POST", "/insert",
                    {"collection": name, "id": id, "text": text, "metadata": payload, "chunk_size": 128,
                     "chunk_overlap": 16},
                    self.changed(name, {key: value, id: None}), learn=learn,
                    check=lambda a: None if a["chunked"] and a["vectors_created"] > 1 else "not chunked")

    def insert_text_without_id(self):
        name = self.any_collection(single_shard=True)
        payload = self.payload()
        text = self.text(5, payload["n"])
        key, value = f"?{payload['n']}", Value(canonical({"content": text, **payload}))
        return Step("insert text without id", "POST", "/insert",
                    {"collection": name, "text": text, "metadata": payload}, self.changed(name, {key: value}),
                    learn=lambda a, w: self.with_id(w, name, key, a["vector_ids"][0]))

    def insert_texts(self):
        name = self.any_collection(single_shard=True)
        texts, changes = [], {}
        for number in self.random.sample(range(20), self.random.randrange(1, 6)):
            id, payload = f"t{self.number}-x{number}", self.payload()
            text = self.text(5, payload["n"])
            texts.append({"id": id, "text": text, "metadata": payload})
            changes.update({id: Value(canonical({"content": text, **payload})), f"doc:{id}": None})
        return Step("insert_texts", "POST", "/insert_texts", {"collection": name, "texts": texts},
                    self.changed(name, changes),
                    check=lambda a: None if a["failed"] == 0 else "an item failed")

    # ---- collections ----

    def own(self):
        names = sorted(n for n in self.world if n.startswith(self.own_prefix))
        return self.random.choice(names) if names else None

    def create(self):
        if sum(n.startswith(self.own_prefix) for n in self.world) >= OWN_MAX:
            return None
        name = f"{self.own_prefix}{self.nonce()}"
        metric = self.random.choice(["cosine", "euclidean", "dot"])
        return Step("create", "POST", "/collections", {"name": name, "dimension": DIMENSION, "metric": metric},
                    {**self.world, name: Collection()})

    def drop(self):
        name = self.own()
        if not name:
            return None
        return Step("drop", "DELETE", f"/collections/{name}", None,
                    {n: c for n, c in self.world.items() if n != name}, repeated_statuses=(404,))

    def rename(self):
        name = self.own()
        if not name:
            return None
        new = f"{self.own_prefix}{self.nonce()}"
        after = {n: c for n, c in self.world.items() if n != name}
        after[new] = self.world[name]
        return Step("rename", "POST", f"/collections/{name}/rename", {"new_name": new}, after,
                    repeated_statuses=(404,))

    def snapshot(self):
        name = self.own()
        if not name or len(self.world[name].snapshots) >= 3:
            return None
        old = self.world[name]

        def having(id):
            return {**self.world, name: Collection(old.points, {**old.snapshots, id: old.points})}

        return Step("snapshot", "POST", f"/collections/{name}/snapshot", None, having("?"),
                    learn=lambda a, w: having(a["id"]))

    def restore(self):
        name = self.own()
        if not name or not self.world[name].snapshots:
            return None
        old = self.world[name]
        id = self.random.choice(sorted(old.snapshots))
        return Step("restore", "POST", f"/collections/{name}/snapshots/{id}/restore", None,
                    {**self.world, name: Collection(old.snapshots[id], old.snapshots)})

    def force_save(self):
        return Step("force-save", "POST", f"/collections/{self.any_collection()}/force-save", None, self.world)

    def move(self):
        source, target = self.own(), self.any_collection(single_shard=True)
        if not source or source == target:
            return None
        id = self.known_id(self.world[source].points)
        if not id:
            return None
        after = {**self.world, source: self.world[source].with_points({id: None}),
                 target: self.world[target].with_points({id: self.world[source].points[id]})}
        return Step("move", "POST", f"/collections/{source}/vectors/move", {"destination": target, "ids": [id]}, after,
                    check=lambda a: None if a["moved"] == 1 else "not moved")
