"""The proxy's own interface, from the outside: what tests, benchmarks and the `emulator` command ask of it."""

import json
import urllib.request
from typing import Any

from backcourt.warehouse.endpoint import Endpoint


class ProxyControl:
    """Reads the counters and changes the settings of a running proxy."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._base = f"{endpoint.rest}/_backcourt"

    def counters(self) -> dict[str, Any]:
        """All counts, as `Counters.as_json` describes them."""
        return self._call("GET", "counters", None)

    def reset(self) -> None:
        """Set the counts to zero; what is in flight stays counted."""
        self._call("POST", "reset", {})

    def change(self, **settings: Any) -> dict[str, Any]:
        """Change settings by name, as `Settings` describes them; returns all that are now in force."""
        return self._call("POST", "settings", settings)

    def _call(self, method: str, name: str, body: Any) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self._base}/{name}", data, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback, our own server
            return dict(json.load(answer))
