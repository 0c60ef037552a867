"""A user's status, of which no key tells: service requests for somebody whom HiveHub has suspended, or does not know."""
import threading
import time
import uuid

import pytest

STRANGER = "33333333-3333-4333-8333-333333333333"


def eventually(ask, wanted):
    deadline = time.monotonic() + 10
    while ask() != wanted:
        assert time.monotonic() < deadline, (ask(), wanted)
        time.sleep(0.05)


def outcome(client, path="/collections"):
    answer = client.get(path)
    return answer.status, answer.code if answer.status != 200 else None


SUSPENDED = (403, "TENANT_SUSPENDED")


def test_a_suspended_user_is_refused_and_resumed(start_world):
    world = start_world(**{"hub.cache.user_ttl_seconds": "1"})
    acme = world.users["acme"]
    client = world.service(acme)
    client.ok("POST", "/collections", {"name": "docs", "dimension": 2})
    world.hub.act("users", acme, "suspend")
    eventually(lambda: outcome(client), SUSPENDED)
    assert client.post("/collections", {"name": "more", "dimension": 2}).code == "TENANT_SUSPENDED"
    assert outcome(world.service(world.users["birch"])) == (200, None)
    world.hub.act("users", acme, "resume")
    eventually(lambda: outcome(client), (200, None))
    assert [c["name"] for c in client.ok("GET", "/collections")["collections"]] == ["docs"]


def test_a_user_whom_nobody_knows_is_as_a_suspended_one(world):
    acme = world.users["acme"]
    world.hub.act("users", acme, "suspend")
    bodies = set()
    for user in (acme, STRANGER, str(uuid.uuid4())):
        answer = world.service(user).get("/collections", headers={"X-Correlation-ID": "same"})
        assert answer.status == 403
        bodies.add(answer.text)
    assert len(bodies) == 1
    # Being unknown is not remembered: a user who has just registered need not wait.
    fresh = world.hub.control("POST", "/users", {"id": STRANGER, "name": "fresh"})["id"]
    assert outcome(world.service(fresh)) == (200, None)


def test_first_uses_at_once_cost_one_call_and_the_rest_none(world):
    world.hub.fault("latency", ms=300, operation="get_user")
    acme, statuses = world.users["acme"], []
    threads = [threading.Thread(target=lambda: statuses.append(world.service(acme).get("/collections").status))
               for _ in range(30)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for _ in range(100):
        statuses.append(world.service(acme).get("/collections").status)
    assert statuses == [200] * 130 and world.hub.asked("get_user") == 1
    assert world.service().get("/metrics").status == 200 and world.hub.asked("get_user") == 1  # nobody's status


def test_a_key_tells_of_its_user_too(world):
    world.client("acme").ok("GET", "/collections")
    assert outcome(world.service(world.users["acme"])) == (200, None)
    assert world.hub.asked("get_user") == 0


FAULTS = {"status 500": {"kind": "status", "status": 500}, "hang": {"kind": "hang"}, "malformed": {"kind": "malformed"},
          "wrong types": {"kind": "wrong_type"}, "refused": {"kind": "refuse"}, "service key": {"kind": "reject_key"}}


@pytest.mark.parametrize("fault", FAULTS)
def test_hub_outage(start_world, fault):
    """hub.md §5: what was said last holds; of whom nothing was ever said, HiveHub's own service has vouched."""
    world = start_world(**{"hub.cache.user_ttl_seconds": "1", "hub.inline_deadline_ms": "400",
                           "hub.circuit_breaker.open_seconds": "1", "hub.cache.stale_max_seconds": "0"})
    acme, birch = world.users["acme"], world.users["birch"]
    world.hub.act("users", acme, "suspend")
    assert outcome(world.service(acme)) == SUSPENDED
    world.hub.fault(**FAULTS[fault])
    world.hub.act("users", acme, "resume")
    time.sleep(1.2)
    for _ in range(8):  # also when the breaker has opened
        assert outcome(world.service(acme)) == SUSPENDED and outcome(world.service(birch)) == (200, None)
    world.hub.act("users", birch, "suspend")
    world.hub.heal()
    eventually(lambda: (outcome(world.service(acme)), outcome(world.service(birch))), ((200, None), SUSPENDED))


def test_a_status_that_is_not_asked_for(start_world):
    """hub.paths.get_user: an empty path switches the question off."""
    world = start_world(**{"hub.paths.get_user": ""})
    world.hub.act("users", world.users["acme"], "suspend")
    assert outcome(world.service(world.users["acme"])) == (200, None)
    assert world.hub.asked("get_user") == 0
