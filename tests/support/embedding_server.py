"""An OpenAI-compatible embedding endpoint under the test's control: it embeds, fails in the way `mode` says, and keeps
what it was asked.
"""
import http.server
import json
import re
import ssl
import subprocess
import threading
import time
import zlib

DIMENSION = 64


def embedding(text, dimension=DIMENSION):
    """Words hashed to places: texts that share words are near each other."""
    vector = [0.015625] * dimension
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % dimension] += 1.0
    return vector


class EmbeddingServer:
    """Modes: ok, reversed (items in another order, with index), in pieces (the last chunks byte by byte), or one of the faults
    in `Handler.fault`. `fail_from` = n: the mode counts from the n-th call on (from 0), before it all is well."""

    def __init__(self, tls=None):
        self.mode, self.fail_from = "ok", 0
        self.calls = []           # {"path", "headers", "body", "connection"}
        self.connections = 0
        self.released = threading.Event()
        owner = self

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def get_request(self):
                owner.connections += 1
                return super().get_request()

            def handle_error(self, request, address):
                pass  # clients that give up are part of the tests

        class Bound(Handler):
            server_owner = owner

        self._server = Server(("127.0.0.1", 0), Bound)
        self.port = self._server.server_address[1]
        self._scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
            self._scheme = "https"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"{self._scheme}://127.0.0.1:{self.port}/v1/embeddings"

    def inputs(self):
        return [call["body"]["input"] for call in self.calls]

    def close(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        owner = self.server_owner
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = len(owner.calls)
        owner.calls.append({"path": self.path, "headers": self.headers, "body": body, "connection": id(self)})
        mode = owner.mode if number >= owner.fail_from else "ok"
        items = [{"object": "embedding", "index": i, "embedding": embedding(text)}
                 for i, text in enumerate(body["input"])]
        if mode == "reversed":
            items.reverse()
        elif mode != "ok" and not mode.startswith("close"):
            return self.fault(mode, items)
        self.answer(200, {"object": "list", "data": items, "model": body.get("model")})
        if mode == "close unsaid":
            self.close_connection = True

    def answer(self, status, body):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fault(self, mode, items):
        if mode.startswith("status "):
            return self.answer(int(mode[7:]), {"error": {"message": "secret-of-the-endpoint"}})
        if mode == "redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if mode == "hang":
            self.server_owner.released.wait(60)
            self.close_connection = True
            return None
        if mode == "in pieces":
            return self.in_pieces(json.dumps({"data": items}).encode())
        if mode == "nothing in pieces":
            return self.in_pieces(b"")
        if mode in ("drip", "huge"):
            return self.endless(mode)
        if mode == "reset":
            self.close_connection = True
            return None
        if mode == "half":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"data": [')
            self.close_connection = True
            return None
        if mode == "garbage":
            return self.answer(200, b"<html>busy</html>")
        if mode == "other json":
            return self.answer(200, {"embeddings": []})
        if mode == "too few":
            items.pop()
        elif mode == "too many":
            items.append(items[0])
        elif mode == "dimension":
            items[-1]["embedding"].pop()
        elif mode == "index twice":
            for item in items:
                item["index"] = 0
        elif mode == "index out of range":
            items[-1]["index"] = 99
        elif mode == "no numbers":
            items[-1]["embedding"] = "AAAA"
        elif mode == "too large a number":
            items[-1]["embedding"][0] = 1e300
        elif mode == "zeros":
            items[-1]["embedding"] = [0] * DIMENSION
        else:
            raise ValueError(mode)
        return self.answer(200, {"data": items})

    def in_pieces(self, body):
        """A chunked answer: all but its last byte in one chunk, what follows byte by byte."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if body:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body) - 1, body[:-1]))
        for byte in (b"1\r\n%s\r\n" % body[-1:] if body else b"") + b"0\r\n\r\n":
            self.wfile.write(bytes([byte]))
            time.sleep(0.002)

    def endless(self, mode):
        """A chunked answer that does not end: slowly, or as fast as the client reads."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chunk = b"1\r\n \r\n" if mode == "drip" else b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            while not self.server_owner.released.is_set():
                self.wfile.write(chunk)
                if mode == "drip":
                    time.sleep(0.02)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Certificate:
    """A self-signed certificate for 127.0.0.1 and its key, made by openssl."""

    def __init__(self, directory, name="node"):
        self.certificate, self.key = directory / f"{name}.pem", directory / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                        "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)
        self.key.chmod(0o600)
