"""What `--source` may say."""

from datetime import date
from pathlib import Path

import pytest

from backcourt.errors import UsageError
from backcourt.sources.folder import FolderSource
from backcourt.sources.stats_nba import StatsNbaSource
from jobs.selection import DateSelection
from jobs.sources import find_source
from nba.raw import schedule
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
