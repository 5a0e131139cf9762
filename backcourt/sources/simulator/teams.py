"""The league's thirty teams: ids, tricodes and names are the NBA's, so that the simulated files look like real ones."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Team:
    """One team; `division` is 0 to 2 within its conference, `timezone` the IANA zone of its arena."""

    team_id: int
    tricode: str
    name: str
    conference: str
    division: int
    timezone: str


_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)

TEAMS = (
    Team(1610612738, "BOS", "Boston Celtics", "East", 0, _EASTERN),
    Team(1610612751, "BKN", "Brooklyn Nets", "East", 0, _EASTERN),
    Team(1610612752, "NYK", "New York Knicks", "East", 0, _EASTERN),
    Team(1610612755, "PHI", "Philadelphia 76ers", "East", 0, _EASTERN),
    Team(1610612761, "TOR", "Toronto Raptors", "East", 0, "America/Toronto"),
    Team(1610612741, "CHI", "Chicago Bulls", "East", 1, _CENTRAL),
    Team(1610612739, "CLE", "Cleveland Cavaliers", "East", 1, _EASTERN),
    Team(1610612765, "DET", "Detroit Pistons", "East", 1, "America/Detroit"),
    Team(1610612754, "IND", "Indiana Pacers", "East", 1, "America/Indiana/Indianapolis"),
    Team(1610612749, "MIL", "Milwaukee Bucks", "East", 1, _CENTRAL),
    Team(1610612737, "ATL", "Atlanta Hawks", "East", 2, _EASTERN),
    Team(1610612766, "CHA", "Charlotte Hornets", "East", 2, _EASTERN),
    Team(1610612748, "MIA", "Miami Heat", "East", 2, _EASTERN),
    Team(1610612753, "ORL", "Orlando Magic", "East", 2, _EASTERN),
    Team(1610612764, "WAS", "Washington Wizards", "East", 2, _EASTERN),
    Team(1610612743, "DEN", "Denver Nuggets", "West", 0, _MOUNTAIN),
    Team(1610612750, "MIN", "Minnesota Timberwolves", "West", 0, _CENTRAL),
    Team(1610612760, "OKC", "Oklahoma City Thunder", "West", 0, _CENTRAL),
    Team(1610612757, "POR", "Portland Trail Blazers", "West", 0, _PACIFIC),
    Team(1610612762, "UTA", "Utah Jazz", "West", 0, _MOUNTAIN),
    Team(1610612744, "GSW", "Golden State Warriors", "West", 1, _PACIFIC),
    Team(1610612746, "LAC", "LA Clippers", "West", 1, _PACIFIC),
    Team(1610612747, "LAL", "Los Angeles Lakers", "West", 1, _PACIFIC),
    Team(1610612756, "PHX", "Phoenix Suns", "West", 1, "America/Phoenix"),
    Team(1610612758, "SAC", "Sacramento Kings", "West", 1, _PACIFIC),
    Team(1610612742, "DAL", "Dallas Mavericks", "West", 2, _CENTRAL),
    Team(1610612745, "HOU", "Houston Rockets", "West", 2, _CENTRAL),
    Team(1610612763, "MEM", "Memphis Grizzlies", "West", 2, _CENTRAL),
    Team(1610612740, "NOP", "New Orleans Pelicans", "West", 2, _CENTRAL),
    Team(1610612759, "SAS", "San Antonio Spurs", "West", 2, _CENTRAL),
)
"""All teams; a division's five stand together. Elsewhere in the simulator a team is its place in this tuple."""
