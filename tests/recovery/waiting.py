"""Waiting for a state of the node. A deadline here says "it hangs"; no test passes or fails by being fast."""
import time


def until(ask, what, timeout=90.0, step=0.05):
    """Repeats `ask()` until it gives something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not after {timeout} s"
        time.sleep(step)


def until_ready(client, name, timeout=90.0):
    """Until a collection is indexed."""
    def ready():
        info = client.ok("GET", f"/collections/{name}")
        return info if info["status"] == "ready" else None
    return until(ready, f"collection {name} ready", timeout)


def seal(client, name, timeout=240.0):
    """Everything in memory becomes segment files."""
    def sealed():
        answer = client.post(f"/collections/{name}/force-save")
        assert answer.status == 200, answer
        return answer.json()["flushed"]
    until(sealed, f"force-save of {name}", timeout)
    return until_ready(client, name, timeout)
