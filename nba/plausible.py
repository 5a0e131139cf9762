"""What a team does in a game, on average over many games, in any season that the pipeline covers or is like.

Sources: the real season 2023-24 has 5.0 to 5.4 blocks, 7.2 to 8.2 steals, 12.5 to 14.3 turnovers, 111 to 117 points,
25.1 to 27.2 assists and a pace of 98 to 102 in each of its months. Points of whole seasons have been 91.6 (1998-99) to
118.8 (1961-62) since there is a shot clock, assists 21.3 in 2006-07 (The Painted Area of 2007-10-17, after
Basketball-Reference's league averages; Charted Interests, A history of NBA scoring trends; both read 2026-11); pace was
90.7 in 2008-09 (Basketball Prospectus of 2009-12-02). The ranges leave room around that and still tell apart columns
that change names: no mean of turnovers is one of steals or blocks, none of steals one of blocks. The spreads are the
standard deviations of single team games of 2023-24, rounded up.
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
