"""A data directory serves one process; the second signal ends a node that still finishes its requests."""
import signal
import socket
import subprocess

HEAD = b"POST /collections HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


def test_a_second_process_says_that_the_directory_is_in_use(node):
    second = subprocess.run(node.command(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert f"data_dir '{node.data_dir}' is already in use by another process" in second.stderr
    assert node.client().get("/readyz").status == 200


def test_the_second_signal_ends_a_node_that_drains(node):
    with socket.create_connection(("127.0.0.1", node.port)) as unfinished:
        unfinished.sendall(HEAD)
        node.client().get("/readyz")  # the node has read what came before
        node.terminate()
        while not any(event.get("message") == "draining" for event in node.log_events()):
            assert node.running, node.log_tail()
        node.terminate()
        assert node.wait() == -signal.SIGTERM
    node.start()
    assert node.stop() == 0
