#!/usr/bin/env python3
"""Search of a whole node over HTTP against hnswlib in process, on the same data in the same run, recall beside the rate;
then a restart with that data. `./waggle bench search`."""
import json
import os
import struct
import subprocess
import time

from support.harness import PORT, Node, data_directory, program

ROWS, DIMENSION, K, CONNECTIONS = 100_000, 128, 10, 4
EFS = (32, 64, 96, 128, 200, 300)


def read_vecs(path, kind):
    with open(path, "rb") as f:
        data = f.read()
    width = struct.unpack_from("<i", data)[0]
    step = 4 + 4 * width
    return [list(struct.unpack_from(f"<{width}{kind}", data, at + 4)) for at in range(0, len(data), step)]


def hnswlib_figures(directory):
    """{ef: (recall, queries/s)}; leaves the data set in `directory`."""
    subprocess.run(["taskset", "-c", "0", program("bench/search_core/bench-search-core"), "--rows", str(ROWS), "--dimension",
                    str(DIMENSION), "--rounds", "5", "--engines", "hnswlib", "--ef", ",".join(map(str, EFS)), "--export",
                    directory], check=True)
    with open(f"{directory}/figures.txt", encoding="ascii") as f:
        return {int(ef): (float(recall), float(rate)) for _, ef, recall, rate in map(str.split, f)}


def fill(node, directory):
    began = time.time()
    subprocess.run(["taskset", "-c", "1", program("wagglectl/wagglectl"), "--endpoint", f"http://127.0.0.1:{PORT}", "import",
                    f"{directory}/base.fvecs", "--start-id", "0", "--collection", "c", "--create", "--metric", "euclidean"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    loaded = time.time() - began
    while not node.call("POST", "/collections/c/force-save")["flushed"]:
        pass
    print(f"{ROWS} x {DIMENSION} clustered, euclidean: imported in {loaded:.1f} s, indexed after {time.time() - began:.1f} s")


def main():
    with data_directory() as root:
        rival = hnswlib_figures(root)
        queries, truth = read_vecs(f"{root}/query.fvecs", "f"), read_vecs(f"{root}/truth.ivecs", "i")
        with Node(f"{root}/data") as node:
            fill(node, root)
            measure(node, rival, queries, truth)
            node.restart()
            began = time.time()
            connection = node.connect()
            assert answer(node, connection, queries[0], exact=True) == [str(i) for i in truth[0]]
            print(f"restart: ready after {node.seconds_to_ready:.2f} s, the first answer {time.time() - began:.3f} s later "
                  f"(target: 1 s together)")


def answer(node, connection, vector, **params):
    body = {"vector": vector, "limit": K, "include_vectors": False, "include_metadata": False, "params": params}
    found = node.call("POST", "/collections/c/search", body, connection=connection)
    return [row["id"] for row in found["results"]]


def measure(node, rival, queries, truth):
    connection = node.connect()
    print("  ef   recall@10   queries/s       p50       p99   cpu us   hnswlib recall   queries/s   ours/hnswlib")
    for ef in EFS:
        hits = sum(len(set(answer(node, connection, v, ef=ef)) & {str(i) for i in t}) for v, t in zip(queries, truth))
        bodies = ",".join(json.dumps(json.dumps({"vector": v, "limit": K, "include_vectors": False,
                                                 "include_metadata": False, "params": {"ef": ef}})) for v in queries[:500])
        load = node.load(CONNECTIONS, "/collections/c/search", 'wrk.method = "POST"\nlocal b = {' + bodies + """}
local n = 0
request = function()
  n = n % #b + 1
  return wrk.format(nil, nil, nil, b[n])
end
""")
        recall, rate = rival[ef]
        print(f"{ef:4d} {hits / (K * len(queries)):11.4f} {load.rate:11.0f} {load.p50:>9} {load.p99:>9} {load.cpu_us:8.0f} "
              f"{recall:16.4f} {rate:11.0f} {load.rate / rate:14.2f}" + (f"   errors {load.errors}" if load.errors else ""))
    print("target: 0.7 x hnswlib where recall is 0.99 or more")


if __name__ == "__main__":
    if not os.path.exists(program("bench/search_core/bench-search-core")):
        raise SystemExit("bench-search-core is not built: hnswlib's header is missing")
    main()
