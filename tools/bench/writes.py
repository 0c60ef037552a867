#!/usr/bin/env python3
"""Durable writes: single upserts from 16 connections against one fdatasync per write, and batches of 500 with fsync
against the same without. The disk as it is, and as if each sync took a millisecond or two longer: a virtual disk may sync
in less time than an HTTP request takes. The node has one worker and both cores, because it builds graphs of what was written
meanwhile; the load shares the second core. `./waggle bench writes`."""
import subprocess
import sys

from support.harness import Node, data_directory, slow_sync

DIMENSION, BATCH, ROUNDS = 64, 500, 3

# wrk's script: new points with one of a hundred vectors, so that making them costs the load little.
SCRIPT = """
wrk.method = "POST"
local tails = {}
for k = 1, 100 do
  local v = {}
  for i = 1, %d do v[i] = string.format("%%.4f", math.random()) end
  tails[k] = ',"vector":[' .. table.concat(v, ",") .. ']}'
end
local n = 0
request = function()
  local rows = {}
  for i = 1, %d do
    n = n + 1
    rows[i] = '{"id":' .. n .. tails[n %% 100 + 1]
  end
  return wrk.format(nil, nil, nil, '{"points":[' .. table.concat(rows, ",") .. ']}')
end
"""

# Appends of 600 bytes, each with its own fdatasync, for two seconds; prints how many in a second.
SYNC_LOOP = """
import os, sys, time
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o600)
began, count = time.time(), 0
while time.time() - began < 2:
    os.write(file, b"x" * 600)
    os.fdatasync(file)
    count += 1
print(count / (time.time() - began))
"""


def fdatasync_rate(directory, sync_us):
    out = subprocess.run([sys.executable, "-c", SYNC_LOOP, f"{directory}/probe"], capture_output=True, check=True,
                         env=slow_sync(sync_us))
    return float(out.stdout)


def upserts(directory, batch, connections, *settings, sync_us=0):
    with Node(directory, *settings, sync_us=sync_us, cores="0,1") as node:
        node.call("POST", "/collections", {"name": "c", "dimension": DIMENSION})
        return node.load(connections, "/collections/c/points", SCRIPT % (DIMENSION, batch))


def median(values):
    return sorted(values)[len(values) // 2]


def single(root):
    print(f"single upserts x {DIMENSION}, 16 connections (medians of {ROUNDS})")
    print("sync longer by   fdatasync alone/s   durable upserts/s       p50       p99   cpu us   ratio (target 8)")
    for sync_us in (0, 1000, 2000):
        syncs, loads = [], []
        for i in range(ROUNDS):
            syncs.append(fdatasync_rate(root, sync_us))
            loads.append(upserts(f"{root}/single{sync_us}-{i}", 1, 16, sync_us=sync_us))
        load = sorted(loads, key=lambda one: one.rate)[ROUNDS // 2]
        print(f"{sync_us:11d} us {median(syncs):19.0f} {load.rate:19.0f} {load.p50:>9} {load.p99:>9} {load.cpu_us:8.0f} "
              f"{load.rate / median(syncs):7.2f}" + (f"   errors {load.errors}" if load.errors else ""))


def batches(root):
    rates = {"false": [], "true": []}
    for i in range(ROUNDS):
        for fsync, points in rates.items():
            load = upserts(f"{root}/batch{i}{fsync}", BATCH, 4, f"durability.fsync={fsync}")
            points.append(load.rate * BATCH)
    print(f"batches of {BATCH} x {DIMENSION}, 4 connections (medians of {ROUNDS}): {median(rates['true']):.0f} points/s durable, "
          f"{median(rates['false']):.0f} without fsync, ratio {median(rates['true']) / median(rates['false']):.2f} (target 0.90)")


with data_directory() as directory:
    single(directory)
    batches(directory)
