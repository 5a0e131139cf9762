"""When seasons begin, pause and end: as the NBA published it where it did, by the same rule afterwards."""

from datetime import date

import polars as pl
import pytest

from backcourt.sources.simulator.playing import SeasonPlay
from backcourt.sources.simulator.season import game_days, season_days
from backcourt.sources.simulator.tables import schedule

PUBLISHED = (  # the NBA's schedules: first and last day of the regular season, first day of the All-Star break
    (2021, date(2021, 10, 19), date(2022, 4, 10), date(2022, 2, 18)),
    (2022, date(2022, 10, 18), date(2023, 4, 9), date(2023, 2, 17)),
    (2023, date(2023, 10, 24), date(2024, 4, 14), date(2024, 2, 16)),
    (2024, date(2024, 10, 22), date(2025, 4, 13), date(2025, 2, 14)),
    (2025, date(2025, 10, 21), date(2026, 4, 12), date(2026, 2, 13)),
)


@pytest.mark.parametrize(("year", "first", "last", "break_start"), PUBLISHED)
def test_the_rule_gives_the_published_days(year: int, first: date, last: date, break_start: date) -> None:
    days = season_days(year)
    assert (days.first, days.last, days.break_start) == (first, last, break_start)


def test_nobody_plays_on_an_election_to_come() -> None:
    assert date(2028, 11, 7) not in game_days(2028)  # the presidential election of 2028
    assert date(2028, 11, 6) in game_days(2028)


@pytest.mark.parametrize("year", [2026, 2060, 2098])
def test_a_season_to_come_is_as_long_as_those_before(year: int) -> None:
    play = SeasonPlay(7, year)
    games = schedule(play.season, play.schedule, {})
    assert len(games) == 1230
    assert 155 <= games["game_date"].n_unique() <= 166
    played = pl.concat([games.select(team="home_team"), games.select(team="away_team")])
    assert set(played["team"].value_counts()["count"]) == {82}
