#!/usr/bin/env python3
"""`GET /health` of a whole node on one core, at 1 and 16 connections. `./waggle bench health`."""
from support.harness import Node, data_directory

with data_directory() as directory, Node(directory) as node:
    print("connections   requests/s       p50       p99   node cpu us/request   errors")
    for connections in (1, 16, 64):
        load = node.load(connections, "/health")
        print(f"{connections:11d} {load.rate:12.0f} {load.p50:>9} {load.p99:>9} {load.cpu_us:21.1f} {load.errors:8d}")
    print("target: 60000 requests/s on one core")
