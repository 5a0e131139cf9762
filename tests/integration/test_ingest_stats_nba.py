"""An ingest from stats.nba.com through gate, staging and ledger: the service is a local server, the BigQuery too."""

import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from backcourt.clock import SystemClock
from backcourt.sources.stats_nba import StatsNbaSource
from backcourt.sources.stats_nba.service import Manners
from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.requests import JobRequest, Kind, TableRef
from jobs.flow import carry_out
from jobs.planning import Wish
from jobs.selection import DateSelection
from jobs.session import Session, open_session
from jobs.settings import Settings
from tests.stats_nba_server import StatsServer, stats_server

DAY = date(2017, 4, 12)
TABLES = ["schedule", "player_box_scores"]


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Requests to this machine go to it; the command's signal handlers do not outlive the test."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def server() -> Iterator[StatsServer]:
    with stats_server() as running:
        yield running


@pytest.fixture
def session(shared_bigquery: LocalBigQuery, tmp_path: Path) -> Iterator[Session]:
    endpoint = shared_bigquery.endpoint
    settings = Settings(
        project=endpoint.project,
        endpoint=endpoint.rest,
        storage_endpoint=endpoint.storage,
        datasets={name: f"{name}_stats" for name in ("nba_raw", "nba_orchestration")},
        run_folder=tmp_path / "runs",
        pool="serial",
        as_of=date(2017, 4, 20),
        refresh_days=0,
    )
    with open_session(settings) as opened:
        yield opened


def ingest(session: Session, server: StatsServer, folder: Path) -> int:
    manners = Manners(pause=0.01, timeout=5.0, tries=2, first_rest=0.01)
    source = StatsNbaSource(folder, SystemClock(), DAY, DAY, server.url, manners)
    wish = Wish("ingest", TABLES, DateSelection(DAY, DAY), source=source)
    return carry_out(session, wish, yes=True, as_json=False)


def test_blocked_until_the_service_has_every_team_then_committed(
    session: Session, server: StatsServer, tmp_path: Path
) -> None:
    """Three sides of four are below the threshold; the next ingest asks again for that date, and for no other."""
    late = server.lines.pop()
    assert ingest(session, server, tmp_path / "cache") == 3
    server.lines.append(late)
    server.asked.clear()
    assert ingest(session, server, tmp_path / "cache") == 0
    assert server.asked == ["playergamelogs 04/12/2017"]

    table = session.warehouse.names.quoted(TableRef("nba_raw", "player_box_scores"))
    sql = f"SELECT player_lookup, team_abbr, points, home_game FROM {table} ORDER BY player_lookup"
    rows = session.warehouse.run(JobRequest(f"look-{tmp_path.name}", Kind.QUERY, "look", "t", sql=sql)).rows
    assert [tuple(row.values()) for row in rows] == [
        ("axeltoupane", "NOP", 8, False),
        ("deandrebembry", "ATL", 7, False),
        ("evanturner", "POR", 6, True),
        ("paulgeorge", "IND", 32, True),
    ]

    server.asked.clear()
    assert ingest(session, server, tmp_path / "cache") == 0
    assert server.asked == []
