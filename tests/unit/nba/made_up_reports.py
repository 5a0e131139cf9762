"""Made-up lines and injury reports for the players of given box scores: the real files have none."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import polars as pl
import pyarrow as pa

from backcourt.pipeline.processor import Feed
from backcourt.sources.source import Source
from nba.raw import injury_report, player_box_scores, player_props

Row = dict[str, Any]


def reports(chance: random.Random, lines: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by feed: lines by up to three bookmakers, some of them twice, and an injury report on every ninth player.

    On every fifth day of a month nobody offers a line, on every seventh there is no injury report.
    """
    made: dict[str, list[Row]] = {player_props.FEED.name: [], injury_report.FEED.name: []}
    for line in lines:
        day = line["game_date"]
        who = {c: line[c] for c in ("game_date", "player_full_name")}
        seen = datetime.combine(day, time(12), UTC)
        for bookmaker in chance.sample(("aces", "kings", "queens"), chance.randint(1, 3)):
            for hour in range(chance.choice([0, 1, 1, 2]) if day.day % 5 else 0):
                opening = None if chance.random() < 0.2 else chance.randint(10, 60) / 2
                offer = {"bookmaker": bookmaker, "points_line": chance.randint(10, 60) / 2, "opening_line": opening}
                made["player_props"].append({**who, **offer, "snapshot_at": seen + timedelta(hours=hour)})
        if day.day % 7 and chance.random() < 0.12:
            status = chance.choice(("Available", "Probable", "Questionable", "Doubtful", "Out", "Out"))
            made["injury_report"].append({**who, "injury_status": status, "reason": "Ankle", "report_at": seen})
    return made


def as_feed(rows: Iterable[Row], feed: Feed, start: date, end: date) -> pa.Table:
    """The rows from `start` to `end` as the feed delivers them; columns that are not given are NULL."""
    wanted = [row for row in rows if start <= row[feed.partition_by] <= end]
    columns = {c.name: [row.get(c.name) for row in wanted] for c in feed.columns}
    return pa.table(columns, schema=pa.schema([c.arrow for c in feed.columns]))


@dataclass(frozen=True)
class WithReports:
    """A source, and reports made up for the players in its box scores of the given dates."""

    source: Source
    first: date
    last: date

    def read(self, feed: Feed, start: date, end: date) -> pa.Table:
        """The reports' rows, or those of the source."""
        if feed.name in self._reports:
            return as_feed(self._reports[feed.name], feed, start, end)
        return self.source.read(feed, start, end)

    @cached_property
    def _reports(self) -> dict[str, list[Row]]:
        rows = pl.from_arrow(self.source.read(player_box_scores.FEED, self.first, self.last))
        assert isinstance(rows, pl.DataFrame)
        lines = rows.select("game_date", "game_id", "player_full_name").sort("game_id", "player_full_name")
        return reports(random.Random(5), lines.to_dicts())
