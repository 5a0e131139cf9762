"""Two commits at once, as a service with snapshots would run them.

The emulator runs scripts one after the other, so the second one always sees what the first one wrote, and a commit
whose check protects nothing would pass every test. Here two commit scripts on the same table meet: the checks of both
(every statement that only SELECTs) run before either writes, and the rows that each would change are counted in that
state. Then the first runs whole. The second is cancelled if both change rows of one table; otherwise BigQuery would
let both commit, so the second runs too, without its checks (they passed in its snapshot) and without the clauses that
changed no row there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from backcourt.warehouse.proxy.answers import Refused
from backcourt.warehouse.proxy.changes import Change, changes_in, without
from backcourt.warehouse.proxy.jobs import Job
from backcourt.warehouse.proxy.limits import conflict
from backcourt.warehouse.proxy.upstream import Upstream

Result = dict[str, Any]
RunScript = Callable[[Job, str | None], Awaitable[Result]]


@dataclass(frozen=True)
class Snapshot:
    """What a script would do to the state that it was shown: clauses that change rows there, and those that don't."""

    changing: tuple[Change, ...]
    idle: tuple[Change, ...]

    @property
    def tables(self) -> frozenset[str]:
        """Tables whose rows it changes."""
        return frozenset(change.statement.table for change in self.changing)


@dataclass(eq=False)
class _Pair:
    first: Job
    second: Job | None = None
    met: asyncio.Event = field(default_factory=asyncio.Event)
    second_ended: asyncio.Event = field(default_factory=asyncio.Event)
    second_outcome: "Result | Refused" = field(default_factory=dict)


async def look(upstream: Upstream, job: Job) -> Snapshot:
    """Count the rows that each changing clause of a script would change now."""
    changes = [change for statement in job.statements for change in changes_in(statement)]
    async with upstream.turn:
        counts = [await upstream.count(job.project, change.count_sql) for change in changes]
    by_count = list(zip(changes, counts, strict=True))
    return Snapshot(tuple(c for c, n in by_count if n), tuple(c for c, n in by_count if not n))


class Race:
    """Brings commits on the same table together in pairs."""

    def __init__(self, upstream: Upstream, run_script: RunScript) -> None:
        self._upstream = upstream
        self._run = run_script
        self._waiting: list[_Pair] = []

    async def run(self, job: Job, patience: float) -> Result:
        """Run a commit, together with a rival if one comes within `patience` seconds.

        Raises:
            Refused: its check failed or its transaction was cancelled.
        """
        for pair in self._waiting:
            if not pair.first.done.is_set() and _targets(pair.first) & _targets(job):
                return await self._as_second(pair, job)
        return await self._as_first(_Pair(job), patience)

    async def _as_second(self, pair: _Pair, job: Job) -> Result:
        self._waiting.remove(pair)
        pair.second = job
        pair.first.executing = job.executing = True
        pair.met.set()
        await pair.second_ended.wait()
        return _result(pair.second_outcome)

    async def _as_first(self, pair: _Pair, patience: float) -> Result:
        self._waiting.append(pair)
        try:
            await asyncio.wait_for(pair.met.wait(), patience)
        except TimeoutError:
            pass
        finally:
            if pair in self._waiting:
                self._waiting.remove(pair)
        if pair.second is None:
            return await self._run(pair.first, None)
        try:
            return await self._both(pair, pair.first, pair.second)
        finally:
            pair.second_ended.set()

    async def _both(self, pair: _Pair, first: Job, second: Job) -> Result:
        seen_by_first, seen_by_second = await self._judge(first), await self._judge(second)
        outcome = await self._run_first(first, seen_by_first)
        rival = None if isinstance(outcome, Refused) or isinstance(seen_by_first, Refused) else seen_by_first
        pair.second_outcome = await self._run_second(second, seen_by_second, rival)
        return _result(outcome)

    async def _judge(self, job: Job) -> Snapshot | Refused:
        try:
            for statement in job.statements:
                if statement.is_check:
                    async with self._upstream.turn:
                        await self._upstream.query(job.project, statement.text)
            return await look(self._upstream, job)
        except Refused as failed_check:
            return failed_check

    async def _run_first(self, job: Job, seen: Snapshot | Refused) -> Result | Refused:
        return seen if isinstance(seen, Refused) else await self._caught(job, None)

    async def _run_second(self, job: Job, seen: Snapshot | Refused, rival: Snapshot | None) -> Result | Refused:
        if isinstance(seen, Refused):
            return seen
        if rival is None:
            return await self._caught(job, None)
        taken = seen.tables & rival.tables
        if taken:
            return conflict(job.project, min(taken), job.job_id)
        return await self._caught(job, _blind(job, seen))

    async def _caught(self, job: Job, script: str | None) -> Result | Refused:
        try:
            return await self._run(job, script)
        except Refused as failure:
            return failure


def _targets(job: Job) -> frozenset[str]:
    return frozenset(statement.table for statement in job.statements if statement.table)


def _result(outcome: Result | Refused) -> Result:
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def _blind(job: Job, seen: Snapshot) -> str:
    """The script as its snapshot lets it act: no checks, no clause that changed nothing there."""
    kept = []
    for statement in job.statements:
        idle = frozenset(change.clause for change in seen.idle if change.statement is statement)
        if not statement.is_check:
            kept.append(without(statement, idle) if statement.may_change_rows else statement.text)
    return ";\n".join(text for text in kept if text) + ";"
