"""A local server that answers as stats.nba.com does, failures included.

Rows of `playergamelogs` and `shotchartdetail` are those that nba_api's documentation shows as the service's output
(docs/nba_api/stats/endpoints_output, read 2026-11); the schedule is written in the service's nesting.
"""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

LINE_HEADERS = [
    *("SEASON_YEAR", "PLAYER_ID", "PLAYER_NAME", "NICKNAME", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID"),
    *("GAME_DATE", "MATCHUP", "WL", "MIN", "FGM", "FGA", "FG_PCT", "FG3M", "FG3A", "FG3_PCT", "FTM", "FTA", "FT_PCT"),
    *("OREB", "DREB", "REB", "AST", "TOV", "STL", "BLK", "BLKA", "PF", "PFD", "PTS", "PLUS_MINUS", "PTS_RANK"),
]
LINES = [
    [
        *("2016-17", 1626253, "Axel Toupane", "Axel", 1610612740, "NOP", "New Orleans Pelicans", "0021601230"),
        *("2017-04-12T00:00:00", "NOP @ POR", "W", 20.88, 4, 4, 1.0, 0, 0, 0, 0, 0, 0),
        *(0, 1, 1, 0, 0, 1, 0, 0, 4, 0, 8, 12, 12666),
    ],
    [
        *("2016-17", 202323, "Evan Turner", "Evan", 1610612757, "POR", "Portland Trail Blazers", "0021601230"),
        *("2017-04-12T00:00:00", "POR vs. NOP", "L", 22.683333, 3, 8, 0.375, 0, 0, 0, 0, 0, 0),
        *(0, 4, 4, 3, 3, 0, 0, 1, 1, 0, 6, 1, 15401),
    ],
    [
        *("2016-17", 1627761, "DeAndre' Bembry", "DeAndre'", 1610612737, "ATL", "Atlanta Hawks", "0021601226"),
        *("2017-04-12T00:00:00", "ATL @ IND", "L", 31.7, 3, 6, 0.5, 1, 2, 0.5, 0, 0, 0),
        *(2, 5, 7, 2, 2, 1, 1, 1, 3, 0, 7, -8, 14235),
    ],
    [  # made up: the documentation shows nobody of IND
        *("2016-17", 202331, "Paul George", "Paul", 1610612754, "IND", "Indiana Pacers", "0021601226"),
        *("2017-04-12T00:00:00", "IND vs. ATL", "W", 39, 11, 20, 0.55, 4, 8, 0.5, 6, 6, 1.0),
        *(1, 10, 11, 5, 3, 2, 1, 1, 3, 5, 32, 18, 301),
    ],
]
SHOT_HEADERS = [
    *("GRID_TYPE", "GAME_ID", "GAME_EVENT_ID", "PLAYER_ID", "PLAYER_NAME", "TEAM_ID", "TEAM_NAME", "PERIOD"),
    *("MINUTES_REMAINING", "SECONDS_REMAINING", "EVENT_TYPE", "ACTION_TYPE", "SHOT_TYPE", "SHOT_ZONE_BASIC"),
    *("SHOT_ZONE_AREA", "SHOT_ZONE_RANGE", "SHOT_DISTANCE", "LOC_X", "LOC_Y", "SHOT_ATTEMPTED_FLAG"),
    *("SHOT_MADE_FLAG", "GAME_DATE", "HTM", "VTM"),
]
_DONCIC = (1629029, "Luka Doncic", 1610612742, "Dallas Mavericks")
SHOTS = [
    [
        *("Shot Chart Detail", "0022300006", 15, *_DONCIC, 1, 10, 39, "Made Shot", "Driving Finger Roll Layup Shot"),
        *("2PT Field Goal", "Restricted Area", "Center(C)", "Less Than 8 ft.", 3, 16, 26, 1, 1),
        *("20231103", "DEN", "DAL"),
    ],
    [
        *("Shot Chart Detail", "0022300006", 45, *_DONCIC, 1, 7, 30, "Made Shot", "Jump Shot", "3PT Field Goal"),
        *("Above the Break 3", "Left Side Center(LC)", "24+ ft.", 26, -86, 251, 1, 1, "20231103", "DEN", "DAL"),
    ],
    [
        *("Shot Chart Detail", "0022300006", 540, *_DONCIC, 4, 10, 42, "Made Shot", "Driving Floating Jump Shot"),
        *("2PT Field Goal", "Mid-Range", "Center(C)", "8-16 ft.", 14, -7, 142, 1, 1, "20231103", "DEN", "DAL"),
    ],
]


def game(game_id: str, day: str, away: str | None, home: str | None, status: int = 3, **given: Any) -> dict[str, Any]:
    """A game of the schedule, 110 to 102 for the home team once it is over."""
    score = {1: (0, 0), 2: (51, 48), 3: (110, 102)}[status]
    return {
        "gameId": game_id,
        "gameStatus": status,
        "gameStatusText": {1: "7:30 pm ET", 2: "Q3 5:12", 3: "Final"}[status],
        "gameDateEst": f"{day}T00:00:00Z",
        "gameDateTimeEst": f"{day}T19:30:00Z",
        "gameDateTimeUTC": f"{day}T23:30:00Z",
        "postponedStatus": "N",
        "isNeutral": False,
        "homeTeam": {"teamId": 1 if home else 0, "teamTricode": home, "score": score[0], "wins": 1},
        "awayTeam": {"teamId": 2 if away else 0, "teamTricode": away, "score": score[1], "wins": 0},
        "broadcasters": {"nationalBroadcasters": []},
        "pointsLeaders": [],
        **given,
    }


SCHEDULES = {
    "2016-17": [
        game("0021601230", "2017-04-12", "NOP", "POR"),
        game("0021601226", "2017-04-12", "ATL", "IND"),
        game("0011600001", "2016-10-04", "NOP", "IND"),
    ],
    "2023-24": [
        game("0022300006", "2023-11-03", "DAL", "DEN"),
        game("0022300600", "2024-01-17", "DAL", "GSW", status=1, gameStatusText="PPD", postponedStatus="Y"),
        game("0022301200", "2024-04-14", "DAL", "OKC", status=1, postponedStatus="Y", isNeutral=True),
        game("0042300401", "2024-06-06", None, None, status=1),
    ],
}


@dataclass
class StatsServer:
    """What the server answers, and what it was asked. `failures` are used up, one a request, before it answers.

    A failure is a status, `hang`, `truncated` or `html`.
    """

    url: str
    failures: deque[int | str] = field(default_factory=deque)
    schedules: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {k: list(v) for k, v in SCHEDULES.items()}
    )
    line_headers: list[str] = field(default_factory=lambda: list(LINE_HEADERS))
    lines: list[list[Any]] = field(default_factory=lambda: [list(line) for line in LINES])
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self, endpoint: str, query: dict[str, str]) -> dict[str, Any]:
        """The document of an endpoint."""
        if endpoint == "scheduleleaguev2":
            games = self.schedules.get(query["Season"], [])
            days = sorted({g["gameDateEst"][:10] for g in games})
            dated = [{"gameDate": d, "games": [g for g in games if g["gameDateEst"][:10] == d]} for d in days]
            return {"meta": {}, "leagueSchedule": {"seasonYear": query["Season"], "leagueId": "00", "gameDates": dated}}
        month, day, year = query["DateFrom"].split("/")
        if endpoint == "playergamelogs":
            found = [line for line in self.lines if line[8][:10] == f"{year}-{month}-{day}"]
            return _sets(endpoint, {"PlayerGameLogs": (self.line_headers, found)})
        shots = [shot for shot in SHOTS if shot[21] == f"{year}{month}{day}"]
        return _sets(endpoint, {"Shot_Chart_Detail": (SHOT_HEADERS, shots), "LeagueAverages": (["GRID_TYPE"], [])})


def _sets(endpoint: str, sets: dict[str, tuple[list[str], list[list[Any]]]]) -> dict[str, Any]:
    found = [{"name": name, "headers": headers, "rowSet": rows} for name, (headers, rows) in sets.items()]
    return {"resource": endpoint, "parameters": {}, "resultSets": found}


@contextmanager
def stats_server() -> Iterator[StatsServer]:
    """The server on a free port of this machine."""
    closing = Event()

    class _Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            endpoint = parts.path.rpartition("/")[2]
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            server.headers = dict(self.headers.items())
            server.asked.append(f"{endpoint} {query.get('DateFrom') or query.get('Season')}")
            server.queries.append(query)
            failure = server.failures.popleft() if server.failures else None
            if failure == "hang":
                closing.wait(30)
                return
            body = json.dumps(server.answer(endpoint, query)).encode()
            if failure == "truncated":
                body = body[: len(body) // 2]
            if failure == "html":
                body = b"<html><body>Service Unavailable</body></html>"
            self.send_response(failure if isinstance(failure, int) else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the server's own signature)
            """Stay quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    server = StatsServer(f"http://127.0.0.1:{http.server_port}/stats")
    thread = Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        closing.set()
        http.shutdown()
        http.server_close()
        thread.join(10)
