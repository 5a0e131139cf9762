"""What `--source` may say."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backcourt.errors import UsageError
from backcourt.sources.folder import FolderSource
from backcourt.sources.simulator.folder import write_league
from backcourt.sources.simulator.source import SimulatorSource
from backcourt.sources.stats_nba import StatsNbaSource
from jobs.selection import DateSelection
from jobs.sources import find_source
from nba.raw import player_box_scores, schedule
from tests.stats_nba_server import stats_server
from tests.unit.engine.fake_clock import FakeClock

SOME_DATES = DateSelection(date(2023, 10, 24), date(2023, 11, 3))


def test_a_folder_may_hold_colons() -> None:
    found = find_source("folder:gs://bucket/files", SOME_DATES, FakeClock())
    assert isinstance(found, FolderSource)
    assert found.path == "gs://bucket/files"


@pytest.mark.parametrize("text", ["", "stats.nba", "ftp:somewhere", "Folder:x"])
def test_an_unknown_source_lists_them(text: str) -> None:
    with pytest.raises(UsageError, match="is not a source") as error:
        find_source(text, SOME_DATES, FakeClock())
    assert "folder:PATH" in error.value.do
    assert "stats.nba.com[:CACHE_FOLDER]" in error.value.do
    assert "simulator[:SEED]" in error.value.do


def test_a_folder_without_a_path() -> None:
    with pytest.raises(UsageError, match="names no folder"):
        find_source("folder:", SOME_DATES, FakeClock())


@pytest.mark.parametrize(
    ("dates", "seasons"),
    [
        (SOME_DATES, ["2023-24"]),
        (DateSelection(named=(date(2022, 5, 1), date(2022, 10, 18))), ["2021-22", "2022-23"]),
        (DateSelection(), ["2021-22", "2022-23", "2023-24"]),  # the clock says 2024-03-01
    ],
)
def test_the_service_is_asked_for_the_seasons_of_the_dates(
    dates: DateSelection, seasons: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = find_source(f"stats.nba.com:{tmp_path}", dates, FakeClock())
    assert isinstance(found, StatsNbaSource)
    with stats_server() as server:
        found._service._base_url = server.url
        found.read(schedule.FEED, date.min, date.max)
        assert server.asked == [f"scheduleleaguev2 {season}" for season in seasons]
    assert [file.name for file in tmp_path.glob("scheduleleaguev2/*")]


def test_the_simulator_gives_what_its_files_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start, end = date(2023, 10, 24), date(2023, 10, 25)
    write_league(tmp_path / "files", 3, start, end)
    found = find_source("simulator:3", DateSelection(start, end), FakeClock())
    assert isinstance(found, SimulatorSource)
    for feed in (schedule.FEED, player_box_scores.FEED):
        expected = FolderSource(str(tmp_path / "files")).read(feed, start, end)
        assert expected.num_rows
        assert found.read(feed, start, end) == expected
    assert [folder.name for folder in (tmp_path / ".backcourt" / "simulated").iterdir()] == ["3_2023-10-24_2023-10-25"]


def test_two_who_simulate_at_once_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one's folder appears while this one is still writing."""
    day = date(2023, 10, 24)
    first, second = (SimulatorSource(tmp_path, 3, day, day) for _ in range(2))

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        first.read(schedule.FEED, day, day)
        return write_league(*arguments)

    monkeypatch.setattr("backcourt.sources.simulator.source.write_league", meanwhile)
    assert second.read(schedule.FEED, day, day) == first.read(schedule.FEED, day, day)
    assert [folder.name for folder in tmp_path.iterdir()] == ["3_2023-10-24_2023-10-24"]


@pytest.mark.parametrize(
    ("text", "dates", "said"),
    [
        ("simulator:x", SOME_DATES, "names no seed"),
        ("simulator:-1", SOME_DATES, "names no seed"),
        ("simulator", DateSelection(), "no dates of its own"),
        ("simulator:7", DateSelection(start=date(2023, 10, 24)), "no dates of its own"),
    ],
)
def test_the_simulator_wants_a_seed_and_dates(text: str, dates: DateSelection, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_source(text, dates, FakeClock())
