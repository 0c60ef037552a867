"""The metrics that metrics.md asks for and this release has: name, type, labels; and that they count."""
import re

import pytest

# (type, label names). Contract metrics.md §2, §3.
REQUIRED = {
    "vectorizer_search_requests_total": ("counter", "collection search_type status"),
    "vectorizer_search_latency_seconds": ("histogram", "collection search_type"),
    "vectorizer_search_results_count": ("histogram", "collection search_type"),
    "vectorizer_vectors_total": ("gauge", ""),
    "vectorizer_collections_total": ("gauge", ""),
    "vectorizer_insert_requests_total": ("counter", "collection status"),
    "vectorizer_insert_latency_seconds": ("histogram", ""),
    "vectorizer_memory_usage_bytes": ("gauge", ""),
    "vectorizer_api_errors_total": ("counter", "endpoint error_type status_code"),
    "vectorizer_upsert_queue_depth": ("gauge", "collection"),
    "vectorizer_upsert_in_flight": ("gauge", "collection"),
    "vectorizer_upsert_rejected_total": ("counter", "reason"),
    "waggle_http_requests_total": ("counter", "endpoint method status"),
    "waggle_http_request_duration_seconds": ("histogram", "endpoint"),
    "waggle_http_in_flight": ("gauge", ""),
    "waggle_connections_open": ("gauge", ""),
    "vectorizer_tenant_requests_total": ("counter", "tenant_id operation"),
    "vectorizer_tenant_storage_bytes": ("gauge", "tenant_id"),
    "waggle_tenant_cpu_seconds_total": ("counter", "tenant_id"),
    "waggle_tenant_queue_seconds_total": ("counter", "tenant_id"),
    "waggle_tenant_quarantined": ("gauge", ""),
    "waggle_wal_fsync_seconds": ("summary", ""),
    "waggle_wal_bytes_total": ("counter", ""),
    "waggle_disk_free_bytes": ("gauge", ""),
    "waggle_storage_full": ("gauge", ""),
    "waggle_checksum_failures_total": ("counter", "kind"),
    "waggle_raft_term": ("gauge", ""),
    "waggle_raft_commit_index": ("gauge", ""),
    "waggle_raft_leader": ("gauge", ""),
    "waggle_index_build_seconds": ("histogram", ""),
    "waggle_index_points": ("gauge", "kind"),
    "waggle_search_visited_nodes": ("histogram", ""),
    "waggle_build_info": ("gauge", "version commit"),
    "waggle_actor_mailbox_depth": ("gauge", "kind"),
    "process_cpu_seconds_total": ("counter", ""),
    "process_virtual_memory_bytes": ("gauge", ""),
    "process_resident_memory_bytes": ("gauge", ""),
    "process_open_fds": ("gauge", ""),
    "process_max_fds": ("gauge", ""),
    "process_start_time_seconds": ("gauge", ""),
}
# Those beside the contract.
OWN = {"waggle_raft_log_bytes", "waggle_log_batches_total", "waggle_log_entries_total", "waggle_tenant_accounts_in_memory",
       "waggle_tenant_bytes_total", "waggle_tenant_stores_open"}
POINTS = 9000  # more than a mutable segment holds
TENANT = "00000000-0000-0000-0000-000000000000"


class Scrape:
    def __init__(self, text):
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.samples = []  # (name, labels, value)
        for name, labels, value in re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", text, re.M):
            self.samples.append((name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)))

    def value(self, name, **labels):
        found = [v for n, l, v in self.samples if n == name and l == labels]
        assert len(found) == 1, (name, labels, found)
        return found[0]

    def label_names(self, family):
        """Without those of the exposition format."""
        ends = ("_bucket", "_sum", "_count") if self.types[family] in ("histogram", "summary") else ("",)
        names = {tuple(l for l in labels if l not in ("le", "quantile"))
                 for name, labels, _ in self.samples if name in [family + e for e in (*ends, "")]}
        assert len(names) == 1, (family, names)
        return " ".join(names.pop())


@pytest.fixture(scope="module")
def scrape(tmp_path_factory):
    from node import Node
    with Node(tmp_path_factory.mktemp("metrics")).start() as node:
        client = node.client()
        client.ok("POST", "/collections", {"name": "docs", "dimension": 2, "metric": "euclidean"})
        for first in range(0, POINTS, 3000):
            points = [{"id": str(n), "vector": [n, 1]} for n in range(first, first + 3000)]
            client.ok("PUT", "/collections/docs/points", {"points": points})
        client.ok("POST", "/collections/docs/force-save")
        client.ok("POST", "/collections/docs/search", {"vector": [5, 1], "limit": 7})
        client.ok("POST", "/collections/docs/search/text", {"query": "nothing"})
        client.ok("POST", "/collections/docs/hybrid_search", {"query": "nothing"})
        assert client.post("/collections/none/search", {"vector": [1]}).status == 404
        assert client.get("/no/such/route").status == 404
        yield Scrape(client.get("/prometheus/metrics").text)
        node.stop()


@pytest.mark.parametrize("name", REQUIRED)
def test_required(scrape, name):
    assert scrape.types.get(name) == REQUIRED[name][0]
    assert scrape.label_names(name) == REQUIRED[name][1]


def test_nothing_else(scrape):
    assert set(scrape.types) == set(REQUIRED) | OWN, "a metric that is in no document"


def test_they_count(scrape):
    value = scrape.value
    assert value("vectorizer_vectors_total") == POINTS and value("vectorizer_collections_total") == 1
    assert value("vectorizer_search_requests_total", collection="", search_type="vector", status="ok") == 1
    assert value("vectorizer_search_requests_total", collection="", search_type="vector", status="error") == 1
    assert value("vectorizer_search_results_count_sum", collection="", search_type="vector") == 7
    assert value("vectorizer_search_results_count_count", collection="", search_type="text") == 1
    assert value("vectorizer_insert_requests_total", collection="", status="ok") == POINTS / 3000
    assert value("vectorizer_api_errors_total", endpoint="unmatched", error_type="route_not_found", status_code="404") == 1
    assert value("vectorizer_api_errors_total", endpoint="/collections/{name}/search", error_type="collection_not_found",
                 status_code="404") == 1
    assert value("vectorizer_upsert_rejected_total", reason="queue_full") == 0
    assert value("waggle_index_points", kind="sealed") == POINTS and value("waggle_index_points", kind="mutable") == 0
    assert value("waggle_index_build_seconds_count") >= 1
    assert value("waggle_search_visited_nodes_count") == 3 and value("waggle_search_visited_nodes_sum") > 0
    assert value("waggle_wal_fsync_seconds_count") >= 4 and value("waggle_wal_fsync_seconds_sum") > 0
    assert value("waggle_wal_bytes_total") > POINTS * 8
    assert value("waggle_tenant_cpu_seconds_total", tenant_id=TENANT) > 0
    assert value("waggle_tenant_queue_seconds_total", tenant_id=TENANT) > 0
    assert value("vectorizer_tenant_requests_total", tenant_id=TENANT, operation="insert_vectors") == POINTS / 3000
    assert value("vectorizer_tenant_storage_bytes", tenant_id=TENANT) > POINTS * 8
    assert value("waggle_raft_leader") == 1 and value("waggle_raft_commit_index") >= 4
    assert value("process_resident_memory_bytes") > 1 << 20
