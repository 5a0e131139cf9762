"""What a team does in a game, on average over many games, since the league has recorded it.

Source: Basketball-Reference, NBA League Averages, per game (read 2026-11). Over the seasons 1996-97 to 2024-25 a team
and game had 4.5 to 5.5 blocks, 6.9 to 8.4 steals, 12.4 to 15.9 turnovers, 91.6 to 114.7 points, 20.5 to 27.0 assists,
17.7 to 23.5 fouls and a pace of 88.9 to 100.3. The ranges leave room for a month that is unlike its season; they are
told apart where columns change names: no mean of turnovers is one of steals or blocks. The spreads are the standard
deviations of single team games of the season 2023-24, rounded up.
"""

from backcourt.pipeline.plausibility import Plausible

TEAM_GAME = ("game_id", "team_abbr")


def of_players(*, blocks: str, steals: str, turnovers: str, points: str, assists: str) -> tuple[Plausible, ...]:
    """Ranges of a table of players, whose columns are summed by team and game; the names are the table's."""
    return (
        Plausible(blocks, 3, 7, 2.6, TEAM_GAME),
        Plausible(steals, 5, 10, 3.0, TEAM_GAME),
        Plausible(turnovers, 10, 17, 4.0, TEAM_GAME),
        Plausible(points, 85, 130, 13.0, TEAM_GAME),
        Plausible(assists, 18, 32, 5.5, TEAM_GAME),
    )


OF_TEAMS = (
    Plausible("turnovers", 10, 17, 4.0),
    Plausible("points_scored", 85, 130, 13.0),
    Plausible("assists", 18, 32, 5.5),
    Plausible("pace", 90, 110, 5.0),
    Plausible("offensive_rating", 95, 125, 12.0),
)
"""Ranges of a table with one row a team and game."""
