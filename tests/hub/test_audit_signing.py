"""Signed checkpoints: who can write the audit files, and has no key, can't make a chain that passes."""
import hashlib
import json
import subprocess

import pytest

from test_audit import ask, audit_dir, lines, verify


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Files with an Ed25519 private key, its public key, and another public key."""
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    directory = tmp_path_factory.mktemp("keys")
    own, other = directory / "own.pem", directory / "other.pem"
    for private in (own, other):
        openssl("genpkey", "-algorithm", "ed25519", "-out", private)
        private.chmod(0o600)
        openssl("pkey", "-in", private, "-pubout", "-out", private.with_suffix(".pub"))
    return own, own.with_suffix(".pub"), other.with_suffix(".pub")


def rehashed(records):
    """The lines of a chain that holds by itself: what an attacker makes of what they want it to say."""
    head, seq, out = None, None, []
    for record in records:
        record = {name: value for name, value in record.items() if name != "hash"}
        if head is not None:
            record["prev_hash"], record["seq"] = head, seq + 1
        if record["event"] == "chain.checkpoint":
            record["head"] = record["prev_hash"]
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        head, seq = hashlib.sha256((record["prev_hash"] + text).encode()).hexdigest(), record["seq"]
        out.append(json.dumps({**record, "hash": head}, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
    return "".join(out)


@pytest.fixture
def signed(start_world, keys):
    """(world, its one file): two lives of a node, each ended in peace, so that all of it is signed."""
    world = start_world(**{"audit.signing_key_file": str(keys[0])})
    for life in range(2):
        client = world.client("acme")
        for i in range(6):
            assert ask(client, f"{life}-{i}", "POST", "/collections", {"name": f"c{life}-{i}", "dimension": 2}).status == 200
        assert world.node.stop() == 0
        if life == 0:
            world.node.start()
    file, = audit_dir(world.node).iterdir()
    return world, file


def test_a_whole_chain_is_signed_to_its_end(signed, keys):
    world, file = signed
    own, public, other = keys
    code, verdict = verify("--dir", audit_dir(world.node), "--public-key", public)
    assert code == 0 and verdict["signed_seq"] == verdict["seq"] > 14, verdict
    assert verify("--file", file, "--public-key", public)[0] == 0
    code, verdict = verify("--dir", audit_dir(world.node), "--public-key", other)
    assert code == 1 and verdict["fault"]["line"] == 2 and "not signed" in verdict["fault"]["why"]
    for unusable in (own, file, file.parent / "none"):
        assert verify("--dir", audit_dir(world.node), "--public-key", unusable)[0] == 2


def test_tampering_is_found(signed, keys):
    world, file = signed
    good = file.read_text().splitlines(keepends=True)
    flipped = bytearray("".join(good).encode())
    flipped[len(flipped) // 2] ^= 1
    dropped = good[:7] + good[8:]
    reordered = good[:7] + [good[8], good[7]] + good[9:]
    for kind, content in (("flipped", bytes(flipped)), ("dropped", "".join(dropped).encode()),
                          ("reordered", "".join(reordered).encode())):
        file.write_bytes(content)
        code, verdict = verify("--dir", audit_dir(world.node), "--public-key", keys[1])
        assert code == 1 and verdict["fault"]["file"] == file.name, (kind, verdict)


def test_a_forged_chain_is_found_by_the_key_alone(signed, keys):
    world, file = signed
    where = ("--dir", audit_dir(world.node))
    records = [json.loads(line) for line in lines(world.node)]
    head = records[-1]["hash"]
    assert rehashed(records) == file.read_text(), "the forger writes lines as the node does"
    kept = [r for r in records if r.get("correlation_id") != "0-3"]
    changed = [{**r, "status": 403, "result": "denied"} if r.get("correlation_id") == "1-2" else r for r in records]
    unsigned = [{n: v for n, v in r.items() if n != "signature"} for r in changed]
    bare = [r for r in changed if r["event"] != "chain.checkpoint"]
    for forgery in (kept, changed, unsigned, bare):
        file.write_text(rehashed(forgery))
        assert verify(*where)[0] == 0  # it holds by itself
        code, verdict = verify(*where, "--public-key", keys[1])
        assert code == 1 and ("sign" in verdict["fault"]["why"]), verdict
        assert verify("--file", file, "--public-key", keys[1])[0] == 1
        assert verify(*where, "--anchor", head)[0] == 1
    # A tail that is cut at a checkpoint: every signature holds, and only who knows the end can tell.
    ends = [n for n, r in enumerate(records) if r["event"] == "chain.checkpoint"]
    file.write_text(rehashed(records[:ends[-2] + 1]))
    code, verdict = verify(*where, "--public-key", keys[1])
    assert code == 0 and verdict["signed_seq"] < records[-1]["seq"]
    assert verify(*where, "--public-key", keys[1], "--anchor", head)[0] == 1


def test_a_checkpoint_stands_after_each_thousand_records(start_world, keys):
    world = start_world(**{"audit.signing_key_file": str(keys[0])})
    client = world.client("acme")
    for _ in range(2300):
        assert client.get("/health").status == 200
    world.node.stop()
    file, = audit_dir(world.node).iterdir()
    records = [json.loads(line) for line in lines(world.node)]
    counts = [r["count"] for r in records if r["event"] == "chain.checkpoint"]
    # The node's first look at itself, before it is ready, is a record too.
    assert counts[:3] == [0, 1000, 1000] and 300 <= counts[3] < 400 and len(counts) == 4
    assert verify("--file", file, "--public-key", keys[1])[0] == 0
    # Without them nobody could tell since when: so they may not be missing.
    thinned = [r for r in records if not (r["event"] == "chain.checkpoint" and r["count"] == 1000)]
    file.write_text(rehashed(thinned))
    code, verdict = verify("--file", file, "--public-key", keys[1])
    assert code == 1, verdict


def test_a_node_that_is_killed_signs_what_it_left_when_it_is_back(start_world, keys):
    world = start_world(**{"audit.signing_key_file": str(keys[0])})
    assert ask(world.client("acme"), "first", "POST", "/collections", {"name": "c", "dimension": 2}).status == 200
    world.node.kill9()
    before = [json.loads(line) for line in lines(world.node)][-1]
    assert before["event"] == "AUTH_SUCCESS"
    world.node.start()
    assert ask(world.client("acme"), "second", "POST", "/collections", {"name": "d", "dimension": 2}).status == 200
    records = [json.loads(line) for line in lines(world.node)]
    after = records[before["seq"]]
    assert after["event"] == "chain.checkpoint" and after["head"] == before["hash"]
    code, verdict = verify("--dir", audit_dir(world.node), "--public-key", keys[1])
    assert code == 0 and verdict["signed_seq"] == after["seq"], verdict


def aged(node, day):
    """Gives the node's one file the name of a day."""
    file, = audit_dir(node).iterdir()
    return file.rename(file.with_name(f"audit-{day}.jsonl"))


