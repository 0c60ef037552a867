"""kill -9 at random moments of a mixed workload; then everything acknowledged is there, and nothing is half done.

WAGGLE_SEED repeats the choices of a run (not its timing); WAGGLE_KILL_ROUNDS changes the number of rounds per data
directory.
"""
import os
import random
import time

import pytest

from world import between, compare_world, read_all
from writer import DIMENSION, SHARED, Writer

SEED = int(os.environ.get("WAGGLE_SEED", time.time_ns() % 1_000_000))
ROUNDS = int(os.environ.get("WAGGLE_KILL_ROUNDS", 26))
DIRECTORIES = 8  # × ROUNDS = kills of the suite
WRITERS = 3


class Run:
    def __init__(self, node, seed):
        self.node = node
        self.random = random.Random(seed)
        self.writers = [Writer(number, seed) for number in range(WRITERS)]
        self.versions = {}  # collection id → point id → version when last seen
        self.retried = self.undecided = 0

    def create_shared(self):
        self.node.start()
        client = self.node.client()
        for name, shards in SHARED.items():
            client.ok("POST", "/collections", {"name": name, "dimension": DIMENSION, "sharding": {"shard_count": shards},
                                               "metric": "cosine" if shards == 1 else "euclidean"})

    def work_and_kill(self):
        self.writers = [w.next_round(self.node.port) for w in self.writers]
        for w in self.writers:
            w.start()
        time.sleep(self.random.uniform(0.02, 0.3))
        self.node.kill9()
        for w in self.writers:
            w.join(60)
            assert not w.is_alive()
        problems = [w.problem for w in self.writers if w.problem]
        assert not problems, "\n".join(problems)

    def start_again(self):
        """Sometimes the node is killed once more while it recovers."""
        while self.random.random() < 0.15:
            self.node.spawn()
            time.sleep(self.random.uniform(0, 0.08))
            self.node.kill9()
        self.node.start()

    # ---- checks ----

    def settle(self, client):
        """Every writer's world is what the node shows: with or without the write whose answer never came."""
        seen = read_all(client)
        for w in self.writers:
            self.settle_writer(w, seen)
        self.check_versions(seen)
        return seen

    def settle_writer(self, w, seen):
        worlds = {"not done": w.world} if w.pending is None else {"done": w.pending.after, "not done": w.world}
        w.state = "not done"
        faults = []
        for w.state, expected in worlds.items():
            known, wrong = compare_world(w.number, expected, seen, w.own_prefix)
            if not wrong:
                # A write may lead to the world it came from (restoring what is there): then nobody can tell.
                if w.state == "done" and not compare_world(w.number, w.world, seen, w.own_prefix)[1]:
                    w.state = "done or not done"
                w.world = known
                return
            faults.append(wrong)
        if w.pending is not None and w.pending.split_over:
            name = w.pending.split_over
            mixed, wrong = between(w.world, w.pending.after, name, SHARED[name], seen[name].parts.get(w.number, {}))
            known, more = compare_world(w.number, mixed, seen, w.own_prefix)
            if not wrong and not more:
                w.world, w.state = known, "done in some shards"
                return
        step = f"{w.pending.what} {w.pending.method} {w.pending.path} {w.pending.body}" if w.pending else "none"
        text = "\n-- or --\n".join("\n".join(f) for f in faults)
        pytest.fail(f"writer {w.number}, under way at the kill: {step}\n{text}{self.story()}")

    def check_versions(self, seen):
        """A version never goes back."""
        for name, collection in seen.items():
            known = self.versions.setdefault(collection.id, {})
            for id, version in collection.versions.items():
                assert version >= known.get(id, 0), f"{name}/{id}: version {known[id]} became {version}"
            known.update(collection.versions)

    def check_searches(self, client, seen):
        for name, collection in seen.items():
            if not collection.ids:
                continue
            probe = self.random.choice(collection.ids)
            vector, payload = collection.raw[probe]
            found = client.ok("POST", f"/collections/{name}/search",
                              {"vector": vector, "limit": 1000, "params": {"exact": True}, "include_vectors": False})
            results = found["results"]
            assert sorted(r["id"] for r in results) == sorted(collection.ids), f"{name}: search and list differ"
            scores = [r["score"] for r in results]
            assert scores == sorted(scores, reverse=True)
            for r in results:
                assert r["payload"] == collection.raw[r["id"]][1], f"{name}/{r['id']}"
            near = client.ok("POST", f"/collections/{name}/search", {"vector": vector, "limit": 5})
            assert {r["id"] for r in near["results"]} <= set(collection.ids)
            if "content" in payload and payload.get("chunk_index", 0) == 0:
                word = f"w{payload['n']}"  # begins this text and no other
                text = client.ok("POST", f"/collections/{name}/search/text", {"query": word, "limit": 1})
                assert [r["id"] for r in text["results"]] == [probe], f"{name}: {word!r} finds {text['results']}"

    def retry(self, client, seen):
        """The same request ids again: what was under way is now done, exactly once; what was acknowledged stays."""
        for w in self.writers:
            # Left to 14_request_ids.http: inserts into a collection that has gone since, and filters that match others now.
            gone = w.pending and w.pending.what in ("drop", "rename") and w.state != "not done"
            if w.last_acked and not gone and "filter" not in str(w.last_acked.body) and self.random.random() < 0.5:
                answer = w.send(w.last_acked, client)
                assert answer.status < 500, f"repeated {w.last_acked.what}: {answer!r}"
        different = self.differences(seen, read_all(client))
        assert not different, "repeating acknowledged requests changed something:\n" + "\n".join(different) + self.story()
        tried = []
        for w in self.writers:
            if w.pending is None or self.random.random() < 0.3:
                continue
            step, answer = w.pending, w.send(w.pending, client)
            # What was done is not counted again in every answer (delete_by_filter): there the worlds decide.
            fine = not w.judge(step, answer) if w.state == "not done" else (
                answer.status in step.statuses + step.repeated_statuses)
            assert fine, f"repeated {step.what} (it was {w.state}): {answer!r}{self.story()}"
            learned = step.learn(answer.json(), step.after) if step.learn else step.after
            tried.append((w, learned))
            self.retried += 1
        if not tried:
            return
        now = read_all(client)
        for w, learned in tried:
            known, wrong = compare_world(w.number, learned, now, w.own_prefix)
            assert not wrong, f"after repeating {w.pending.what}:\n" + "\n".join(wrong) + self.story()
            w.world = known
            if w.state == "done":
                twice = self.differences(seen, now, w.number)
                assert not twice, f"{w.pending.what} was done twice:\n" + "\n".join(twice) + self.story()
        self.check_versions(now)

    @staticmethod
    def differences(before, after, writer=None):
        """Collections and points whose version is not what it was, as sentences; of one writer, or of all."""
        found = []
        for name in before.keys() | after.keys():
            if name not in before or name not in after:
                if writer is None:
                    found.append(f"collection {name} {'came' if name in after else 'went'}")
                continue
            old, new = before[name], after[name]
            for id in old.versions.keys() | new.versions.keys():
                owner = (new if id in new.raw else old).raw[id][1]["t"]
                if writer in (None, owner) and old.versions.get(id) != new.versions.get(id):
                    found.append(f"{name}/{id}: version {old.versions.get(id)} became {new.versions.get(id)}")
        return found

    def story(self):
        """What each writer did around the kill, for the reader of a failure."""
        lines = [""]
        for w in self.writers:
            for role, step in (("acknowledged", w.last_acked), ("under way", w.pending)):
                if step:
                    lines.append(f"writer {w.number}, {role}: {step.what} {step.method} {step.path} "
                                 f"{str(step.body)[:300]} [{step.request_id}]")
            lines.append(f"writer {w.number}: what was under way was {w.state}")
        return "\n".join(lines)

    def round(self):
        self.work_and_kill()
        self.undecided += sum(w.pending is not None for w in self.writers)
        self.start_again()
        client = self.node.client()
        seen = self.settle(client)
        self.check_searches(client, seen)
        self.retry(client, seen)
        for w in self.writers:
            w.pending = None


@pytest.mark.parametrize("directory", range(DIRECTORIES))
def test_kill(make_node, directory):
    seed = SEED + directory
    print(f"seed {seed} (WAGGLE_SEED={SEED})")
    node = make_node()
    run = Run(node, seed)
    run.create_shared()
    for number in range(ROUNDS):
        try:
            run.round()
        except BaseException:
            print(f"in round {number}")
            raise
    acked = sum(w.acked for w in run.writers)
    print(f"{ROUNDS} kills, {acked} acknowledged writes, {run.undecided} under way at a kill, {run.retried} repeated")
    assert acked > ROUNDS * WRITERS, "the workload hardly ran"
    assert run.undecided > 0 and run.retried > 0
    assert node.stop() == 0
