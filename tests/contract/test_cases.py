"""Runs the case files: one fresh node per file, the cases in order."""
import gzip
import json
import pathlib
import re
import time
import zlib

import pytest

from case_file import fill_in, read_case_file
from client import Disconnected
from matching import compare
from node import Node

HERE = pathlib.Path(__file__).resolve().parent
FILES = sorted(HERE.glob("*.http"))

# Contract auth.md §12: on every answer.
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "1; mode=block",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=(), payment=()",
}


class FileRun:
    """A case file on its node. A case is run once, after all that stand before it."""

    def __init__(self, path, directory):
        self.path = path
        self.settings, self.cases = read_case_file(path)
        self.node = Node(directory, self.settings).start()
        self.client = self.node.client()
        self.variables = {}
        self.faults = []

    def faults_of(self, number):
        while len(self.faults) <= number:
            case = self.cases[len(self.faults)]
            try:
                self.faults.append(self.run(case))
            except Exception as error:
                self.faults.append([f"{type(error).__name__}: {error}"])
            if not self.node.running:
                self.start_again()
        return self.faults[number]

    def start_again(self):
        """A crash is the fault of one case; the others go on with what is on disk."""
        code = self.node.wait()
        self.faults[-1].append(f"the node ended with {code}\n{self.node.log_tail(3)}")
        self.client = self.node.start().client()

    def run(self, case):
        headers = {key: fill_in(value, self.variables) for key, value in case.headers}
        body = fill_in(case.body, self.variables).encode("utf-8") if case.body else None
        for word in case.directives:
            if word == "gzip":
                body = gzip.compress(body)
                headers["Content-Encoding"] = "gzip"
            elif word == "deflate":
                body = zlib.compress(body)
                headers["Content-Encoding"] = "deflate"
            elif word == "hex":
                body = bytes.fromhex(body.decode())
            elif word == "restart":
                self.node.restart()
                self.client = self.node.client()
            else:
                raise ValueError(f"unknown directive @{word}")
        try:
            answer = self.client.request(case.method, fill_in(case.path, self.variables), body, headers)
        except Disconnected:
            time.sleep(0.2)  # a process that is ending is given the time to end
            raise
        wrong = self.check_always(case, answer)
        if answer.status != case.status:
            return wrong + [f"status {answer.status}, not {case.status}: {answer!r}"]
        wrong += self.check_head(case, answer)
        for word, argument in case.checks:
            wrong += self.check(word, fill_in(argument, self.variables), answer)
        if case.expected:
            expected = json.loads(fill_in(case.expected, self.variables))
            try:
                wrong += compare(expected, answer.json(), self.variables)
            except ValueError:
                wrong.append("the body is not JSON")
        return wrong + [f"the answer was {answer!r}"] if wrong else []

    def check_always(self, case, answer):
        wrong = [f"header {name} is {answer.headers[name]!r}" for name, value in ALWAYS.items()
                 if answer.headers[name] != value]
        id = answer.headers["X-Correlation-ID"]
        if not id:
            wrong.append("X-Correlation-ID is missing")
        if answer.headers["Server"]:
            wrong.append("a Server header names the product")
        if answer.status >= 400 and case.method != "HEAD":
            wrong += self.check_error_body(case, answer, id)
        return wrong

    def check_error_body(self, case, answer, id):
        """Contract README §7: one body for all errors."""
        expected = {"code": case.code or "<re:[A-Z_]+>", "error": "<text>", "message": "<text>", "error_type": "<text>",
                    "status_code": answer.status, "request_id": id, "details": "<object>"}
        try:
            body = answer.json()
        except ValueError:
            return [f"the error is not JSON: {answer!r}"]
        wrong = compare(expected, body, {})
        kind = body.get("code", "") if case.path.startswith("/hub/") else body.get("code", "").lower()
        error = "error_type" if case.path.startswith("/auth/") else "message"
        if not wrong and (body["error_type"] != kind or body["error"] != body[error]):
            wrong.append(f"error_type is not the lower-case code (under /hub the code), or error is not {error}")
        if answer.status == 429 and not answer.headers["Retry-After"]:
            wrong.append("429 without Retry-After")
        if re.search(r"/tmp|/data|\.cpp|127\.0\.0\.1|rocksdb", answer.text, re.I):
            wrong.append("the message names a path, an address or an inner part")
        return wrong

    def check_head(self, case, answer):
        wrong = []
        for key, value in case.expected_headers:
            value = fill_in(value, self.variables)
            found = answer.headers[key]
            if value == "<absent>":
                wrong += [f"header {key} must not be there: {found!r}"] if found is not None else []
            elif found is None:
                wrong.append(f"header {key} is missing")
            else:
                wrong += compare(value, found, self.variables, f"header {key}")
        return wrong

    @staticmethod
    def check(word, argument, answer):
        if word == "contains":
            return [] if argument in answer.text else [f"the body does not contain {argument!r}"]
        if word == "lacks":
            return [] if argument not in answer.text else [f"the body contains {argument!r}"]
        if word == "line":
            return [] if re.search(f"^{argument}$", answer.text, re.M) else [f"no line is {argument!r}"]
        if word == "empty":
            return [] if not answer.body else ["the body is not empty"]
        if word in ("ids", "ordered-ids"):
            ids = [r["id"] for r in answer.json()["results"]]
            expected = argument.split()
            same = ids == expected if word == "ordered-ids" else sorted(ids) == sorted(expected)
            return [] if same else [f"ids are {ids}, not {expected}"]
        raise ValueError(f"unknown check !{word}")

    def close(self):
        self.node.close()


CASES = [pytest.param(path, number, id=f"{path.stem}-{number + 1:03d} {case.name}")
         for path in FILES for number, case in enumerate(read_case_file(path)[1])]


@pytest.fixture(scope="module")
def current(tmp_path_factory):
    """The run of the file at hand; the node of the file before is stopped."""
    running = {}

    def run_of(path):
        if path not in running:
            for other in running.values():
                other.close()
            running.clear()
            running[path] = FileRun(path, tmp_path_factory.mktemp(path.stem))
        return running[path]

    yield run_of
    for other in running.values():
        other.close()


@pytest.mark.parametrize("path, number", CASES)
def test_case(current, path, number):
    run = current(path)
    case = run.cases[number]
    faults = run.faults_of(number)
    assert not faults, f"{path.name}:{case.line} {case.method} {case.path}\n" + "\n".join(faults)