def test_old_files_go_and_the_signed_chain_says_so(start_world, keys):
    world = start_world(**{"audit.signing_key_file": str(keys[0]), "audit.retain_days": "30"})
    assert ask(world.client("acme"), "old", "POST", "/collections", {"name": "c", "dimension": 2}).status == 200
    world.node.stop()
    old = aged(world.node, "2020-01-01")
    world.node.start()
    assert ask(world.client("acme"), "new", "POST", "/collections", {"name": "d", "dimension": 2}).status == 200
    assert not old.exists()
    records = [json.loads(line) for line in lines(world.node)]
    pruned, = [r for r in records if r["event"] == "chain.pruned"]
    assert pruned["previous_file"] == old.name and pruned["count"] == 1
    where = ("--dir", audit_dir(world.node))
    assert verify(*where, "--public-key", keys[1])[0] == 0
    world.node.kill9()
    # A thief says that the node removed the files: nobody signed that.
    file, = audit_dir(world.node).iterdir()
    mine = [r for r in records if r["event"] != "chain.pruned"]
    file.write_text(rehashed(mine[:2] + [pruned]))
    assert verify(*where)[0] == 0
    code, verdict = verify(*where, "--public-key", keys[1])
    assert code == 1 and "chain.pruned" in verdict["fault"]["why"], verdict


def test_days_are_chosen(start_world, keys):
    world = start_world(**{"audit.signing_key_file": str(keys[0]), "audit.retain_days": "0"})
    assert ask(world.client("acme"), "old", "POST", "/collections", {"name": "c", "dimension": 2}).status == 200
    world.node.stop()
    old = aged(world.node, "2020-01-01")
    world.node.start()
    assert ask(world.client("acme"), "new", "POST", "/collections", {"name": "d", "dimension": 2}).status == 200
    world.node.stop()
    where = ("--dir", audit_dir(world.node), "--public-key", keys[1])
    assert verify(*where)[1]["files"] == 2
    for days, files in ((("--from", "2020-01-02"), 1), (("--to", "2020-01-01"), 1), (("--from", "2020-01-01"), 2)):
        code, verdict = verify(*where, *days)
        assert code == 0 and verdict["files"] == files, (days, verdict)
    assert verify(*where, "--from", "2019-01-01", "--to", "2019-12-31")[0] == 2
    assert verify(*where, "--from", "yesterday")[0] == 2
    # What is altered outside is none of theirs.
    old.write_text(old.read_text().replace('"status":200', '"status":403'))
    assert verify(*where)[0] == 1 and verify(*where, "--from", "2020-01-02")[0] == 0


def test_a_key_file_that_others_can_read_is_refused(hub, make_node, keys, tmp_path):
    shown = tmp_path / "shown.pem"
    shown.write_bytes(keys[0].read_bytes())
    shown.chmod(0o640)
    node = make_node(settings=hub.settings(**{"audit.signing_key_file": str(shown)}), environment=hub.environment).spawn()
    assert node.wait() == 78 and "chmod 600" in node.log_tail()
    public = tmp_path / "public.pem"
    public.write_bytes(keys[1].read_bytes())
    public.chmod(0o600)
    node = make_node(settings=hub.settings(**{"audit.signing_key_file": str(public)}), environment=hub.environment).spawn()
    assert node.wait() != 0 and "no Ed25519 private key" in node.log_tail()
