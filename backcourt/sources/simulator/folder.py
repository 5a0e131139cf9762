"""Writes a simulated league into a folder, as the Parquet files that real games come in, one of a kind a season."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from backcourt.errors import UsageError
from backcourt.sources.simulator import tables
from backcourt.sources.simulator.playing import SeasonPlay
from backcourt.sources.simulator.reports import Reports
from backcourt.sources.simulator.season import season_on


@dataclass(frozen=True)
class Written:
    """What was written: games that were played, dates with such a game, lines of box scores, shots."""

    games: int
    dates: int
    lines: int
    shots: int
    files: tuple[Path, ...]


def write_league(folder: Path, seed: int, start: date, end: date, ahead: int = 0) -> Written:
    """Write the games from `start` to `end`, both included; the same seed and dates give the same rows.

    A longer range holds the rows of a shorter one unchanged. The schedule is written after what it promises, so that
    a folder with a season's schedule is complete for that season.

    Args:
        folder: where the files go; made if it is missing. Files of the same seasons are replaced.
        seed: which league.
        start: first date.
        end: last date whose games have been played.
        ahead: days after `end` whose games are in the schedule, still to be played; the first of them has lines and
            an injury report too, as on the day itself.

    Raises:
        UsageError: the dates hold no game, or belong to a season that the simulator does not know.
    """
    if end < start:
        raise UsageError(f"The simulation would end on {end}, before it starts.", f"Give an end from {start} on.")
    if ahead < 0:
        raise UsageError(f"A schedule cannot look {ahead} days ahead.", "Give 0 days or more.")
    seasons = [_season(seed, year, start, end, ahead) for year in range(season_on(start), season_on(end) + 1)]
    if not any(len(season.box_scores) for season in seasons):
        raise UsageError(f"No game is played from {start} to {end}.", "Seasons run from October to June.")
    folder.mkdir(parents=True, exist_ok=True)
    files = [file for season in seasons for file in season.write(folder)]
    files.append(_write(tables.players([season.shots for season in seasons]), folder / "players.parquet"))
    dates = pl.concat([season.box_scores.select("game_id", "game_date") for season in seasons])
    return Written(
        games=dates["game_id"].n_unique(),
        dates=dates["game_date"].n_unique(),
        lines=len(dates),
        shots=sum(len(season.shots) for season in seasons),
        files=tuple(files),
    )


@dataclass(frozen=True)
class _SeasonTables:
    """A season's tables; `suffix` ends their files' names: '2023_24'."""

    suffix: str
    box_scores: pl.DataFrame
    shots: pl.DataFrame
    reports: Reports
    schedule: pl.DataFrame

    def write(self, folder: Path) -> list[Path]:
        """Write those that have rows, the schedule last."""
        named = (
            ("box_scores", self.box_scores),
            ("shots", self.shots),
            ("player_props", self.reports.props),
            ("injury_report", self.reports.injuries),
            ("schedule", self.schedule),
        )
        return [_write(table, folder / f"{name}_{self.suffix}.parquet") for name, table in named if len(table)]


def _season(seed: int, year: int, start: date, end: date, ahead: int) -> _SeasonTables:
    """Play a season's games in the range and tabulate them.

    Raises:
        UsageError: the simulator does not know the season.
    """
    league = SeasonPlay(seed, year)
    games = list(league.played(start, end))
    listed = tables.within(league.schedule, start, end + timedelta(days=ahead))
    listed += [played.game for played in games if played.game.season_type != "regular"]
    scores = {played.game.game_id: (played.boxes[0].score, played.boxes[1].score) for played in games}
    return _SeasonTables(
        suffix=league.season.label.replace("-", "_"),
        box_scores=tables.box_scores(league.season, games),
        shots=tables.shots(league.season, games),
        reports=league.reports(game for game in listed if game.day <= end + timedelta(days=1)),
        schedule=tables.schedule(league.season, listed, scores),
    )


def _write(table: pl.DataFrame, path: Path) -> Path:
    """Write a table whole or not at all."""
    partial = path.with_suffix(".partial")
    table.write_parquet(partial, compression="zstd")
    return partial.replace(path)
