#!/usr/bin/env python3
"""Durable writes: single upserts from 16 connections against one fdatasync per write, and batches of 500 with fsync
against the same without. `./waggle bench writes`."""
import os
import time

from support.harness import Node, data_directory

DIMENSION, BATCH, ROUNDS = 64, 500, 3

# wrk's script: points of this connection's own ids with a fixed vector, so that making them costs the load little.
SCRIPT = """
wrk.method = "POST"
local v = {}
for i = 1, %d do v[i] = string.format("%%.4f", math.random()) end
local tail = ',"vector":[' .. table.concat(v, ",") .. ']}'
local n = 0
request = function()
  local rows = {}
  for i = 1, %d do
    n = n + 1
    rows[i] = '{"id":' .. n .. tail
  end
  return wrk.format(nil, nil, nil, '{"points":[' .. table.concat(rows, ",") .. ']}')
end
"""


def fdatasync_rate(directory, size):
    """Appends of `size` bytes, each with its own fdatasync."""
    file = os.open(os.path.join(directory, "probe"), os.O_CREAT | os.O_WRONLY, 0o600)
    began, count = time.time(), 0
    while time.time() - began < 2:
        os.write(file, b"x" * size)
        os.fdatasync(file)
        count += 1
    os.close(file)
    return count / (time.time() - began)


def upserts(directory, batch, connections, *settings):
    with Node(directory, *settings) as node:
        node.call("POST", "/collections", {"name": "c", "dimension": DIMENSION})
        return node.load(connections, "/collections/c/points", SCRIPT % (DIMENSION, batch))


with data_directory() as root:
    for i in range(ROUNDS):
        syncs = fdatasync_rate(root, 600)
        one = upserts(f"{root}/single{i}", 1, 16)
        print(f"single upserts x {DIMENSION}, 16 connections: {one.rate:.0f}/s (p50 {one.p50}, p99 {one.p99}, errors "
              f"{one.errors}); fdatasync alone {syncs:.0f}/s; ratio {one.rate / syncs:.2f} (target 8)")
    rates = {"false": [], "true": []}
    for i in range(ROUNDS):
        for fsync, list_ in rates.items():
            load = upserts(f"{root}/batch{i}{fsync}", BATCH, 4, f"durability.fsync={fsync}")
            list_.append(load.rate * BATCH)
            print(f"batches of {BATCH} x {DIMENSION}, 4 connections, fsync={fsync}: {list_[-1]:.0f} points/s "
                  f"(p50 {load.p50}, errors {load.errors}, cpu {load.cpu_us / BATCH:.1f} us/point)")
    median = {k: sorted(v)[len(v) // 2] for k, v in rates.items()}
    print(f"medians: ratio {median['true'] / median['false']:.2f} (target 0.90)")
