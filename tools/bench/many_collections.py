#!/usr/bin/env python3
"""10,000 empty collections: memory, durable creations per second, restart. `./waggle bench many_collections`."""
import time

from support.harness import Node, data_directory

COUNT = 10_000

with data_directory() as directory, Node(directory) as node:
    connection = node.connect()
    before, began = node.rss_mib(), time.time()
    for i in range(COUNT):
        node.call("POST", "/collections", {"name": f"c{i}", "dimension": 8}, connection=connection)
    print(f"{COUNT} empty collections from one client: {COUNT / (time.time() - began):.0f} created/s durable (target 300), "
          f"RSS growth {node.rss_mib() - before:.0f} MiB (target 100)")
    node.restart()
    began = time.time()
    count = len(node.call("GET", "/collections?limit=100000")["collections"])
    print(f"restart: ready after {node.seconds_to_ready:.2f} s, {count} listed {time.time() - began:.2f} s later "
          f"(target: 2 s together), RSS {node.rss_mib():.0f} MiB")
