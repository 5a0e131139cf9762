"""A small made-up league, written to try every processor: two seasons, overtime, trades, holes, odd minutes, ties.

It is a Source: the same seed gives the same rows. Figures are random and mean nothing; what is deliberate is listed
beside each constant.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from backcourt.pipeline.processor import Feed
from nba.raw import player_box_scores, schedule, shots
from nba.teams import TRICODES
from tests.unit.nba.made_up_reports import as_feed, reports

Row = dict[str, Any]

SEASONS = {2022: (date(2022, 10, 18), 26), 2023: (date(2023, 10, 24), 62)}
"""Season to first date and length in days: the second one leaves its bootstrap days and fills every window."""

TEAMS = tuple(sorted(set(TRICODES.values())))[:12]
"""Twelve teams: more than the ten that the league's figures need."""

PLAYERS_A_TEAM = 7
NO_BOX_SCORE_AFTER = 55
"""Games of the second season's last days have shots and no box scores."""

ZONES = ("Restricted Area", "In The Paint (Non-RA)", "Mid-Range", "Left Corner 3", "Above the Break 3", "Backcourt")


@dataclass
class SmallLeague:
    """The league's feeds by name, made by the constructor."""

    seed: int = 1
    rows: Mapping[str, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        made: dict[str, list[Row]] = {m.FEED.name: [] for m in (schedule, player_box_scores, shots)}
        for year, (first, days) in SEASONS.items():
            for offset in range(days):
                self._play_day(chance, made, year, first + timedelta(days=offset), offset)
        made |= reports(random.Random(-self.seed), made["player_box_scores"])
        self.rows = made

    def read(self, feed: Feed, start: date, end: date) -> pa.Table:
        """The feed's rows from `start` to `end`; a feed that the league does not know has none."""
        return as_feed(self.rows.get(feed.name, []), feed, start, end)

    def _play_day(self, chance: random.Random, made: dict[str, list[Row]], year: int, day: date, offset: int) -> None:
        """About four games, none on every ninth day; now and then one is postponed."""
        if offset % 9 == 8:
            return
        playing = chance.sample(TEAMS, 8)
        for number, (home, away) in enumerate(zip(playing[::2], playing[1::2], strict=True)):
            game = {
                "game_id": f"002{year % 100}{offset:03}{number:02}",
                "game_date": day,
                "season": f"{year}-{(year + 1) % 100:02}",
                "season_type": "regular",
                "home_team_tricode": home,
                "away_team_tricode": away,
                "game_start": datetime.combine(day, time(23, 30), UTC),
            }
            postponed = chance.random() < 0.04
            status = 1 if postponed else chance.choice([3, 3, None])
            made["schedule"].append({**game, "game_status": status, "game_status_text": "PPD" if postponed else None})
            if not postponed:
                self._play(chance, made, game, offset)

    def _play(self, chance: random.Random, made: dict[str, list[Row]], game: Row, offset: int) -> None:
        """One game: lines of both teams and their shots; every eighth game has no shots."""
        has_shots = chance.random() > 0.12
        minutes = chance.choice([240, 240, 240, 265])
        lines = [
            self._line(chance, game, team, other, minutes / PLAYERS_A_TEAM, number, offset)
            for team, other in (
                (game["home_team_tricode"], game["away_team_tricode"]),
                (game["away_team_tricode"], game["home_team_tricode"]),
            )
            for number in range(PLAYERS_A_TEAM)
        ]
        for line in lines:
            home = line["team_abbr"] == game["home_team_tricode"]
            points = [sum(x["points"] for x in lines if (x["team_abbr"] == line["team_abbr"]) is own) for own in (1, 0)]
            line |= {"home_game": home, "win_flag": points[0] > points[1] or (points[0] == points[1] and home)}
        if game["season"] == "2022-23" or offset < NO_BOX_SCORE_AFTER:
            made["player_box_scores"] += lines
        if has_shots:
            made["shots"] += [shot for line in lines for shot in self._shots(chance, line)]

    @staticmethod
    def _line(chance: random.Random, game: Row, team: str, other: str, minutes: float, number: int, offset: int) -> Row:
        """One player's line. The last two of a team change places with the next team's in mid-season (trades)."""
        traded = number >= PLAYERS_A_TEAM - 2 and offset > 30
        origin = TEAMS[(TEAMS.index(team) + 1) % len(TEAMS)] if traded else team
        idle = chance.random() < 0.05
        fg3a = 0 if idle else chance.randint(0, 8)
        fga = 0 if idle else fg3a + chance.randint(0, 12)
        fg3m, fta = chance.randint(0, fg3a), 0 if idle else chance.randint(0, 8)
        fgm, ftm = fg3m + chance.randint(0, fga - fg3a), chance.randint(0, fta)
        return {
            **{c: game[c] for c in ("game_id", "game_date", "season")},
            "nba_player_id": TEAMS.index(origin) * 100 + number,
            "player_full_name": f"Plåyer {origin} {'abcdefghij'[number]}.",
            "team_abbr": team,
            "opponent_team_abbr": other,
            "minutes": 0.0 if idle else minutes * chance.uniform(0.3, 1.7),
            "points": 2 * (fgm - fg3m) + 3 * fg3m + ftm,
            "field_goals_made": fgm,
            "field_goals_attempted": fga,
            "three_pointers_made": fg3m,
            "three_pointers_attempted": fg3a,
            "free_throws_made": ftm,
            "free_throws_attempted": fta,
            **{
                name: chance.randint(0, 6)
                for name in ("offensive_rebounds", "defensive_rebounds", "assists", "steals", "blocks", "turnovers")
            },
            "personal_fouls": chance.randint(0, 6),
            "plus_minus": chance.randint(-20, 20),
        }

    @staticmethod
    def _shots(chance: random.Random, line: Row) -> list[Row]:
        """As many shots as the line has attempts, now and then one too few; some fall in one second."""
        return [
            {
                **{c: line[c] for c in ("game_id", "game_date", "nba_player_id", "player_full_name", "team_abbr")},
                "period": chance.randint(1, 4),
                "seconds_left": chance.randint(0, 60) * 12,
                "shot_zone_basic": chance.choice(ZONES),
                "shot_distance": chance.randint(0, 30),
                "shot_value": chance.choice([2, 3]),
                "shot_made": chance.random() < 0.5,
            }
            for _ in range(line["field_goals_attempted"] - (chance.random() < 0.02))
        ]
