"""A tenant's own address lists, by HiveHub's word: asked right after its key, before anything else about it."""
import pytest

from test_audit import record_of

FORWARDED = {"security.trusted_proxies": "127.0.0.1", "hub.cache.api_key_ttl_seconds": "0", "hub.cache.stale_max_seconds": "0"}


@pytest.fixture
def world(start_world):
    return start_world(**FORWARDED)


def ask(client, address, path="/collections", name="ip"):
    return client.request("GET", path, headers={"X-Forwarded-For": address, "X-Correlation-ID": name})


@pytest.mark.parametrize("lists, admitted, denied", [
    ({"allow": ["198.51.100.7"]}, ["198.51.100.7", "::ffff:198.51.100.7", "198.51.100.7:4711"],
     ["198.51.100.8", "10.0.0.1", "127.0.0.9", "2001:db8::7", "::1"]),
    ({"allow": ["198.51.100.0/24", "2001:db8:1::/48"]}, ["198.51.100.255", "2001:db8:1:ffff::1", "::ffff:198.51.100.1"],
     ["198.51.101.0", "2001:db8:2::1", "::ffff:198.51.101.1"]),
    ({"allow": ["::ffff:203.0.113.0/120"]}, ["203.0.113.9"], ["203.0.114.9", "2001:db8::1"]),
    ({"block": ["198.51.100.0/25", "2001:db8::/32"]}, ["198.51.100.128", "2001:db9::1", "127.0.0.9"],
     ["198.51.100.127", "::ffff:198.51.100.5", "2001:db8:ffff::1"]),
    ({"allow": ["198.51.100.0/24"], "block": ["198.51.100.66"]}, ["198.51.100.65"], ["198.51.100.66", "192.0.2.1"]),
    ({"allow": ["2001:db8::/32"], "block": []}, ["2001:db8::1"], ["0.0.0.1", "198.51.100.1"]),
])
def test_lists(world, lists, admitted, denied):
    world.hub.ip_lists(world.users["acme"], **lists)
    acme, birch = world.client("acme"), world.client("birch")
    for address in admitted:
        assert ask(acme, address).status == 200, address
    for address in denied:
        answer = ask(acme, address)
        assert answer.status == 403 and answer.code == "IP_DENIED", address
        assert address not in answer.text
        assert ask(birch, address).status == 200, "the lists are acme's"


def test_what_is_denied_is_recorded_and_does_nothing(world):
    acme = world.users["acme"]
    world.hub.ip_lists(acme, block=["203.0.113.0/24"])
    client = world.client("acme")
    body = {"name": "docs", "dimension": 2}
    headers = {"X-Forwarded-For": "203.0.113.5", "X-Correlation-ID": "denied"}
    answer = client.request("POST", "/collections", body, headers=headers)
    assert answer.code == "IP_DENIED" and answer.headers["X-Tenant-ID"] == acme
    record = record_of(world.node, "denied")
    assert [record[f] for f in ("status", "result", "reason", "client_ip", "tenant_id", "function", "class")] == [
        403, "denied", "IP_DENIED", "203.0.113.5", acme, "create_collection", "C"]
    assert record["actor"]["id"] == world.keys["acme"]["id"]
    assert client.ok("GET", "/collections")["total"] == 0
    # The tenant finds it in its own log; what it did not do costs it nothing.
    mine = client.ok("GET", "/auth/audit?action=create_collection")["entries"]
    assert [(e["correlation_id"], e["reason"]) for e in mine] == [("denied", "IP_DENIED")]


def test_the_order_of_the_checks(start_world):
    world = start_world(**FORWARDED, **{"security.ip.enabled": "true", "security.ip.global_blocklist": "192.0.2.0/24",
                                        "security.ip.default_policy": "deny", "security.ip.global_allowlist": "198.51.100.0/24,203.0.113.0/24"})
    acme = world.users["acme"]
    world.hub.ip_lists(acme, allow=["192.0.2.1", "198.51.100.0/24", "10.0.0.0/8", "8.8.8.8"])
    client = world.client("acme")
    shown = {address: ask(client, address).code for address in ("192.0.2.1", "198.51.100.1", "203.0.113.1", "10.0.0.1", "8.8.8.8")}
    # Global block; tenant's allow, then global allow; tenant's allow missed; private; no list of the node's.
    assert shown == {"192.0.2.1": "IP_DENIED", "198.51.100.1": None, "203.0.113.1": "IP_DENIED", "10.0.0.1": None,
                     "8.8.8.8": "IP_DENIED"}
    # Behind the credential: a wrong key learns nothing of lists. Before suspension, class, function and route.
    wrong = world.client({"key": "hh_live_" + "0" * 32})
    assert ask(wrong, "203.0.113.1").code == "AUTH_INVALID_KEY"
    reader = world.client(world.hub.key(acme, "READ_ONLY", functions=["search"]))
    assert ask(reader, "203.0.113.1", "/cluster/health").code == "IP_DENIED"
    assert ask(reader, "203.0.113.1", "/no/such/route").code == "IP_DENIED"
    world.hub.act("users", acme, "suspend")
    assert ask(client, "203.0.113.1").code == "IP_DENIED"
    assert ask(client, "198.51.100.1").code == "TENANT_SUSPENDED"


def test_lists_are_about_the_tenants_own_clients(world):
    """Services and operators who act for it come from where they are."""
    acme = world.users["acme"]
    world.hub.ip_lists(acme, allow=["198.51.100.7"])
    assert ask(world.service(acme), "203.0.113.1").status == 200
    operator = world.hub.key(world.users["birch"], "ADMIN", key="hh_admin_" + "o" * 40, scope="operator")
    assert ask(world.client(operator), "203.0.113.1", f"/collections?user_id={acme}").status == 200


def test_lists_change_with_the_next_word_of_the_hub(world):
    acme, client = world.users["acme"], world.client("acme")
    assert ask(client, "203.0.113.1").status == 200
    world.hub.ip_lists(acme, block=["203.0.113.1"])
    assert ask(client, "203.0.113.1").code == "IP_DENIED"
    world.hub.ip_lists(acme)
    assert ask(client, "203.0.113.1").status == 200


@pytest.mark.parametrize("lists", [{"allowlist": "10.0.0.1"}, {"allowlist": ["10.0.0.0/33"]}, {"blocklist": ["everybody"]},
                                   {"blocklist": [7]}])
def test_lists_that_are_not_understood_let_nobody_in(world, lists):
    world.hub.control("PATCH", f"/users/{world.users['acme']}", {"ip_lists": lists})
    answer = ask(world.client("acme"), "198.51.100.7")
    assert answer.status == 503 and answer.code == "HUB_UNAVAILABLE"
    assert ask(world.client("birch"), "198.51.100.7").status == 200
