"""A keep-alive HTTP client of one node: no retries, no redirects, so a test sees exactly what happened.

One client belongs to one thread. A write whose connection broke has an unknown outcome: `Disconnected` says so.
"""
import http.client
import json
import socket


class Disconnected(Exception):
    """The connection failed before an answer came; the request may have been carried out or not."""


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of an error body, or None."""
        try:
            return self.json().get("code")
        except (ValueError, AttributeError):
            return None

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


class Client:
    def __init__(self, port, timeout=40.0, host="127.0.0.1", headers=None):
        """`headers` go with every request."""
        self._address = (host, port)
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._connection = None

    def request(self, method, path, body=None, headers=None):
        """`body` may be bytes, str (sent as UTF-8) or any JSON value."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        if isinstance(body, str):
            body = body.encode("utf-8")
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(*self._address, timeout=self._timeout)
                self._connection.connect()
                self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.request(method, path, body=body, headers={**self._headers, **(headers or {})})
            answer = self._connection.getresponse()
            response = Response(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Disconnected(f"{method} {path}: {type(error).__name__}: {error}") from error
        if answer.will_close:
            self.close()
        return response

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def put(self, path, body=None, **kw):
        return self.request("PUT", path, body, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def ok(self, method, path, body=None, headers=None):
        """The JSON answer of a request that must succeed."""
        response = self.request(method, path, body, headers)
        assert response.status == 200, f"{method} {path}: {response!r}"
        return response.json()

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
