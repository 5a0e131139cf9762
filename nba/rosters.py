"""Who plays for whom on a date, as far as earlier games tell: a player's team is that of his last game."""

import polars as pl

from nba.lookback import last_games

PLACEHOLDERS_A_TEAM = 10
"""Players expected of a team of which nobody is known: about as many as play, so that coverage falls to zero."""

SEEN_IN_GAMES = 10
"""A team's last games in which a player must have been seen to be expected in its next one."""


def players_of(playing: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Every player of the season whose last game before the day was for a team that plays on the day.

    Args:
        playing: `day`, `season_year`, `team_abbr`, one row a team that plays.
        games: player summaries with player_lookup, player_full_name, team_abbr, season_year, game_date and game_id.

    Returns:
        `day`, `season_year`, `player_lookup`, `team_abbr`, and of the last game `player_full_name`,
        `last_game_date`; sorted by day and player. A player in his first game for a new team on the day itself still
        counts for the old one: nothing before the day says otherwise.
    """
    days = playing.select("day", "season_year").unique(maintain_order=True)
    first_games = games.group_by("season_year", "player_lookup").agg(first_game=pl.col("game_date").min())
    known = days.join(first_games, on="season_year").filter(pl.col("first_game") < pl.col("day")).drop("first_game")
    rows = games.select("season_year", "game_date", "game_id", "player_lookup", "player_full_name", "team_abbr")
    last = last_games(known.sort("day", "player_lookup"), rows, "player_lookup", 1)
    ours = last.join(playing, on=["day", "season_year", "team_abbr"], how="semi", maintain_order="left")
    return ours.drop("game_id", "games_ago").rename({"game_date": "last_game_date"})


def recently_seen(players: pl.DataFrame, playing: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Those of `players_of` who were seen in one of their team's last 10 games."""
    team_games = games.select("season_year", "game_date", "game_id", "team_abbr").unique()
    since = (
        last_games(playing, team_games, "team_abbr", SEEN_IN_GAMES)
        .group_by("day", "team_abbr")
        .agg(since=pl.col("game_date").min())
    )
    seen = players.join(since, on=["day", "team_abbr"], how="inner", maintain_order="left")
    return seen.filter(pl.col("last_game_date") >= pl.col("since")).drop("since")


def placeholders(teams: pl.DataFrame, why: str) -> pl.DataFrame:
    """Ten made-up players a row of `teams`, so that a hole counts as missing players instead of an empty success.

    Adds `player_lookup`, `<why>_mia_01` to `<why>_mia_10`: a name that no player can have, because of its digits.
    """
    numbers = pl.DataFrame({"number": [f"{n:02}" for n in range(1, PLACEHOLDERS_A_TEAM + 1)]})
    name = pl.format("{}_{}_{}", pl.lit(why), pl.col("team_abbr").str.to_lowercase(), "number")
    return teams.join(numbers, how="cross").with_columns(player_lookup=name)
