"""A webhook on this machine: it keeps what it is sent and answers as it is told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "T0/B0/a-secret"


@dataclass
class Received:
    """Messages that arrived, and statuses to answer with, one after the other; then 200. `hang` answers nothing."""

    url: str = ""
    texts: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    hang: bool = False
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def webhook_server() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.texts.append(json.loads(body)["text"])
            if received.hang:
                received.released.wait(60)
                return
            self.send_response(received.statuses.pop(0) if received.statuses else 200)
            self.send_header("Content-Length", "2")
            self.send_header("Retry-After", "3")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    received.url = f"http://127.0.0.1:{server.server_address[1]}/services/{SECRET}"
    try:
        yield received
    finally:
        received.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
