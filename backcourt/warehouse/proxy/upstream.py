"""The emulator behind the proxy, one call at a time.

bqemulator 1.4 has one DuckDB connection, and with it one transaction at a time. Nothing but the habit of its event loop
keeps two calls apart. So everything that touches data takes a turn here, and a cancel knows whether its job has been
sent. It costs nothing, since the emulator works on one call at a time anyway; only the rows of an open read session,
which it holds in memory, flow beside.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from backcourt.warehouse.proxy.answers import Refused, error_in

_PASSED_ON = frozenset({"content-type", "accept", "if-match", "x-bqemu-caller"})


@dataclass(frozen=True)
class Reply:
    """An answer of the emulator."""

    status: int
    body: bytes
    content_type: str

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.status < 300

    def json(self) -> Any:
        """The body as JSON; an empty object when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


class Upstream:
    """A client of the emulator's REST interface, made inside the event loop. Who holds `turn` may let it work."""

    def __init__(self, base: str) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        self._session = aiohttp.ClientSession(base, timeout=timeout, auto_decompress=False)
        self.turn = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Take a turn and send one call; `path` holds the query string, `body` becomes JSON."""
        async with self.turn:
            return await self.send(method, path, body=body, data=data, headers=headers)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one call; the caller has the turn."""
        kept = {name: value for name, value in (headers or {}).items() if name.lower() in _PASSED_ON}
        if body is not None:
            data, kept = json.dumps(body).encode(), {"content-type": "application/json"}
        async with self._session.request(method, path, data=data, headers=kept) as answer:
            return Reply(answer.status, await answer.read(), answer.headers.get("content-type", "application/json"))

    async def query(self, project: str, sql: str) -> list[list[Any]]:
        """The rows of a query; the caller has the turn.

        Raises:
            Refused: the emulator could not run it.
        """
        body = {"query": sql, "useLegacySql": False}
        reply = await self.send("POST", f"/bigquery/v2/projects/{project}/queries", body=body)
        answer = reply.json()
        error = answer["errors"][0] if answer.get("errors") else None
        if not reply.ok:
            error = error_in(answer, reply.status)
        if error:
            raise Refused(error["reason"], error["message"])
        return [[cell["v"] for cell in row["f"]] for row in answer["rows"]]

    async def count(self, project: str, sql: str) -> int:
        """The number that a `SELECT COUNT(*)` answers; the caller has the turn.

        Raises:
            Refused: the emulator could not run it.
        """
        return int((await self.query(project, sql))[0][0])
