"""Which starts are dead, and what of the warehouse's tables and jobs is theirs."""

from datetime import UTC, datetime, timedelta

from backcourt.warehouse.orphans import Orphans, Start, dead_starts, orphans_of
from backcourt.warehouse.requests import TableRef

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)


def start(run: str, number: int, hours_ago: float = 0.1, *, ended: bool = False) -> Start:
    return Start(run, number, NOW - timedelta(hours=hours_ago), ended)


def test_a_start_is_dead_once_it_ended_was_followed_or_fell_silent() -> None:
    alive, ended, followed, silent = start("a", 1), start("b", 1, ended=True), start("c", 1), start("d", 1, 7)
    known = (alive, ended, followed, start("c", 2), silent, start("e", 1, 7))
    assert dead_starts(known, NOW, 6, alive=("e",)) == (ended, followed, silent)


def test_only_what_a_dead_start_made_is_its_own() -> None:
    staging = [
        TableRef("o", name)
        for name in (
            "staging__r_1_games_1",
            "staging__r_2_games_1",
            "staging__r_1_1_games_1",
            "staging__r_1_other_1",
            "staging__games",
        )
    ]
    jobs = ["r-1-games-3-load-1", "r-1-games-3-commit-1", "r-2-games-3-load-1", "r-1-1-games-3-load-1"]
    dead = [start("r", 1, ended=True), start("q", 1, ended=True)]
    assert orphans_of(dead, staging, jobs, ["games"]) == (
        Orphans(dead[0], (TableRef("o", "staging__r_1_games_1"),), ("r-1-games-3-load-1",)),
    )
