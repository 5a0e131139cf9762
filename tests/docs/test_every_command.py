"""Every command that README and docs show is run, or, where it needs a cluster or an account, held against its program.

`backcourt` commands run in a league of four weeks in which the box scores of one date are incomplete; the names that a
reader replaces (RUN, PATH, …) are replaced here. What a page shows below a command must be printed.
"""

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
import yaml

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from jobs.cli import app
from tests.docs.blocks import PAGES, REPOSITORY, Command, commands, is_shown
from tests.integration.in_process import Told
from tests.integration.nba_league import League

FIRST, LAST, NIGHT = date(2023, 10, 24), date(2023, 11, 20), date(2023, 11, 21)
RUNBOOK = "runbook.md"
PAGE_OF_ITS_OWN = "pipelines.md"
"""Its worked example has its own test."""
ENDLESS = ("emulator", "drain", "submit", "cancel", "runs")
"""Commands that serve until they are stopped, or that need a cluster or a run that is alive."""
ALL = [command for page in PAGES if page.name != PAGE_OF_ITS_OWN for command in commands(page)]
OURS = [command for command in ALL if command.words[0] == "backcourt"]
HERE = [command for command in OURS if command.words[1] not in ENDLESS and "://" not in command.text]


@dataclass(frozen=True)
class Reader:
    """Somebody who types what a page shows, with what they have put in for its names."""

    league: League
    files: Path

    def types(self, command: Command) -> Told:
        """Run it; where the command would ask, say yes."""
        known = {
            "RUN": "first-night",
            "TIME": f"{SystemClock().now():%Y-%m-%dT%H:%M:%S}",
            "folder:/data/nba": f"folder:{self.files}",
            "folder:PATH": f"folder:{self.files}",
            "folder:COMPLETE": f"folder:{self.files.parent / 'complete'}",
        }
        if "COMMIT" in command.words:
            known["COMMIT"] = self.commit_of(*command.words[2:4])
        yes = ["--yes"] if "--yes" in flags(command.words[1]) and "--yes" not in command.words else []
        return self.league.run(*[known.get(word, word) for word in command.words[1:]], *yes)

    def commit_of(self, table: str, day: str) -> str:
        """The newest commit of a partition."""
        ((commit,),) = self.league.sql(
            f"SELECT commit_id FROM {{nba_orchestration.ledger}} WHERE ENDS_WITH(table_name, '.{table}') AND "
            f"partition_date = DATE '{day}' ORDER BY generation DESC LIMIT 1"
        )
        return str(commit)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody with four weeks of games and every table."""
    folder = tmp_path_factory.mktemp("docs")
    files = folder / "league"
    with LocalBigQuery(None) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        league = League(server, folder, "docs", LAST + timedelta(days=1))
        league.done("simulate", "--to", str(files), "--seed", "7", "--start", str(FIRST), "--end", str(LAST))
        league.done("ingest", "--source", f"folder:{files}", "--yes")
        league.done("backfill", "--yes", "--run", "first-night")
        yield Reader(league, files)


@pytest.fixture(scope="module")
def on_call(reader: Reader) -> Reader:
    """Somebody in the night after, when the box scores of one of six games did not arrive."""
    files = reader.files.parent / "night"
    for folder in (files, files.parent / "complete"):
        words = ("--to", str(folder), "--seed", "7", "--start", str(FIRST), "--end", str(NIGHT))
        reader.league.done("simulate", *words)
    (box_scores,) = files.rglob("*box_scores*.parquet")
    frame = pl.read_parquet(box_scores)
    missing = frame.filter(pl.col("game_date") == NIGHT)["game_id"].min()
    frame.filter(pl.col("game_id") != missing).write_parquet(box_scores)
    return Reader(replace(reader.league, as_of=NIGHT + timedelta(days=1)), files)


@pytest.mark.parametrize("command", [c for c in HERE if c.page.name != RUNBOOK], ids=str)
def test_a_command_does_what_its_page_shows(reader: Reader, command: Command) -> None:
    told = reader.types(command)
    assert told.code == command.code, told.text
    assert is_shown(command.shown, told.text), told.text


@pytest.mark.parametrize("command", [c for c in HERE if c.page.name == RUNBOOK], ids=str)
def test_a_command_of_the_runbook_does_what_it_shows(on_call: Reader, command: Command) -> None:
    told = on_call.types(command)
    assert told.code == command.code, told.text
    assert is_shown(command.shown, told.text), told.text


@pytest.mark.parametrize("command", OURS, ids=str)
def test_its_flags_exist(command: Command) -> None:
    known = flags(command.words[1])
    assert {word.partition("=")[0] for word in command.words[2:] if word.startswith("--")} <= known


@pytest.mark.parametrize("command", [c for c in ALL if c not in OURS], ids=str)
def test_another_program_is_called_as_it_can_be(command: Command) -> None:
    program, *words = command.words
    if program == "make":
        assert re.search(rf"^{words[0]}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    elif program == "python":
        assert importlib.util.find_spec(words[words.index("-m") + 1])
    elif program == "helm":
        values = yaml.safe_load((REPOSITORY / "helm" / "backcourt" / "values.yaml").read_text())
        for setting in [w for flag, w in pairwise(words) if flag == "--set"]:
            for assigned in setting.split(","):
                assert found(values, assigned.partition("=")[0].split("."))
    else:
        assert program in ("kubectl", "kind", "docker", "export", "git", "pip")


def flags(name: str) -> set[str]:
    """Every flag of a `backcourt` command."""
    group: Any = typer.main.get_command(app)
    with typer.Context(group) as context:
        _, found, _ = group.resolve_command(context, [name])
    return {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help"
    }


def found(values: Any, path: list[str]) -> bool:
    """Whether the chart has a value of that path."""
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True
