"""A server that answers requests by a function, one after the other, in JSON or in plain text."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[str, str, dict[str, Any]], tuple[int, Any]]
"""From method, address and body to a code and what is told; text goes as it is."""


@contextmanager
def json_server(answer: Answer, date: str = "") -> Iterator[str]:
    """Serve on a free port of this machine; the address. `date` stands in the Date header instead of the present."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        do_PUT = do_POST  # noqa: N815 (the name that http.server looks for)

        def _answer(self, body: dict[str, Any]) -> None:
            with lock:
                code, told = answer(self.command, self.path, body)
            data = told.encode() if isinstance(told, str) else json.dumps(told).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return date or super().date_time_string(timestamp)

        def log_message(self, *_: Any) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
