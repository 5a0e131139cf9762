"""How the runs of one BigQuery project share its budget: who may have how many permits of each kind, as plain values.

The runs keep one small object together, a row for each, and change it by compare-and-swap only. A row's `permits` are
the run's share. Three rules:

- The shares of a kind never add up to more than the budget, so that permits never do. A run grows only into what is
  free. One that has more than its part stops granting first, and gives back only what is no longer in flight.
- Everybody gets one permit of a kind before anybody gets two, nightly runs before backfills; what is left goes to the
  nightly runs, then to the backfills, evenly. Where the budget of a kind is two or more, backfills leave one alone, so
  that a nightly run never waits for its first.
- A row that is no longer renewed keeps its share until the jobs of its run are known to have ended.

No clock and no I/O in here: `ray_tasks/share_keeper.py` reads, asks these functions, and swaps.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

Amounts = Mapping[str, int]
"""Permits by kind."""


class Priority(StrEnum):
    """Who comes first."""

    DAILY = "daily"
    BACKFILL = "backfill"


@dataclass(frozen=True)
class Wish:
    """What a run asks for.

    `run` names one start of it: every job id of the start begins with it and a hyphen. `budget` is what the run was
    set to, `wanted` what it could use of that.
    """

    run: str
    priority: Priority
    budget: Amounts
    wanted: Amounts


@dataclass(frozen=True)
class Share:
    """A run's row. `renewed_at` (UTC) is compared, never subtracted; `left` says that the run has ended."""

    wish: Wish
    permits: Amounts
    renewed_at: datetime
    left: bool = False

    @property
    def run(self) -> str:
        """The run's name."""
        return self.wish.run


Shares = tuple[Share, ...]
"""The whole object: rows in the order of arrival."""


def budget_of(shares: Shares, kind: str, gone: Collection[str]) -> int:
    """The budget of a kind that holds: the largest that a living run was set to. Each also keeps within its own."""
    return max((share.wish.budget.get(kind, 0) for share in shares if share.run not in gone), default=0)


def announced(shares: Shares, wish: Wish, now: datetime) -> Shares:
    """The rows with this run's wish renewed; a run that has no row (any more) enters with nothing."""
    if wish.run not in (share.run for share in shares):
        return (*shares, Share(wish, dict.fromkeys(wish.wanted, 0), now))
    return tuple(replace(s, wish=wish, renewed_at=now, left=False) if s.run == wish.run else s for s in shares)


def targets(shares: Shares, kind: str, gone: Collection[str]) -> dict[str, int]:
    """How many permits of a kind each living run ought to have; together never more than the gone leave of the budget.

    Args:
        shares: every row.
        kind: which permits.
        gone: runs that have ended or were not renewed; they keep what they have.
    """
    living = [share.wish for share in shares if share.run not in gone]
    nightly = [wish for wish in living if wish.priority is Priority.DAILY]
    backfills = [wish for wish in living if wish.priority is not Priority.DAILY]
    budget = budget_of(shares, kind, gone)
    room = budget - sum(share.permits.get(kind, 0) for share in shares if share.run in gone)
    given = {wish.run: 0 for wish in living}
    room = _deal(given, nightly, kind, room, 1)
    kept = _kept(budget, sum(given.values()))
    room = _deal(given, backfills, kind, room - kept, 1) + kept
    room = _deal(given, nightly, kind, room, budget)
    _deal(given, backfills, kind, room - _kept(budget, sum(given[wish.run] for wish in nightly)), budget)
    return given


def target_of(shares: Shares, run: str, gone: Collection[str]) -> dict[str, int]:
    """How many permits of each kind one run ought to have."""
    mine = next(share for share in shares if share.run == run)
    return {kind: targets(shares, kind, gone)[run] for kind in mine.wish.wanted}


def settled(shares: Shares, run: str, target: Amounts, in_flight: Amounts, gone: Collection[str]) -> Shares:
    """The rows with this run's share moved towards its target, as far as it may go now.

    Args:
        shares: every row, the run's own among them.
        run: whose share moves.
        target: what `target_of` said; the run has already stopped granting beyond it.
        in_flight: permits of each kind that the run has out.
        gone: runs that have ended or were not renewed.
    """
    mine = next(share for share in shares if share.run == run)
    permits = {}
    for kind, aim in target.items():
        has = mine.permits.get(kind, 0)
        if aim > has:
            permits[kind] = min(aim, has + _free(shares, mine, kind, gone))
        else:
            permits[kind] = max(aim, min(has, in_flight.get(kind, 0)))
    return tuple(replace(share, permits=permits) if share.run == run else share for share in shares)


def parted(shares: Shares, run: str, in_flight: Amounts) -> Shares:
    """The rows after a run's end: without it, or with what it left in flight until its jobs have ended."""
    if not any(in_flight.values()):
        return without(shares, {run})
    return tuple(replace(s, permits=in_flight, left=True) if s.run == run else s for s in shares)


def without(shares: Shares, ended: Collection[str]) -> Shares:
    """The rows of all others: the jobs of these are known to have ended."""
    return tuple(share for share in shares if share.run not in ended)


class Sightings:
    """When each row was last seen to change, by one watcher's own clock: no two clocks are ever compared."""

    def __init__(self) -> None:
        """Nothing has been seen."""
        self._seen: dict[str, tuple[datetime, float]] = {}

    def look(self, shares: Shares, now: float) -> None:
        """Note what is there, at `now` in seconds of a clock that never goes backwards."""
        known = self._seen
        self._seen = {
            share.run: known[share.run]
            if share.run in known and known[share.run][0] == share.renewed_at
            else (share.renewed_at, now)
            for share in shares
        }

    def silent_for(self, seconds: float, now: float) -> frozenset[str]:
        """Runs whose row was not renewed for at least so long, under this watcher's eyes."""
        return frozenset(run for run, (_, since) in self._seen.items() if now - since >= seconds)


def _kept(budget: int, of_nightly: int) -> int:
    """Permits that backfills leave alone: one, unless a nightly run has it or there is but one."""
    return 1 if budget > 1 and not of_nightly else 0


def _free(shares: Shares, mine: Share, kind: str, gone: Collection[str]) -> int:
    """Permits of a kind that nobody has and this run may take."""
    budget = budget_of(shares, kind, gone)
    free = budget - sum(share.permits.get(kind, 0) for share in shares)
    if mine.wish.priority is not Priority.DAILY:
        nightly = [s for s in shares if s.wish.priority is Priority.DAILY and s.run not in gone]
        free -= _kept(budget, sum(share.permits.get(kind, 0) for share in nightly))
    return max(0, free)


def _deal(given: dict[str, int], wishes: Sequence[Wish], kind: str, room: int, most: int) -> int:
    """Give one permit after the other, in turns, to whoever wants more and has fewer than `most`; what room is left."""
    open_wishes = list(wishes)
    while room > 0 and open_wishes:
        open_wishes = [w for w in open_wishes if given[w.run] < min(most, w.wanted.get(kind, 0))]
        for wish in open_wishes[:room]:
            given[wish.run] += 1
        room -= min(room, len(open_wishes))
    return room
