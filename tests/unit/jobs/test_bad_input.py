"""Whatever a user gets wrong is answered by one line of two sentences and exit code 2, before anything is opened."""

import sys
from datetime import date
from pathlib import Path

import pytest

from backcourt.errors import UsageError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import Pipeline
from jobs.cli import main
from jobs.selection import DateSelection, select_dates
from jobs.session import find_tables
from jobs.settings import load_settings, parse_budget, run_settings
from tests.unit.pipeline.worlds import processor

D1, D2, D9 = date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 9)


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["backcourt", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    return (code if isinstance(code, int) else -1), capsys.readouterr().err


BAD_COMMANDS = {
    "no date": (["--start", "2024-13-01"], "--start: '2024-13-01' is not a date. Write dates as YYYY-MM-DD."),
    "an empty date": (["--start", ""], "--start: '' is not a date."),
    "start after end": (["--start", "2024-02-01", "--end", "2024-01-01"], "is after --end 2024-01-01. Swap them."),
    "names and a range": (["--dates", "2024-01-01", "--end", "2024-01-02"], "exclude each other."),
    "no name": (["--dates", ","], "No date was named."),
    "no file of dates": (["--dates-file", "nowhere.txt"], "nowhere.txt cannot be read:"),
    "no settings file": (["--config", "nowhere.yaml"], "There is no settings file nowhere.yaml."),
    "budget 0": (["--budget", "query=0"], "Setting budget.query 0 cannot be used: input should be greater"),
    "a kind of budget": (["--budget", "queries=3"], "Setting budget.queries cannot be used: extra inputs"),
    "no number": (["--budget", "query=many"], "--budget query=many is not KIND=NUMBER."),
    "a strange digit": (["--budget", "query=²"], "is not KIND=NUMBER."),
    "no worker": (["--workers", "0"], "Setting workers 0 cannot be used:"),
    "no such pool": (["--pool", "threads"], "Setting pool 'threads' cannot be used:"),
    "no such today": (["--as-of", "yesterday"], "Setting as_of 'yesterday' cannot be used:"),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_bad_flags(case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    flags, sentence = BAD_COMMANDS[case]
    code, told = command(monkeypatch, capsys, "backfill", *flags)
    assert code == 2
    assert sentence in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) == 1


BAD_FILES = {
    "an unknown key": ("worker: 4\n", "Setting worker cannot be used: extra inputs are not permitted."),
    "an unknown kind": ("budget:\n  reads: 4\n", "Setting budget.reads cannot be used:"),
    "block above warn": (
        "block_below: 0.99\n",
        "These settings cannot be used: block_below is above warn_below.",
    ),
    "one endpoint": ("endpoint: http://localhost:1\n", "endpoint and storage_endpoint go together."),
    "no YAML": ("workers: [1, 2\n", "settings.yaml cannot be read:"),
    "no mapping": ("- workers\n", "settings.yaml cannot be read:"),
    "no text": (b"\xff\xfe\x00", "settings.yaml cannot be read:"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_settings_files(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content, sentence = BAD_FILES[case]
    file = tmp_path / "settings.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, told = command(monkeypatch, capsys, "backfill", "--config", str(file))
    assert code == 2
    assert sentence in told
    assert "Traceback" not in told


def test_a_variable_that_is_no_json_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKCOURT_DATASETS", "nba_raw")
    with pytest.raises(UsageError, match="A variable cannot be read"):
        load_settings({})


def test_flags_win_over_variables_and_variables_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("workers: 2\nchunk_days: 3\nbudget:\n  query: 4\n  load: 5\n  read: 6\n")
    monkeypatch.setenv("BACKCOURT_CHUNK_DAYS", "7")
    monkeypatch.setenv("BACKCOURT_WORKERS", "8")
    monkeypatch.setenv("BACKCOURT_BUDGET__LOAD", "9")
    found = run_settings(file, workers=10, budget=["query=11"])
    assert (found.workers, found.chunk_days) == (10, 7)
    assert (found.budget.query, found.budget.load, found.budget.read) == (11, 9, 6)
    assert found.budget.commit == load_settings({}).budget.commit


def test_a_budget_may_be_given_in_parts() -> None:
    assert parse_budget(["query=16", " read = 4"]) == {"query": 16, "read": 4}
    assert parse_budget([]) is None


def test_an_unknown_table_is_answered_by_the_nearest() -> None:
    pipeline = Pipeline("p", (processor("player_game_summary"), processor("team_offense")))
    with pytest.raises(UsageError) as refused:
        find_tables(pipeline, ["player_game_sumary"])
    assert str(refused.value).startswith("There is no table player_game_sumary. Did you mean player_game_summary?")
    assert find_tables(pipeline, ["d.team_offense", "player_game_summary", "team_offense"]) == (
        "d.team_offense",
        "d.player_game_summary",
    )


def test_dates_come_from_flags_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "dates.txt"
    file.write_text("\ufeff2024-01-09\n\n# a comment\n2024-01-01  # another\n", encoding="utf-8")
    assert select_dates(None, None, ["2024-01-02,2024-01-01"], file).named == (D1, D2, D9)
    assert select_dates("2024-01-01", None, None, None) == DateSelection(start=D1)
    assert select_dates("2024-01-01", "2024-01-01", [], None) == DateSelection(D1, D1)


def test_a_line_of_the_file_that_is_no_date_is_named(tmp_path: Path) -> None:
    file = tmp_path / "dates.txt"
    file.write_text("2024-01-01\n\nJan 2\n")
    with pytest.raises(UsageError, match="line 3: 'Jan 2' is not a date"):
        select_dates(None, None, None, file)
    file.write_bytes(b"\xff\xfe2024")
    with pytest.raises(UsageError, match="cannot be read"):
        select_dates(None, None, None, file)
    file.write_text("# nothing\n")
    with pytest.raises(UsageError, match="No date was named"):
        select_dates(None, None, None, file)


def test_what_a_selection_means_in_a_calendar() -> None:
    calendar = Calendar((D1, D9))
    assert DateSelection().of(calendar) == ((D1, D9), ())
    assert DateSelection(start=D2).of(calendar) == ((D9,), ())
    assert DateSelection(end=D2).of(calendar) == ((D1,), ())
    assert DateSelection(named=(D1, D2)).of(calendar) == ((D1,), (D2,))
    with pytest.raises(UsageError, match="It reaches from 2024-01-01 to 2024-01-09"):
        DateSelection(start=D2, end=D2).of(calendar)
