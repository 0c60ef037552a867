"""What one writer knows of the database: its own collections, and its part of the shared ones.

Worlds are values: an operation makes a new one. So "the write happened" and "the write did not happen" are two worlds,
and a node that was killed in the middle of it must show one of them, never something in between.

Points are kept by key: the point id; `?<nonce>` for a point whose id the server chose; `doc:<id>` for all chunks of one
text. Every payload carries t (writer), g (group), n (nonce, unique per write).
"""
import json
from dataclasses import dataclass, field, replace
from typing import Optional

DIMENSION = 8


@dataclass(frozen=True)
class Value:
    payload: str                     # canonical JSON
    vector: Optional[tuple] = None   # None: the node's embedding
    id: Optional[str] = None         # of a `?` key, once known
    text: Optional[str] = None       # of a `doc:` key: the whole text
    chunks: Optional[tuple] = None   # of a `doc:` key: chunk ids, once known

    def matches(self, seen):
        if self.payload != seen.payload or (self.vector is not None and self.vector != seen.vector):
            return False
        if self.id is not None and self.id != seen.id:
            return False
        if self.text is None:
            return seen.chunks is None
        return seen.chunks is not None and (self.chunks is None or self.chunks == seen.chunks) and (
            self.text.startswith(seen.text[0]) and self.text.endswith(seen.text[1]))


@dataclass(frozen=True)
class Collection:
    points: dict = field(default_factory=dict)
    snapshots: dict = field(default_factory=dict)  # id → points; "?" for one whose id is not known

    def with_points(self, changes):
        """`changes`: key → Value, or None to delete."""
        points = dict(self.points)
        for key, value in changes.items():
            if value is None:
                points.pop(key, None)
            else:
                points[key] = value
        return replace(self, points=points)


def canonical(payload):
    return json.dumps(payload, sort_keys=True, ensure_ascii=False)


def shard_of(key, shards):
    """Placement of a point: FNV-1a 64 of its id up to '#'. It reaches the disk, so it never changes."""
    if shards <= 1:
        return 0
    text = key[4:] if key.startswith("doc:") else key
    state = 0xCBF29CE484222325
    for byte in text.split("#")[0].encode():
        state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return ((state ^ state >> 32) & 0xFFFFFFFFFFFFFFFF) % shards


# ---- what a node shows ----------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """One collection as a node lists it."""
    id: str
    count: int
    snapshots: list
    ids: list                # every point id, in listed order
    versions: dict           # point id → version
    parts: dict              # writer → key → Value
    raw: dict                # point id → (vector, payload)


def read_collection(client, info):
    name = info["name"]
    points, cursor = [], None
    while True:
        path = f"/collections/{name}/vectors?limit=1000" + (f"&cursor={cursor}" if cursor else "")
        page = client.ok("GET", path)
        points += page["vectors"]
        assert page["total"] == info["vector_count"], (name, page["total"], info["vector_count"])
        cursor = page.get("next_cursor")
        if not cursor:
            break
    ids = [p["id"] for p in points]
    assert ids == sorted(set(ids), key=str.encode), f"{name}: not in id order, or listed twice: {ids}"
    parts, documents = {}, {}
    for p in points:
        payload, writer = p["payload"], p["payload"]["t"]
        part = parts.setdefault(writer, {})
        if "parent_id" in payload:
            documents.setdefault((writer, payload["parent_id"]), []).append(p)
        elif p["id"].startswith(f"t{writer}-"):
            part[p["id"]] = Value(canonical(payload), tuple(p["vector"]))
        else:
            part[f"?{payload['n']}"] = Value(canonical(payload), tuple(p["vector"]), id=p["id"])
    for (writer, parent), chunks in documents.items():
        parts[writer][f"doc:{parent}"] = read_document(parent, chunks)
    snapshots = [s["id"] for s in client.ok("GET", f"/collections/{name}/snapshots")["snapshots"]]
    # One that was deleted and made again has its old id.
    id = f"{info['collection_id']} {info['created_at']}"
    return Seen(id, info["vector_count"], snapshots, ids, {p["id"]: p["version"] for p in points},
                parts, {p["id"]: (p["vector"], p["payload"]) for p in points})


