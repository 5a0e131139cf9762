"""The source itself: which requests a feed's dates need, and what is asked again.

One request a season for the schedule, one a date and part of the season for box scores and for shots. A date is
settled once all its games are over and each has rows of both teams; an ingest that was interrupted goes on behind
the settled ones.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from nba_api.stats.endpoints._base import Endpoint
from nba_api.stats.endpoints.playergamelogs import PlayerGameLogs
from nba_api.stats.endpoints.scheduleleaguev2 import ScheduleLeagueV2
from nba_api.stats.endpoints.shotchartdetail import ShotChartDetail

from backcourt.clock import Clock
from backcourt.errors import UsageError
from backcourt.pipeline.processor import Feed
from backcourt.sources.folder import fitted
from backcourt.sources.pace import Pace
from backcourt.sources.stats_nba import rows
from backcourt.sources.stats_nba.answers import Answer, Answers, Row
from backcourt.sources.stats_nba.games import (
    ASKED_AS,
    KEPT_COLUMNS,
    Game,
    games_of,
    listed_games,
    season_ends,
    season_name,
    season_of,
)
from backcourt.sources.stats_nba.service import BASE_URL, Manners, StatsService

FIRST_DATE = date(2021, 8, 1)
"""From where on the service is asked when nobody says: the season 2021-22, the pipeline's first."""


@dataclass(frozen=True)
class _Daily:
    """An endpoint that is asked date by date: a result set of it, and how its rows become the feed's.

    `team` is the column that tells the two sides of a game apart.
    """

    result_set: str
    team: str
    columns: tuple[str, ...]
    request: Callable[[date, str, str], Endpoint]
    frame: Callable[[Sequence[Row], Mapping[str, Game]], pl.DataFrame]


def _lines_of(day: date, season: str, part: str) -> Endpoint:
    """Every player's line of a date."""
    return PlayerGameLogs(
        season_nullable=season,
        season_type_nullable=part,
        league_id_nullable="00",
        date_from_nullable=f"{day:%m/%d/%Y}",
        date_to_nullable=f"{day:%m/%d/%Y}",
        get_request=False,
    )


def _shots_of(day: date, season: str, part: str) -> Endpoint:
    """Every attempt of a date; the context measure FGA means made and missed ones (nba_api, issue 87)."""
    return ShotChartDetail(
        team_id=0,
        player_id=0,
        context_measure_simple="FGA",
        season_nullable=season,
        season_type_all_star=part,
        date_from_nullable=f"{day:%m/%d/%Y}",
        date_to_nullable=f"{day:%m/%d/%Y}",
        get_request=False,
    )


DAILY = {
    "player_box_scores": _Daily(
        "PlayerGameLogs", "TEAM_ABBREVIATION", rows.LINE_COLUMNS, _lines_of, rows.box_score_frame
    ),
    "shots": _Daily("Shot_Chart_Detail", "TEAM_NAME", rows.SHOT_COLUMNS, _shots_of, rows.shot_frame),
}
"""Feed to its endpoint."""


class StatsNbaSource:
    """Reads the feeds `schedule`, `player_box_scores` and `shots` from stats.nba.com.

    `folder` keeps the answers; processes that share it take turns. Dates outside `first` to `last` are not asked for,
    whatever range is read: a plan reads the schedule from the beginning of time.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        first: date,
        last: date,
        base_url: str = BASE_URL,
        manners: Manners | None = None,
    ) -> None:
        self._clock, self._first, self._last = clock, first, last
        self._answers = Answers(folder, clock.now())
        self._service = StatsService(Pace(folder / "pace", clock), manners or Manners(), base_url)
        self._games: dict[int, tuple[Game, ...]] = {}

    def read(self, feed: Feed, start: date, end: date) -> pa.Table:
        """The feed's rows from `start` to `end`, both included; see `Source.read`.

        Raises:
            DataError: the service answers in another shape, or refuses.
            SourceUnavailable: the service gives no usable answer.
            UsageError: the service has no such feed.
        """
        start, end = max(start, self._first), min(end, self._last)
        frame = self._frame(feed, start, end)
        schema = pa.schema([column.arrow for column in feed.columns])
        if frame is None or frame.is_empty():
            return schema.empty_table()
        return fitted(frame, feed, "stats.nba.com").to_arrow().cast(schema)

    def _frame(self, feed: Feed, start: date, end: date) -> pl.DataFrame | None:
        """The rows before they are renamed and converted, or None where there are none."""
        if feed.name == "schedule":
            return pl.DataFrame([asdict(game) for game in self._listed(start, end)])
        if feed.name in DAILY:
            return self._of_dates(DAILY[feed.name], start, end)
        if feed.optional:
            return None
        raise UsageError(
            f"stats.nba.com has no {feed.name}.",
            f"Ingest that table from a folder, and the others with --tables schedule,{','.join(DAILY)}.",
        )

    def _listed(self, start: date, end: date) -> list[Game]:
        """Games of the schedule from `start` to `end`."""
        if start > end:
            return []
        seasons = range(season_of(start), season_of(end) + 1)
        return [game for year in seasons for game in self._season(year) if start <= game.game_date <= end]

    def _season(self, year: int) -> tuple[Game, ...]:
        """A season's schedule. It is settled when the season has ended: until then games move and are added."""
        if year not in self._games:
            season, name = season_name(year), f"scheduleleaguev2/{season_name(year)}"
            found = self._answers.find(name, KEPT_COLUMNS)
            if found is None:
                asked_at = self._clock.now()
                answer = self._service.ask(ScheduleLeagueV2(season=season, get_request=False))
                found = tuple(listed_games(answer, season))
                self._answers.keep(name, Answer(found, asked_at.date() > season_ends(year), asked_at))
            self._games[year] = games_of(found, season)
        return self._games[year]

    def _of_dates(self, daily: _Daily, start: date, end: date) -> pl.DataFrame | None:
        """An endpoint's rows of the games that are over, date by date."""
        by_day: dict[date, list[Game]] = {}
        for game in self._listed(start, end):
            by_day.setdefault(game.game_date, []).append(game)
        found = [row for day in sorted(by_day) for row in self._day(daily, day, by_day[day])]
        games = {game.game_id: game for played in by_day.values() for game in played}
        return daily.frame(found, games) if found else None

    def _day(self, daily: _Daily, day: date, games: Sequence[Game]) -> tuple[Row, ...]:
        """An endpoint's rows of one date's games that are over."""
        over = {game.game_id: game for game in games if game.is_over}
        if not over:
            return ()
        parts = sorted({(game.season, game.season_type) for game in over.values()})
        requests = [daily.request(day, season, ASKED_AS[part]) for season, part in parts]
        name = f"{requests[0].endpoint}/{day}"
        found = self._answers.find(name, daily.columns)
        if found is None:
            asked_at = self._clock.now()
            found = tuple(row for request in requests for row in self._rows(daily, request, day))
            sides = Counter(game_id for game_id, _ in {(row["GAME_ID"], row[daily.team]) for row in found})
            whole = all(sides[game_id] == 2 for game_id in over)
            settled = whole and all(game.is_over or game.is_postponed for game in games)
            self._answers.keep(name, Answer(found, settled, asked_at))
        return tuple(row for row in found if row["GAME_ID"] in over)

    def _rows(self, daily: _Daily, request: Endpoint, day: date) -> list[dict[str, Any]]:
        where = f"stats.nba.com/{request.endpoint}, {day},"
        return rows.taken_rows(self._service.ask(request), daily.result_set, daily.columns, where)
