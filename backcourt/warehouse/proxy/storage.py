"""The Storage Read API, passed through and counted. Messages are never decoded: bytes in, bytes out."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio

from backcourt.warehouse.proxy.counters import Counters
from backcourt.warehouse.proxy.faults import Faults
from backcourt.warehouse.proxy.settings import Settings
from backcourt.warehouse.proxy.statements import JobKind
from backcourt.warehouse.proxy.upstream import Upstream

_SERVICE = "/google.cloud.bigquery.storage.v1.BigQueryRead/"
_SESSION = re.compile(rb"/sessions/([^/]+)/streams/")
_ANY_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
_CODES = {"rateLimitExceeded": grpc.StatusCode.RESOURCE_EXHAUSTED, "notFound": grpc.StatusCode.NOT_FOUND}


class StorageProxy(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """CreateReadSession, ReadRows and SplitReadStream between clients and the emulator.

    A read is in flight while its session is created and while any of its streams is open, however many there are.
    """

    def __init__(
        self,
        target: str,
        upstream: Upstream,
        counters: Counters,
        settings: Callable[[], Settings],
        faults: Callable[[], Faults],
    ) -> None:
        self._channel = grpc.aio.insecure_channel(target, options=_ANY_SIZE)
        self._upstream = upstream
        self._counters = counters
        self._settings = settings
        self._faults = faults
        self._open: Counter[bytes] = Counter()
        self._server = grpc.aio.server(options=[*_ANY_SIZE, ("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers([self])

    async def start(self, address: str, port: int) -> int:
        """Listen; returns the port."""
        bound = int(self._server.add_insecure_port(f"{address}:{port}"))
        await self._server.start()
        return bound

    async def stop(self) -> None:
        """Let open streams end, for two seconds at most."""
        await self._server.stop(grace=2.0)
        await self._channel.close()

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a method; None for one that is not of this service (grpc's interface)."""
        match handler_call_details.method.removeprefix(_SERVICE):
            case "CreateReadSession":
                return grpc.unary_unary_rpc_method_handler(self._create_session)
            case "ReadRows":
                return grpc.unary_stream_rpc_method_handler(self._read_rows)
            case "SplitReadStream":
                return grpc.unary_unary_rpc_method_handler(self._split)
        return None

    async def _create_session(self, request: bytes, context: Any) -> bytes:
        self._counters.request("storage.createReadSession")
        with self._counters.flight(JobKind.READ):
            await self._stumble(context)
            await asyncio.sleep(self._settings().latency.get(JobKind.READ, 0.0))
            self._counters.jobs[JobKind.READ] += 1
            async with self._upstream.turn:
                return await self._unary("CreateReadSession", request, context)

    async def _split(self, request: bytes, context: Any) -> bytes:
        self._counters.request("storage.splitReadStream")
        return await self._unary("SplitReadStream", request, context)

    async def _unary(self, method: str, request: bytes, context: Any) -> bytes:
        call = self._channel.unary_unary(_SERVICE + method)
        try:
            return bytes(await call(request, metadata=_passed_on(context)))
        except grpc.aio.AioRpcError as error:
            return bytes(await context.abort(error.code(), error.details()))

    async def _read_rows(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        self._counters.request("storage.readRows")
        with self._streaming(request):
            await self._stumble(context)
            call = self._channel.unary_stream(_SERVICE + "ReadRows")(request, metadata=_passed_on(context))
            try:
                async for message in call:
                    self._counters.bytes_read += len(message)
                    yield message
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details())
            finally:
                call.cancel()

    @contextmanager
    def _streaming(self, request: bytes) -> Iterator[None]:
        found = _SESSION.search(request)
        session = found[1] if found else request
        self._open[session] += 1
        if self._open[session] == 1:
            self._counters.began(JobKind.READ)
        try:
            yield
        finally:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]
                self._counters.ended(JobKind.READ)

    async def _stumble(self, context: Any) -> None:
        fault = self._faults().draw("read", JobKind.READ)
        if fault is None:
            return
        self._counters.faults[fault.mode] += 1
        if fault.mode == "delay":
            await asyncio.sleep(fault.seconds)
        else:
            code = _CODES.get(fault.reason, grpc.StatusCode.UNAVAILABLE)
            await context.abort(code, f"The proxy answers {fault.reason}, as it was asked to.")


def _passed_on(context: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in context.invocation_metadata() if name.startswith("x-goog"))
