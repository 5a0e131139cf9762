"""Who ought to have how many permits: figures worked out by hand from the rules."""

from datetime import UTC, datetime, timedelta

import pytest

from backcourt.pipeline.shares import (
    Priority,
    Share,
    Shares,
    Sightings,
    Wish,
    announced,
    parted,
    settled,
    target_of,
    targets,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def row(name: str, has: int = 0, budget: int = 16, wants: int | None = None) -> Share:
    """A row of one kind; names that begin with `d` are nightly runs."""
    priority = Priority.DAILY if name.startswith("d") else Priority.BACKFILL
    wanted = {"query": budget if wants is None else wants}
    return Share(Wish(name, priority, {"query": budget}, wanted), {"query": has}, NOW)


def held(shares: Shares) -> dict[str, int]:
    return {share.run: share.permits["query"] for share in shares}


def moved(shares: Shares, run: str, in_flight: int = 0, gone: frozenset[str] = frozenset()) -> dict[str, int]:
    """What all have after one run has looked."""
    return held(settled(shares, run, target_of(shares, run, gone), {"query": in_flight}, gone))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("b")], {"b": 15}),  # one is kept for a nightly run
        ([row("d")], {"d": 16}),
        ([row("b", budget=1)], {"b": 1}),  # too few to keep one
        ([row("b", budget=2)], {"b": 1}),
        ([row("b1"), row("b2")], {"b1": 8, "b2": 7}),
        ([row("b1"), row("d1"), row("b2")], {"b1": 1, "d1": 14, "b2": 1}),
        ([row("d1"), row("d2"), row("b")], {"d1": 8, "d2": 7, "b": 1}),
        ([row("b1"), row("b2", wants=3)], {"b1": 12, "b2": 3}),
        ([row("b"), row("d", wants=4)], {"b": 12, "d": 4}),
        ([row(f"b{n}", budget=4) for n in range(5)], {"b0": 1, "b1": 1, "b2": 1, "b3": 0, "b4": 0}),
        ([row("b1", budget=1), row("b2", budget=1), row("d", budget=1)], {"b1": 0, "b2": 0, "d": 1}),
        ([row("b1", budget=4), row("b2")], {"b1": 4, "b2": 11}),  # a run never has more than it was set to
    ],
)
def test_what_each_run_ought_to_have(rows: list[Share], expected: dict[str, int]) -> None:
    assert targets(tuple(rows), "query", ()) == expected


def test_a_gone_run_keeps_what_it_has_and_the_others_share_the_rest() -> None:
    rows = (row("gone", 10), row("b1", 5), row("b2"))
    assert targets(rows, "query", {"gone"}) == {"b1": 3, "b2": 2}
    assert targets((row("gone", 16, budget=16), row("b", budget=4)), "query", {"gone"}) == {"b": 0}


def test_a_run_takes_only_what_is_free() -> None:
    assert moved((row("b1", 15), row("b2")), "b2") == {"b1": 15, "b2": 0}
    assert moved((row("b1", 11), row("b2")), "b2") == {"b1": 11, "b2": 4}
    assert moved((row("b1", 15), row("d")), "d") == {"b1": 15, "d": 1}


def test_a_run_gives_up_only_what_is_no_longer_in_flight() -> None:
    rows = (row("b1", 15), row("b2"))
    assert moved(rows, "b1", in_flight=12) == {"b1": 12, "b2": 0}
    assert moved(rows, "b1", in_flight=3) == {"b1": 8, "b2": 0}
    assert moved(rows, "b1", in_flight=99) == {"b1": 15, "b2": 0}


def test_a_lowered_budget_shrinks_shares_and_nobody_grows_until_they_fit() -> None:
    low = (row("b1", 8, budget=6), row("b2", 1, budget=6))
    assert moved(low, "b2", in_flight=1) == {"b1": 8, "b2": 1}  # it ought to have two
    assert moved(low, "b1", in_flight=5) == {"b1": 5, "b2": 1}
    fits = (row("b1", 3, budget=6), row("b2", 1, budget=6))
    assert moved(fits, "b2", in_flight=1) == {"b1": 3, "b2": 2}


def test_a_run_that_lost_its_row_enters_with_nothing() -> None:
    before = (row("b1", 8),)
    after = announced(before, row("b2").wish, NOW)
    assert held(after) == {"b1": 8, "b2": 0}
    again = announced(after, row("b1").wish, NOW + timedelta(seconds=5))
    assert held(again) == {"b1": 8, "b2": 0}
    assert again[0].renewed_at == NOW + timedelta(seconds=5)


def test_a_run_that_ends_leaves_a_row_only_for_what_is_in_flight() -> None:
    rows = (row("b1", 8), row("b2", 7))
    assert parted(rows, "b1", {"query": 0}) == (row("b2", 7),)
    left = parted(rows, "b1", {"query": 2})
    assert held(left) == {"b1": 2, "b2": 7}
    assert [share.left for share in left] == [True, False]


def test_silence_counts_from_when_the_watcher_saw_the_row_change() -> None:
    seen, later = Sightings(), NOW - timedelta(days=1)  # a clock that went backwards is a renewal, too
    seen.look((row("b1"), row("b2")), 100.0)
    seen.look((row("b1"), Share(row("b2").wish, {}, later)), 130.0)
    assert seen.silent_for(30.0, 129.9) == set()
    assert seen.silent_for(30.0, 130.0) == {"b1"}
    assert seen.silent_for(30.0, 160.0) == {"b1", "b2"}
    seen.look((), 170.0)
    assert seen.silent_for(30.0, 999.0) == set()
