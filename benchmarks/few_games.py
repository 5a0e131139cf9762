"""A league's files thinned out: every date keeps its first games, so that ten times the dates fit into an hour."""

from pathlib import Path

import polars as pl


def keep_games(folder: Path, games: int) -> None:
    """Leave the first `games` games of each date in a simulated league's files, and what belongs to them."""
    for schedule in sorted(folder.glob("schedule_*.parquet")):
        kept = pl.read_parquet(schedule).sort("game_date", "game_id")
        kept = kept.filter(pl.int_range(pl.len()).over("game_date") < games)
        teams = pl.concat([kept.select("game_date", team=side) for side in ("home_team", "away_team")])
        season = schedule.name.removeprefix("schedule")
        for kind in ("box_scores", "shots", "player_props"):
            _keep(folder / f"{kind}{season}", kept.select("game_id"))
        _keep(folder / f"injury_report{season}", teams)
        kept.write_parquet(schedule)


def _keep(file: Path, wanted: pl.DataFrame) -> None:
    if file.exists():
        pl.read_parquet(file).join(wanted, on=wanted.columns, how="semi").write_parquet(file)