def read_document(parent, chunks):
    """All chunks of one text as one value; they must belong together and be complete from 0 on."""
    chunks.sort(key=lambda p: p["payload"]["chunk_index"])
    assert [p["payload"]["chunk_index"] for p in chunks] == list(range(len(chunks))), f"{parent}: {chunks}"
    assert [p["id"] for p in chunks] == [f"{parent}#{i}" for i in range(len(chunks))], f"{parent}: {chunks}"
    own = ("content", "file_path", "chunk_index", "parent_id")
    rest = {canonical({k: v for k, v in p["payload"].items() if k not in own}) for p in chunks}
    assert len(rest) == 1, f"chunks of different writes under one text: {rest}"
    ends = (chunks[0]["payload"]["content"], chunks[-1]["payload"]["content"])
    return Value(rest.pop(), text=ends, chunks=tuple(p["id"] for p in chunks))


def read_all(client):
    """name → Seen, of every collection."""
    listing = client.ok("GET", "/collections")
    assert listing["total"] == len(listing["collections"]), listing["total"]
    seen = {info["name"]: read_collection(client, info) for info in listing["collections"]}
    for info in listing["collections"]:
        assert info["vector_count"] == len(seen[info["name"]].ids), info["name"]
    return seen


# ---- comparing ------------------------------------------------------------------------------------------------------


def adopt(expected, seen):
    """The expected value with what only the node knew (ids)."""
    return replace(expected, id=seen.id, chunks=seen.chunks) if expected.text else replace(expected, id=seen.id)


def compare_points(where, expected, seen):
    """(points with ids filled in, differences)"""
    wrong, known = [], {}
    for key in sorted(expected.keys() | seen.keys()):
        if key not in seen:
            wrong.append(f"{where}: {key} is missing: {expected[key]}")
        elif key not in expected:
            wrong.append(f"{where}: {key} must not be there: {seen[key]}")
        elif not expected[key].matches(seen[key]):
            wrong.append(f"{where}: {key} is {seen[key]}, not {expected[key]}")
        else:
            known[key] = adopt(expected[key], seen[key])
    return known, wrong


def compare_world(writer, expected, seen, own_prefix):
    """(world with ids filled in, differences) of one writer."""
    wrong, known = [], {}
    for name in sorted(n for n in seen if n.startswith(own_prefix) and n not in expected):
        wrong.append(f"collection {name} must not be there")
    for name, collection in expected.items():
        if name not in seen:
            wrong.append(f"collection {name} is missing")
            continue
        points, differences = compare_points(name, collection.points, seen[name].parts.get(writer, {}))
        wrong += differences
        snapshots, differences = compare_snapshots(name, collection.snapshots, seen[name].snapshots,
                                                   owned=name.startswith(own_prefix))
        wrong += differences
        known[name] = Collection(points, snapshots)
    return known, wrong


def compare_snapshots(name, expected, seen, owned):
    if not owned:
        return {}, []
    unknown = [s for s in seen if s not in expected]
    missing = [s for s in expected if s != "?" and s not in seen]
    if missing or len(unknown) != ("?" in expected):
        return {}, [f"{name}: snapshots {seen}, expected {list(expected)}"]
    return {unknown[0] if s == "?" else s: points for s, points in expected.items()}, []


def between(before, after, name, shards, seen_part):
    """The world in which each shard of `name` shows `before` or `after`, as seen; differences when a shard shows neither."""
    mixed, wrong = {}, []
    old, new = before[name].points, after[name].points
    for shard in range(shards):
        def here(points):
            return {k: v for k, v in points.items() if shard_of(k, shards) == shard}
        options = [compare_points(f"{name}/{shard}", here(points), here(seen_part)) for points in (new, old)]
        chosen = next((known for known, differences in options if not differences), None)
        if chosen is None:
            wrong += options[0][1] + ["or"] + options[1][1]
        else:
            mixed.update(chosen)
    return {**before, name: Collection(mixed, before[name].snapshots)}, wrong
