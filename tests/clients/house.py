"""A gateway and a simulated provider, each a real process on a free port."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

PATIENCE = 60  # seconds until something that should happen counts as not happening


def fetch(url, method="GET", body=None):
    """Status and parsed JSON (or text) of one request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def until(condition):
    """Waits for a condition to give something; fails after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


class Process:
    """A program that prints its address first; what else it prints is kept."""

    def __init__(self, command, environment=None):
        self.printed = []
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self.address = until(self._address).rstrip("/")

    def _listen(self):
        for line in self.process.stdout:
            self.printed.append(line)

    def _address(self):
        if self.process.poll() is not None:
            raise AssertionError("it ended: " + "".join(self.printed))
        found = re.search(r"http://127\.0\.0\.1:\d+", "".join(self.printed))
        return found and found.group(0)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill(self):
        self.process.kill()
        self.process.wait()


class Sentry:
    """A recording endpoint for alerts."""

    def __init__(self):
        import http.server

        self.events = events = []

        class Recorder(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers.get("content-length") or 0)
                events.append(self.rfile.read(length).decode(errors="replace"))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.dsn = f"http://public@127.0.0.1:{self.server.server_port}/1"

    def alerts(self):
        return [event for event in self.events if "worker-auth-error" in event]


class House:
    """Provider, gateway and alerts, with quick ticks. A `tap` listens between gateway and provider."""

    def __init__(self, tokens, tap=None, settings=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stillroom-"))
        accept = [word for token in tokens for word in ("--accept", token)]
        self.provider = Process([os.environ["PROVIDER_BINARY"], "--listen", "127.0.0.1:0", "--cache", *accept])
        self.tap = tap and tap(self.provider.address)
        self.settings = settings or {}
        self.sentry = Sentry()
        self.printed = []
        self.open()

    def open(self):
        provider = (self.tap or self.provider).address
        self.gateway = Process(
            [os.environ["GATEWAY_BINARY"], "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.folder / "data")],
            {
                "STILLROOM_UPSTREAM__ANTHROPIC": provider,
                "STILLROOM_UPSTREAM__OPENAI": provider,
                "STILLROOM_IDLE__TICK": "1s",
                "STILLROOM_IDLE__AFTER": "2s",
                "STILLROOM_SENTRY__DSN": self.sentry.dsn,
                "RUST_LOG": "debug",
                **self.settings,
            },
        )
        until(lambda: fetch(self.gateway.address + "/readyz")[0] == 200)

    def reopen(self, kill=False):
        self.printed += self.gateway.printed
        self.gateway.kill() if kill else self.gateway.end()
        self.open()

    def api(self, path, method="GET", body=None):
        return fetch(self.gateway.address + "/api/v1" + path, method, body)

    def order(self, **order):
        status, said = fetch(self.provider.address + "/_control", "POST", order)
        assert status < 300, said

    def received(self):
        status, said = fetch(self.provider.address + "/_control/received")
        assert status == 200, said
        return said["received"] if isinstance(said, dict) else said

    def everything_written(self):
        """All bytes that the gateway wrote or printed."""
        files = [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]
        printed = "".join(self.printed + self.gateway.printed).encode()
        metrics = str(fetch(self.gateway.address + "/metrics")[1]).encode()
        return b"\n".join([*files, printed, metrics, "\n".join(self.sentry.events).encode()])

    def end(self):
        self.gateway.end()
        self.provider.end()
        shutil.rmtree(self.folder, ignore_errors=True)
